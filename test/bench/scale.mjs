// The shared-memory store alone, filled through its interface by scale.c: 1 to 1,000,000 sessions of
// 5 KB.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { number, removeDir, workDir } from './support.mjs';

const COUNTS = [1, 1000, 100000, 1000000];
const LOOKUPS = 2000;

const program = path.join(process.env.BUILD_DIR, 'bench_scale');
const run = (...args) => JSON.parse(execFileSync(program, args.map(String), { encoding: 'utf8' }));

// Somebody is attached already, so that callgrind need not watch the file being checked.
async function lookup(file, count, dir) {
  const holder = spawn(program, ['hold', file, count], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((resolve) => { holder.stdout.once('data', resolve); });
  const out = path.join(dir, `callgrind.${count}`);
  try {
    execFileSync('valgrind', ['--tool=callgrind', '-q', `--callgrind-out-file=${out}`, '--toggle-collect=lookups',
      program, 'lookup', file, count, LOOKUPS].map(String), { stdio: 'pipe' });
  } finally {
    holder.stdin.end();
    await new Promise((resolve) => { holder.once('exit', resolve); });
  }
  return Number(/^(?:summary|totals): (\d+)/m.exec(fs.readFileSync(out, 'utf8'))[1]) / LOOKUPS;
}

export async function scale(variants, context) {
  const dir = workDir('/dev/shm');
  const rows = [];
  for (const count of COUNTS) {
    const file = path.join(dir, `sessions.${count}`);
    const filled = run('fill', file, count);
    const attached = run('attach', file, count);
    const instructions = await lookup(file, count, dir);
    rows.push([number(count), number(instructions), number(filled.bytes / count), number(filled.evicted),
      number(attached.kept), (attached.seconds * 1000).toFixed(1)]);
    context.say(rows.at(-1));
    fs.rmSync(file);
  }
  removeDir(dir);
  return {
    title: 'Shared memory: values of 5,120 bytes (in memory already, as after a restart of httpd)',
    head: ['sessions', 'instructions of a lookup', 'bytes per session', 'evicted', 'kept when attached', 'ms to attach'],
    rows,
  };
}
