// What the parts of the benchmark share: directories, servers, the provider, requests, numbers.
import { execFile, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startFake } from '../provider/fake.mjs';
import { Browser, freePort, waitForPort } from '../integration/harness.mjs';

export { ask } from './request.mjs';

const HTTPD = '/usr/sbin/apache2';
const MODULES = '/usr/lib/apache2/modules';
const SECRET = 'secret-of-the-benchmark';
const ACCESS_TOKEN = 'a'.repeat(1400);
export const PAGE = '/private/page.txt';

// httpd runs as the user that Debian's runs as, from the start, so that callgrind can write.
const www = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'www-data'])));
export const asUser = process.getuid() === 0 ? { uid: www[0], gid: www[1] } : {};

export const number = (n) => Math.round(n).toLocaleString('en-US');

export function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

export function workDir(parent = os.tmpdir()) {
  const dir = fs.mkdtempSync(path.join(parent, 'oauth-bench-'));
  fs.mkdirSync(path.join(dir, 'htdocs/private'), { recursive: true });
  fs.writeFileSync(path.join(dir, 'htdocs', PAGE), 'x'.repeat(1024));
  fs.writeFileSync(path.join(dir, 'client.secret'), SECRET, { mode: 0o600 });
  if (asUser.uid) {
    for (const entry of ['.', ...fs.readdirSync(dir, { recursive: true })]) {
      fs.chownSync(path.join(dir, entry), asUser.uid, asUser.gid);
    }
  }
  return dir;
}

export function removeDir(dir) {
  if (process.env.KEEP) console.log(`kept: ${dir}`);
  else fs.rmSync(dir, { recursive: true });
}

// A session like those of real providers: 20 claims of 1.2 KB, 1,400 characters of access token, an
// ID Token and a refresh token.
export async function startProvider(more = {}) {
  const claims = {};
  for (let i = 0; i < 12; i += 1) claims[`claim_${i}`] = `value of claim ${i}, with some text in it to be realistic`;
  Object.assign(claims, {
    email: 'alice@example.com', email_verified: true, preferred_username: 'alice', name: 'Alice Example',
    groups: ['staff', 'admins', 'operators', 'release-managers'],
  });
  const op = await startFake({
    clientId: 'app',
    clientSecret: SECRET,
    user: { sub: 'user-1', ...claims },
    rules: { token: { set: { access_token: ACCESS_TOKEN } }, idToken: { drop: ['at_hash'] } },
    ...more,
  });
  op.accessTokens.set(ACCESS_TOKEN, {});
  return op;
}

