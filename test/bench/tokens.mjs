// Tokens for backends and programs, and what a provider that hangs costs: the numbers that were
// promised, each beside its target.
import http from 'node:http';
import { Browser, startBackend } from '../integration/harness.mjs';
import { ask, countInstructions, median, number, Site, startProvider, steady } from './support.mjs';
import { MODULE } from './variants.mjs';

// As Debian configures it.
const USUAL = 'StartServers 2\nMinSpareThreads 25\nMaxSpareThreads 75\nThreadsPerChild 25\nMaxRequestWorkers 150';
const TOGETHER = 200;
const LIFE = 5; // seconds of a service token
const EXPIRIES = 5;
const MANY = 10000;
const ANSWER_MS = 300; // what the provider takes for a token
const REQUESTS = 300;
const ROUNDS = 5;
const SIGNED_IN = { rate: 200, count: 2000 };
const COME_EVERY = 20; // ms, so that all wait within the five seconds that a call may take
const NEW_EVERY = 50; // ms, for those that come later

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const milliseconds = (n) => n.toFixed(1);
const grants = (op, type) => op.requests.filter((one) => one.form.get('grant_type') === type).length;

const proxied = (id, backend, lines) => ({
  id,
  name: id,
  modules: ['proxy', 'proxy_http'],
  lines: (at) => [...lines(at), `ProxyPass /private ${backend.url}/private`],
});

const client = (at) => [
  MODULE,
  `OAuthIssuer ${at.issuer}`,
  'OAuthClientID app',
  `OAuthClientSecret file:${at.dir}/client.secret`,
  `OAuthStateDir ${at.dir}/state`,
];
const inPlace = (lines) => ['<Location /private>', ...lines, '</Location>'];
const SERVICE = (at) => [...client(at), ...inPlace(['OAuthBackendToken service'])];

// ---- (a) and (b): how often the provider is asked, and who waits for it ---------------------------

async function together(context, backend) {
  const op = await startProvider({ rules: { service: { delayMs: ANSWER_MS } } });
  const site = await Site.make(proxied('together', backend, SERVICE), { ...context, op, mpm: 'event', more: USUAL });
  await site.start();
  const answers = await Promise.all(Array.from({ length: TOGETHER }, () => ask(new http.Agent(), site.url, '')));
  await site.stop();
  await op.close();
  const failed = answers.filter(({ status }) => status !== 200).length;
  return [
    [`${TOGETHER} first requests at the same time: token requests`, grants(op, 'client_credentials'), '1'],
    ['of them failed', failed, '0'],
  ];
}

async function expiring(context, backend) {
  const op = await startProvider({ serviceTokenTtl: LIFE, rules: { service: { delayMs: ANSWER_MS } } });
  const site = await Site.make(proxied('expiring', backend, SERVICE), { ...context, op, mpm: 'event', more: USUAL });
  await site.start();
  const first = await ask(new http.Agent(), site.url, '');
  const seen = await steady(site.url, '', MANY / (LIFE * EXPIRIES), MANY - 1);
  await site.stop();
  await op.close();
  return [
    [`${number(MANY)} requests while the token expires ${EXPIRIES} times: token requests`, grants(op, 'client_credentials'), '5 or 6'],
    ['of them failed', seen.failed + (first.status !== 200), '0'],
    [`longest but for the first, ms (a token takes ${ANSWER_MS})`, milliseconds(seen.longest), `far below ${ANSWER_MS}`],
    ['first, ms', milliseconds(first.ms), ''],
  ];
}

// ---- (c): instructions that a token adds to a proxied request --------------------------------------

// A row each, measured against httpd without the module. A service token of 1,400 characters that goes
// to the backend is part of what it costs.
//   lines     of the place
//   headers   what the client sends, to both
const API = 'https://api.example/';
const COSTS = [
  {
    id: 'cost-service', name: 'a service token adds to a proxied request, instructions', target: 15000,
    lines: SERVICE, headers: () => ({}),
  },
  {
    id: 'cost-bearer', name: 'a JWT that was seen before adds to a proxied request, instructions', target: 25000,
    lines: (at) => [...client(at), ...inPlace(['AuthType OAuth', 'OAuthAccept bearer', `OAuthAudience ${API}`, 'Require valid-user'])],
    headers: (op) => ({ Authorization: `Bearer ${op.accessToken(API)}` }),
  },
];

