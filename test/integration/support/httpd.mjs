// A real Apache httpd in a directory of its own. See harness.mjs for how tests use it.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { HTTPD, renderConfig, selfSigned } from './config.mjs';
import { freePort, waitForPort, waitUntil } from './ports.mjs';
import { LogWatch } from './log.mjs';

const running = new Set();
// When a test file ends early, its servers end too; they end their own children.
process.on('exit', () => running.forEach((child) => child.kill('SIGTERM')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

function sanitizerEnvironment(dir) {
  if (process.env.SANITIZE !== '1') return {};
  const runtime = process.env.SANITIZE_RUNTIME
    ?? execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
  return {
    LD_PRELOAD: runtime,
    // httpd leaves its pools to the system at exit, which is no leak worth a report.
    ASAN_OPTIONS: `log_path=${dir}/asan:detect_leaks=0:abort_on_error=0:handle_abort=1`
      + ':detect_stack_use_after_return=1:strict_string_checks=1:detect_odr_violation=1',
    UBSAN_OPTIONS: `log_path=${dir}/ubsan:print_stacktrace=1`,
  };
}

// Whether the server's side of some connection to the port is still open.
function hasConnections(port) {
  const local = new RegExp(`^ *\\d+: \\w+:${port.toString(16).toUpperCase().padStart(4, '0')} \\w+:\\w+ (\\w\\w)`);
  const CLOSED = ['06', '0A']; // TIME_WAIT, LISTEN
  return fs.readFileSync('/proc/net/tcp', 'latin1').split('\n')
    .some((line) => local.test(line) && !CLOSED.includes(local.exec(line)[1]));
}

// Whether no thread of a process is running. A process that has just ended is at rest, too.
function sleeps(pid) {
  try {
    return fs.readdirSync(`/proc/${pid}/task`)
      .every((tid) => /^\d+ \(.*\) S /.test(fs.readFileSync(`/proc/${pid}/task/${tid}/stat`, 'latin1')));
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return true;
    throw error;
  }
}

function writeFile(file, spec) {
  const { content, mode = 0o644 } = typeof spec === 'object' && !Buffer.isBuffer(spec) ? spec : { content: spec };
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
  fs.writeFileSync(file, content);
  fs.chmodSync(file, mode); // whatever the umask is
}

class Httpd {
  constructor(options) {
    Object.assign(this, options);
    this.options = options;
    [this.port] = options.ports;
    this.scheme = options.tls ? 'https' : 'http';
    this.url = `${this.scheme}://localhost:${this.port}`;
    this.stateDir = path.join(this.root, 'state');
    this.log = new LogWatch(path.join(this.root, 'logs/error.log'), path.join(this.root, 'sanitizer'));
    this.ca = options.tls ? selfSigned().cert : undefined;
    this.configFile = path.join(this.root, 'conf/httpd.conf');
    this.env = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      LANG: 'C.UTF-8',
      ...sanitizerEnvironment(path.join(this.root, 'sanitizer')),
      ...options.env,
    };
  }

  get pid() {
    return this.process?.pid;
  }

  text(config) {
    const told = config ?? '';
    return renderConfig(this.options, typeof told === 'function' ? told(this) : told);
  }

  write(config) {
    writeFile(this.configFile, { content: this.text(config), mode: 0o600 });
  }

  async start() {
    const child = spawn(HTTPD, ['-d', this.root, '-f', this.configFile, '-DFOREGROUND'], {
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // In a process group of its own, because httpd sends signals to its whole group.
      detached: true,
    });
    this.process = child;
    running.add(child);
    let output = '';
    let ended = false;
    child.stdout.on('data', (data) => { output += data; });
    child.stderr.on('data', (data) => { output += data; });
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        ended = true;
        running.delete(child);
        resolve({ code, signal });
      });
    });
    try {
      await Promise.all(this.ports.map((port) => waitForPort(port, {
        aborted: () => ended, timeoutMs: 30000,
      })));
    } catch (error) {
      child.kill('SIGTERM');
      throw new Error(`httpd did not start: ${error.message}\n${output}\n${this.errorLog()}`);
    }
    return this;
  }

  pidsOfChildren() {
    const file = `/proc/${this.pid}/task/${this.pid}/children`;
    return fs.readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number);
  }

  // Until no connection is open and no child runs, or a moment has passed. A child that closes a
  // connection must not get SIGTERM or SIGHUP: mod_mpm_event may then read what a worker has just
  // freed, and mod_mpm_prefork frees its pools inside the signal handler, in the middle of another
  // free() as it may be. Both crash with any module and would be blamed on this one.
  quiet() {
    const quiet = () => this.ports.every((port) => !hasConnections(port)) && this.pidsOfChildren().every(sleeps);
    let before = false;
    return waitUntil(() => {
      const now = quiet();
      const twice = before && now;
      before = now;
      return twice;
    }, 'quiet', 1500).catch(() => {});
  }

  async stop() {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await this.quiet();
    child.kill('SIGTERM');
    await this.ended;
  }

  // Ends httpd for good: the last lines of the log are judged too, and the directory goes.
  async end() {
    await this.stop();
    await this.log.check();
    if (!process.env.KEEP) fs.rmSync(this.root, { recursive: true, force: true });
  }

  async signalAndWait(signal) {
    const generations = () => this.errorLog().split('resuming normal operations').length;
    const before = generations();
    this.process.kill(signal);
    await waitUntil(() => generations() > before, `httpd to come back after ${signal}`, 30000);
    await Promise.all(this.ports.map((port) => waitForPort(port)));
  }

  graceful() {
    return this.signalAndWait('SIGUSR1');
  }

  async restart() {
    await this.quiet();
    return this.signalAndWait('SIGHUP');
  }

  reload(config) {
    this.write(config);
    return this.graceful();
  }

  // What `apachectl -t` says about a configuration. Does not touch the running server.
  configTest(config, args = []) {
    const file = path.join(this.root, 'conf/test.conf');
    writeFile(file, { content: this.text(config), mode: 0o600 });
    const { status, stdout, stderr, signal } = spawnSync(HTTPD, ['-t', '-d', this.root, '-f', file, ...args], {
      env: this.env, encoding: 'utf8', timeout: 60000,
    });
    return { code: status, signal, stdout, stderr };
  }

  file(name, spec) {
    const file = path.join(this.root, name);
    writeFile(file, spec);
    return file;
  }

  // The processes that serve requests; mod_cgid's daemon has no threads and is left out.
  async children() {
    const serves = (pid) => this.mpm === 'prefork' || fs.readdirSync(`/proc/${pid}/task`).length > 1;
    return waitUntil(() => {
      const pids = this.pidsOfChildren().filter(serves);
      return pids.length && pids;
    }, 'a child of httpd');
  }

  errorLog() {
    return this.log.whole();
  }

  expectLog(pattern) {
    this.log.expect(pattern);
  }
}

