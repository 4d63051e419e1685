// One static file of 1 KB, with and without the module in front of it, and a session of 20 claims
// (about 5 KB with its tokens):
//
//   instructions  per request, by callgrind: one process, the same requests, whatever else the
//                 machine does
//   throughput    by wrk, in alternated runs, as a ratio within each pair
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startFake } from '../provider/fake.mjs';
import { Browser, freePort, waitForPort } from '../integration/harness.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const MODULES = '/usr/lib/apache2/modules';
const OUR_MODULE = path.join(process.env.BUILD_DIR, '.libs/mod_auth_oauth.so');
const REQUESTS = 300;
const RUNS = 7;

// httpd runs as the user that Debian's runs as, from the start, so that callgrind can write.
const www = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'www-data'])));
const asUser = process.getuid() === 0 ? { uid: www[0], gid: www[1] } : {};

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

function workDir() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'oauth-bench-'));
  fs.mkdirSync(path.join(dir, 'htdocs/private'), { recursive: true });
  for (const name of ['htdocs/open.txt', 'htdocs/private/page.txt']) {
    fs.writeFileSync(path.join(dir, name), 'x'.repeat(1024));
  }
  fs.writeFileSync(path.join(dir, 'client.secret'), 'secret-of-the-benchmark', { mode: 0o600 });
  if (asUser.uid) {
    for (const entry of ['.', ...fs.readdirSync(dir, { recursive: true })]) {
      fs.chownSync(path.join(dir, entry), asUser.uid, asUser.gid);
    }
  }
  return dir;
}

function configuration({ dir, port, mpm, issuer }) {
  const load = [`mpm_${mpm}`, 'authn_core', 'authz_core', 'authz_user', 'mime']
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
LoadModule auth_oauth_module ${OUR_MODULE}
OAuthIssuer ${issuer}
OAuthClientID app
OAuthClientSecret file:${dir}/client.secret
OAuthStateDir ${dir}/state
<Location /private>
  AuthType OAuth
  Require valid-user
</Location>
`;
}

// Without the module, and with it: the same file otherwise.
function without(text) {
  return text.split('\n').filter((line) => !/OAuth|oauth_module|<Location|<\/Location|Require valid-user/.test(line))
    .join('\n');
}

async function startHttpd(dir, name, text, port, wrapper = []) {
  const file = path.join(dir, `${name}.conf`);
  fs.writeFileSync(file, text);
  const [command, ...args] = [...wrapper, '/usr/sbin/apache2', '-f', file, wrapper.length ? '-X' : '-DFOREGROUND'];
  const child = spawn(command, args, { ...asUser, stdio: ['ignore', 'inherit', 'inherit'], cwd: dir });
  const gone = new Promise((resolve) => { child.once('exit', resolve); });
  await waitForPort(port);
  return { pid: child.pid, async stop() { child.kill('SIGTERM'); await gone; fs.rmSync(`${dir}/httpd.pid`, { force: true }); } };
}

// A session like those of real providers: 20 claims, 1,400 characters of access token.
function provider() {
  const claims = {};
  for (let i = 0; i < 12; i += 1) claims[`claim_${i}`] = `value of claim ${i}, with some text in it to be realistic`;
  Object.assign(claims, {
    email: 'alice@example.com', email_verified: true, preferred_username: 'alice', name: 'Alice Example',
    groups: ['staff', 'admins', 'operators', 'release-managers'],
  });
  return startFake({
    clientId: 'app',
    clientSecret: 'secret-of-the-benchmark',
    user: { sub: 'user-1', ...claims },
    rules: { token: { set: { access_token: 'a'.repeat(1400) } }, idToken: { drop: ['at_hash'] } },
  });
}

async function signIn(base) {
  const browser = new Browser();
  const page = await browser.goto(`${base}/private/page.txt`);
  if (page.status !== 200) throw new Error(`the login ended with ${page.status}: ${page.text.slice(0, 500)}`);
  return `oauth=${browser.cookie('oauth')}`;
}

function get(agent, url, headers) {
  return new Promise((resolve, reject) => {
    http.get(url, { agent, headers }, (response) => {
      response.resume();
      response.on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`))));
    }).on('error', reject);
  });
}

