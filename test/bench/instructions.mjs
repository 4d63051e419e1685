// Instructions, by callgrind: one process (prefork), the same requests, whatever else the machine
// does. A request of a session that was there before; one of a session that this process has not
// seen lately; a whole login with all its requests.
import http from 'node:http';
import { ask, countInstructions, number, Site } from './support.mjs';

const REQUESTS = 300;
/* More than a process keeps, and each comes once a round. */
const STRANGERS = 400;
const LOGINS = 8;

async function askAll(agent, site, cookies) {
  for (const cookie of cookies) {
    const { status } = await ask(agent, site.url, cookie);
    if (status !== 200) throw new Error(`${site.variant.name}: status ${status}`);
  }
}

async function perRequest(site, name, warmUp, cookies) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const total = await countInstructions(site, name, () => askAll(agent, site, warmUp), () => askAll(agent, site, cookies));
    return total / cookies.length;
  } finally {
    agent.destroy();
  }
}

async function sessions(site, count) {
  const cookies = [];
  await site.start();
  for (let i = 0; i < count; i += 1) cookies.push(await site.signIn());
  await site.stop();
  return cookies;
}

export async function instructions(variants, context) {
  const rows = [];
  let plain;
  for (const variant of variants) {
    const site = await Site.make(variant, { ...context, mpm: 'prefork' });
    const cookies = await sessions(site, variant.ours && variant.protected ? STRANGERS : 1);
    const again = await perRequest(site, 'again', Array(30).fill(cookies[0]), Array(REQUESTS).fill(cookies[0]));
    plain ??= again;
    const row = [variant.name, number(again), number(again - plain), '', number(cookies[0].length)];
    if (cookies.length > 1) row[3] = number(await perRequest(site, 'first', cookies, cookies) - plain);
    if (!variant.protected) row[4] = '';
    if (variant.id === 'plain') row[2] = '';
    rows.push(row);
    context.say(row);
  }
  return {
    title: `Instructions of a request (callgrind, prefork, ${REQUESTS} requests on one connection)`,
    head: ['', 'instructions', 'added', 'added, session not seen lately', 'bytes of the Cookie header'],
    rows,
  };
}

export async function login(variants, context) {
  const rows = [];
  for (const variant of variants.filter((one) => one.protected)) {
    const site = await Site.make({ ...variant, id: `login-${variant.id}` }, { ...context, mpm: 'prefork' });
    const times = (count) => async () => { for (let i = 0; i < count; i += 1) await site.signIn(); };
    const total = await countInstructions(site, 'login', times(3), times(LOGINS));
    rows.push([variant.name, number(total / LOGINS)]);
    context.say(rows.at(-1));
  }
  return {
    title: `Instructions of a login: page, callback with token request and userinfo, page again (callgrind, ${LOGINS} logins)`,
    head: ['', 'instructions'],
    rows,
  };
}