async function instructionsOf(site, headers) {
  const times = (count) => async (agent) => {
    for (let i = 0; i < count; i += 1) {
      const { status } = await ask(agent, site.url, headers);
      if (status !== 200) throw new Error(`${site.variant.name}: status ${status}`);
    }
  };
  return await countInstructions(site, 'requests', times(30), times(REQUESTS)) / REQUESTS;
}

async function costs(context, backend) {
  const op = await startProvider();
  const rows = [];
  for (const cost of COSTS) {
    const at = { ...context, op, mpm: 'prefork' };
    const site = await Site.make(proxied(cost.id, backend, cost.lines), at);
    const plain = await Site.make(proxied(`${cost.id}-same-bytes`, backend, () => []), at);
    const headers = cost.headers(op);
    const all = await instructionsOf(site, headers);
    const base = await instructionsOf(plain, headers);
    rows.push([`${cost.name} (${number(base)} without the module)`, number(all - base), `at most ${number(cost.target)}`]);
  }
  await op.close();
  return rows;
}

// ---- (d): a provider that hangs ---------------------------------------------------------------------

// Logins that come whatever becomes of those before.
class Logins {
  constructor(site) {
    Object.assign(this, { site, statuses: new Map(), running: new Set() });
  }

  begin() {
    const one = new Browser().goto(this.site.url).then((page) => page.errorId ?? page.status, () => 'cut')
      .then((end) => this.statuses.set(end, (this.statuses.get(end) ?? 0) + 1))
      .finally(() => this.running.delete(one));
    this.running.add(one);
  }

  async during(promise) {
    let done = false;
    const result = promise.finally(() => { done = true; });
    for (let i = 0; !done; i += 1) {
      this.begin();
      await pause(i < TOGETHER ? COME_EVERY : NEW_EVERY);
    }
    await Promise.all(this.running);
    return result;
  }

  toString() {
    return [...this.statuses].map(([end, count]) => `${number(count)} × ${end}`).sort().join(', ');
  }
}

async function signsIn(site) {
  for (;;) {
    try {
      return await site.signIn();
    } catch { await pause(500); }
  }
}

async function hanging(context) {
  const op = await startProvider();
  const lines = (at) => [...client(at), ...inPlace(['AuthType OAuth', 'Require valid-user'])];
  const site = await Site.make({ id: 'hanging', name: 'hanging', protected: true, lines }, { ...context, op, mpm: 'event', more: USUAL });
  const rounds = [];
  const logins = new Logins(site);
  await site.start();
  for (let i = 0; i < ROUNDS; i += 1) {
    const cookie = await signsIn(site);
    const before = await steady(site.url, cookie, SIGNED_IN.rate, SIGNED_IN.count);
    op.behave({ token: { hang: true } });
    const meanwhile = await logins.during(steady(site.url, cookie, SIGNED_IN.rate, SIGNED_IN.count));
    op.reset();
    rounds.push({ before, meanwhile });
    context.say([`round ${i + 1}: p99 ${milliseconds(before.p99)} ms, then ${milliseconds(meanwhile.p99)}; longest ${
      milliseconds(before.longest)}, ${milliseconds(meanwhile.longest)}; logins so far: ${logins}`]);
  }
  await site.stop();
  await op.close();
  const of = (what) => median(rounds.map(what));
  const p99 = [of(({ before }) => before.p99), of(({ meanwhile }) => meanwhile.p99)];
  return [
    [`p99 of signed-in requests (${SIGNED_IN.rate}/s), ms`, milliseconds(p99[0]), ''],
    [`the same while the provider hangs, ${TOGETHER} logins come within ${TOGETHER * COME_EVERY / 1000} s, and ${1000 / NEW_EVERY} a second from then on, ms`, milliseconds(p99[1]), ''],
    ['the one over the other', (p99[1] / p99[0]).toFixed(2), 'at most 1.5'],
    ['of them failed', rounds.reduce((sum, { meanwhile }) => sum + meanwhile.failed, 0), '0'],
    [`how the logins ended: ${logins}`, '', ''],
  ];
}

export async function tokens(variants, context) {
  const backend = await startBackend();
  const rows = [];
  for (const part of [together, expiring, costs, hanging]) {
    for (const row of await part(context, backend)) {
      rows.push(row);
      context.say(row);
    }
  }
  await backend.close();
  return {
    title: `Tokens for backends, and a provider that hangs (event MPM as on Debian: 25 threads per child, 150 in all; medians of ${ROUNDS} rounds)`,
    head: ['', 'measured', 'target'],
    rows,
  };
}