async function countInstructions(dir, name, text, port, target, cookie) {
  const out = path.join(dir, `callgrind.${name}`);
  const server = await startHttpd(dir, name, text, port, ['valgrind', '--tool=callgrind', '-q',
    `--callgrind-out-file=${out}`, '--separate-threads=no']);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const base = `http://127.0.0.1:${port}`;
  const headers = { Cookie: cookie, Accept: '*/*', 'User-Agent': 'bench' };
  const control = (flag) => execFileSync('callgrind_control', [flag, String(server.pid)], { ...asUser, stdio: 'ignore' });
  try {
    for (let i = 0; i < 30; i += 1) await get(agent, base + target, headers);
    control('-z');
    for (let i = 0; i < REQUESTS; i += 1) await get(agent, base + target, headers);
    control('-d');
  } finally {
    agent.destroy();
    await server.stop();
  }
  const dump = fs.readdirSync(dir).filter((file) => file.startsWith(`callgrind.${name}.`)).sort()[0];
  const total = /^(?:summary|totals): (\d+)/m.exec(fs.readFileSync(path.join(dir, dump), 'utf8'))[1];
  if (process.env.KEEP) console.log(`profile: ${path.join(dir, dump)}`);
  return Number(total) / REQUESTS;
}

async function instructions(op) {
  const dir = workDir();
  const port = await freePort();
  const text = configuration({ dir, port, mpm: 'prefork', issuer: op.issuer });
  const plainServer = await startHttpd(dir, 'login', text, port);
  const cookie = await signIn(`http://127.0.0.1:${port}`);
  await plainServer.stop();
  const plain = await countInstructions(dir, 'plain', without(text), port, '/open.txt', cookie);
  const loaded = await countInstructions(dir, 'loaded', text, port, '/open.txt', cookie);
  const signed = await countInstructions(dir, 'signed', text, port, '/private/page.txt', cookie);
  if (!process.env.KEEP) fs.rmSync(dir, { recursive: true });
  return { plain, loaded, signed };
}

function wrk(url, cookie, connections) {
  const out = execFileSync('wrk', ['-t1', `-c${connections}`, '-d3s', '--latency', '-H', `Cookie: ${cookie}`, url], { encoding: 'utf8' });
  if (/Non-2xx/.test(out)) throw new Error(out);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1]);
}

async function throughput(op, connections) {
  const dir = workDir();
  const port = await freePort();
  const server = await startHttpd(dir, 'event', configuration({ dir, port, mpm: 'event', issuer: op.issuer }), port);
  const base = `http://127.0.0.1:${port}`;
  const pairs = [];
  try {
    const cookie = await signIn(base);
    wrk(`${base}/private/page.txt`, cookie, connections);
    for (let i = 0; i < RUNS; i += 1) {
      const open = wrk(`${base}/open.txt`, cookie, connections);
      const signed = wrk(`${base}/private/page.txt`, cookie, connections);
      pairs.push({ open, signed, ratio: signed / open });
    }
  } finally {
    await server.stop();
    fs.rmSync(dir, { recursive: true });
  }
  return pairs;
}

const what = process.argv.slice(2);
const wanted = (name) => !what.length || what.includes(name);
const number = (n) => Math.round(n).toLocaleString('en-US');
const lines = [];
const op = await provider();

if (wanted('instructions')) {
  const { plain, loaded, signed } = await instructions(op);
  lines.push('| request for a static file of 1 KB | instructions | added |', '|---|---:|---:|',
    `| httpd alone | ${number(plain)} | |`,
    `| module loaded, place not protected | ${number(loaded)} | ${number(loaded - plain)} |`,
    `| signed in, session of 20 claims | ${number(signed)} | ${number(signed - plain)} |`, '');
}
if (wanted('throughput')) {
  lines.push('| connections | not protected, requests/s | signed in, requests/s | ratio (median of 7 pairs) | lowest | highest |',
    '|---:|---:|---:|---:|---:|---:|');
  for (const connections of [1, 32]) {
    const pairs = await throughput(op, connections);
    const ratios = pairs.map((pair) => pair.ratio);
    lines.push(`| ${connections} | ${number(median(pairs.map((pair) => pair.open)))} | ${
      number(median(pairs.map((pair) => pair.signed)))} | ${median(ratios).toFixed(2)} | ${
      Math.min(...ratios).toFixed(2)} | ${Math.max(...ratios).toFixed(2)} |`);
  }
}
await op.close();

const version = execFileSync('/usr/sbin/apache2', ['-v'], { encoding: 'utf8' }).split('\n')[0].replace('Server version: ', '');
const text = `${lines.join('\n')}

${version}, ${os.cpus().length} cores, ${new Date().toISOString().slice(0, 10)}. Instructions by callgrind (prefork, ${REQUESTS}
requests on one connection); throughput by wrk (event MPM, runs of 3 s, alternated).
`;
console.log(text);
if (!what.length) fs.writeFileSync(path.join(HERE, 'RESULTS.md'), `# Results of test/bench/run.sh\n\n${text}`);
