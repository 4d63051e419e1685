// A real redis-server in a directory of its own, without persistence unless it is asked to save.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFileSync, spawn } from 'node:child_process';
import { freePort, waitForPort } from './ports.mjs';

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

class Redis {
  constructor(options) {
    Object.assign(this, options);
    this.socket = path.join(this.root, 'redis.sock');
  }

  async start() {
    const child = spawn('redis-server', [
      '--port', this.port, '--bind', '127.0.0.1', '--unixsocket', this.socket, '--unixsocketperm', '777',
      '--dir', this.root, '--save', '', '--rdbcompression', 'no', ...this.args,
    ], { stdio: 'ignore' });
    this.process = child;
    running.add(child);
    let gone = false;
    this.ended = new Promise((resolve) => {
      child.once('exit', () => { gone = true; running.delete(child); resolve(); });
      child.once('error', () => { gone = true; running.delete(child); resolve(); });
    });
    await waitForPort(this.port, { aborted: () => gone });
    return this;
  }

  // What redis-cli prints.
  run(...args) {
    return execFileSync('redis-cli', ['-p', this.port, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  }

  // Everything that is kept, as bytes.
  bytes() {
    this.run('SAVE');
    return fs.readFileSync(path.join(this.root, 'dump.rdb'));
  }

  signal(name) {
    this.process.kill(name);
  }

  // Keeps nothing that was not saved.
  async stop() {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  // With what it has.
  async restart(whileDown = async () => {}) {
    this.run('SAVE');
    await this.stop();
    await whileDown();
    await this.start();
  }

  async close() {
    await this.stop();
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}

export async function startRedis(args = []) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'oauth-redis-'));
  fs.chmodSync(root, 0o755); // httpd's children run as another user
  return new Redis({ root, args, port: await freePort() }).start();
}