// Everything but the start: enough for configTest().
export async function prepareHttpd(options = {}) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'oauth-httpd-'));
  fs.chmodSync(root, 0o755); // the children run as another user
  for (const name of ['conf', 'logs', 'run', 'htdocs']) fs.mkdirSync(path.join(root, name), { mode: 0o755 });
  fs.mkdirSync(path.join(root, 'sanitizer'));
  fs.chmodSync(path.join(root, 'sanitizer'), 0o1777);
  const ports = [];
  for (let n = 0; n < (options.listeners ?? 1); n += 1) ports.push(await freePort());

  const httpd = new Httpd({ mpm: 'event', ...options, root, ports });
  httpd.file('conf/mime.types', 'text/html html shtml\ntext/plain txt\nimage/png png\n');
  if (options.tls) {
    httpd.file('conf/cert.pem', selfSigned().cert);
    httpd.file('conf/key.pem', { content: selfSigned().key, mode: 0o600 });
  }
  const files = typeof options.files === 'function' ? options.files(httpd) : options.files;
  for (const [name, spec] of Object.entries(files ?? {})) httpd.file(name, spec);
  return httpd;
}

export async function startHttpd(options = {}) {
  const httpd = await prepareHttpd(options);
  httpd.write(options.config);
  return httpd.start();
}
