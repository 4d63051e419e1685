// Runs the parts asked for, or all of them, over the variants; prints the tables, and with all parts
// writes RESULTS.md.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { instructions, login } from './instructions.mjs';
import { kill, memory, throughput } from './load.mjs';
import { scale } from './scale.mjs';
import { removeDir, Site, startProvider, startRedis, workDir } from './support.mjs';
import { tokens } from './tokens.mjs';
import { variants } from './variants.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const PARTS = { instructions, login, throughput, scale, memory, kill, tokens };

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !PARTS[name]);
if (unknown.length) {
  console.error(`there is no part ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}`);
  process.exit(2);
}

function table({ title, head, rows }) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [`## ${title}`, '', line(head), line(head.map((_, i) => (i ? '---:' : '---'))), ...rows.map(line), ''].join('\n');
}

const version = (command, args, pattern) => pattern.exec(execFileSync(command, args, { encoding: 'utf8' }))[1];
const packageVersion = (name) => version('dpkg-query', ['-W', '-f=${Version}', name], /(.*)/);

function machine() {
  const cpu = /^model name\s*: (.*)$/m.exec(fs.readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown';
  return `${os.cpus().length} cores (${cpu}), ${Math.round(os.totalmem() / 2 ** 30)} GB, Linux ${os.release()}; ${
    version('/usr/sbin/apache2', ['-v'], /Server version: (.*)/)}, ${
    version('openssl', ['version'], /(OpenSSL \S+)/)}, libapache2-mod-auth-openidc ${
    packageVersion('libapache2-mod-auth-openidc')}, valgrind ${packageVersion('valgrind')}; ${
    new Date().toISOString().slice(0, 10)}.`;
}

// Those that httpd would start with, and what it says against the others.
async function present(context) {
  const usable = [];
  const absent = [];
  for (const variant of variants) {
    const site = await Site.make({ ...variant, id: `check-${variant.id}` }, { ...context, mpm: 'prefork' });
    const problem = site.problem();
    if (problem) absent.push(`- ${variant.name}: ${problem.replaceAll(context.dir, 'DIR')}`);
    else usable.push(variant);
  }
  return { usable, absent };
}

const began = Date.now();
const op = await startProvider();
const redis = await startRedis();
const context = { dir: workDir(), op, redis, say: (row) => console.error(row.join('  ')) };
const { usable, absent } = await present(context);
const tables = [];

for (const [name, part] of Object.entries(PARTS)) {
  if (!asked.length || asked.includes(name)) tables.push(table(await part(usable, context)));
}
await redis?.stop();
await op.close();
removeDir(context.dir);

const text = `# Results of test/bench/run.sh

${machine()}
A static file of 1 KB; a session of 20 claims (1.2 KB), 1,400 characters of access token, ID Token, refresh
token; both modules with the same provider. "Added" is without what httpd alone needs for a request
of the same bytes. All in one run of ${Math.round((Date.now() - began) / 60000)} minutes.

${tables.join('\n')}${absent.length ? `\nAbsent in this build:\n${absent.join('\n')}\n` : ''}`;
console.log(text);
if (!asked.length) fs.writeFileSync(path.join(HERE, 'RESULTS.md'), text);