function configuration(variant, { dir, port, mpm, issuer, redis, more = '' }) {
  const load = [`mpm_${mpm}`, 'authn_core', 'authz_core', 'authz_user', 'mime', ...(variant.modules ?? [])]
    .map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`);
  return `${load.join('\n')}
ServerRoot ${dir}
PidFile ${dir}/httpd.pid
DefaultRuntimeDir ${dir}
ErrorLog ${dir}/error.log
LogLevel warn
Listen 127.0.0.1:${port}
ServerName http://127.0.0.1:${port}
TypesConfig /etc/mime.types
DocumentRoot ${dir}/htdocs
MaxKeepAliveRequests 0
KeepAliveTimeout 60
<Directory />
  AllowOverride None
</Directory>
${more}
${variant.lines({ dir, port, issuer, redis, secret: SECRET, modules: MODULES }).join('\n')}
`;
}

// A place where one variant runs: a port, a directory, and servers one after the other.
export class Site {
  constructor(variant, options) {
    Object.assign(this, options, { variant });
  }

  static async make(variant, { dir, op, mpm, redis, more }) {
    const own = path.join(dir, variant.id);
    fs.mkdirSync(own);
    for (const entry of ['htdocs', 'client.secret']) fs.cpSync(path.join(dir, entry), path.join(own, entry), { recursive: true });
    if (asUser.uid) execFileSync('chown', ['-R', `${asUser.uid}:${asUser.gid}`, own]);
    const port = await freePort();
    return new Site(variant, { dir: own, port, mpm, issuer: op.issuer, redis: redis?.port, more, base: `http://127.0.0.1:${port}` });
  }

  get url() {
    return this.base + PAGE;
  }

  writeConfig() {
    const file = path.join(this.dir, `${this.mpm}.conf`);
    fs.writeFileSync(file, configuration(this.variant, this));
    return file;
  }

  // What httpd says against this configuration; undefined when it would start.
  problem() {
    try {
      execFileSync(HTTPD, ['-t', '-f', this.writeConfig()], { ...asUser, stdio: 'pipe' });
      return undefined;
    } catch (error) {
      return `${error.stdout}${error.stderr}`.trim().split('\n').pop() || error.message;
    }
  }

  async start(wrapper = []) {
    const [command, ...args] = [...wrapper, HTTPD, '-f', this.writeConfig(), wrapper.length ? '-X' : '-DFOREGROUND'];
    const child = spawn(command, args, { ...asUser, stdio: ['ignore', 'ignore', 'inherit'], cwd: this.dir });
    this.gone = new Promise((resolve) => { child.once('exit', resolve); });
    this.pid = child.pid;
    await waitForPort(this.port);
  }

  async stop() {
    process.kill(this.pid, 'SIGTERM');
    await this.gone;
    fs.rmSync(path.join(this.dir, 'httpd.pid'), { force: true });
  }

  signal(name) {
    process.kill(this.pid, name);
  }

  children() {
    return fs.readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  }

  // The Cookie header of a new session; one of the same size where nobody signs in.
  async signIn() {
    if (!this.variant.protected) return `oauth=${'A'.repeat(43)}`;
    const browser = new Browser();
    const page = await browser.goto(this.url);
    if (page.status !== 200) throw new Error(`${this.variant.name}: the login ended with ${page.status}: ${page.text.slice(0, 500)}`);
    return browser.jar.header(new URL(this.url), { crossSite: false, topLevelGet: true });
  }
}

// Instructions that one process needed between warming up and the end of use, both of which get an
// agent with one connection. It is closed before the server is stopped, which would wait for it.
export async function countInstructions(site, name, warmUp, use) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const out = path.join(site.dir, `callgrind.${name}`);
  await site.start(['valgrind', '--tool=callgrind', '-q', `--callgrind-out-file=${out}`]);
  const control = (flag) => execFileSync('callgrind_control', [flag, String(site.pid)], { ...asUser, stdio: 'ignore' });
  try {
    await warmUp(agent);
    control('-z');
    await use(agent);
    control('-d');
  } finally {
    agent.destroy();
    await site.stop();
  }
  const dump = fs.readdirSync(site.dir).filter((file) => file.startsWith(`callgrind.${name}.`)).sort()[0];
  if (process.env.KEEP) console.log(`profile: ${path.join(site.dir, dump)}`);
  return Number(/^(?:summary|totals): (\d+)/m.exec(fs.readFileSync(path.join(site.dir, dump), 'utf8'))[1]);
}

// What a process of its own sees that asks at a steady rate (requests/s) while this one goes on.
export function steady(url, cookie, rate, count) {
  const program = path.join(path.dirname(fileURLToPath(import.meta.url)), 'steady.mjs');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, url, cookie, rate, count].map(String), (error, stdout, stderr) => {
      if (stderr) console.error(stderr.trim());
      if (error) reject(error);
      else resolve(JSON.parse(stdout));
    });
  });
}

// Requests per second and latencies in milliseconds.
export function wrk(url, cookie, connections, seconds) {
  const out = execFileSync('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-H', `Cookie: ${cookie}`, url], { encoding: 'utf8' });
  if (/Non-2xx/.test(out)) throw new Error(out);
  const latency = (percent) => {
    const [, value, unit] = new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s)$`, 'm').exec(out);
    return Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit];
  };
  return {
    requests: Number(/(\d+) requests in/.exec(out)[1]),
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1]),
    p50: latency(50),
    p99: latency(99),
  };
}

// A Redis of our own for the variants that want one; undefined where there is none.
export async function startRedis() {
  if (!fs.existsSync('/usr/bin/redis-server')) return undefined;
  const port = await freePort();
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
  const gone = new Promise((resolve) => { child.once('exit', resolve); });
  await waitForPort(port);
  return { port, async stop() { child.kill(); await gone; } };
}
