// Instructions, by callgrind: one process (prefork), the same requests, whatever else the machine
// does. A request of a session that was there before; one of a session that this process has not
// seen lately; a whole login with all its requests.
import http from 'node:http';
import { ask, countInstructions, number, Site } from './support.mjs';

const REQUESTS = 300;
// Many more than a process of one thread keeps opened.
const STRANGERS = 200;
const LOGINS = 8;

async function askAll(agent, site, cookies) {
  for (const cookie of cookies) {
    const { status } = await ask(agent, site.url, cookie);
    if (status !== 200) throw new Error(`${site.variant.name}: status ${status}`);
  }
}

// With a session made in the same minute: later its use would be noted, which is another request.
// cookie: of somebody else's session, for a site where nobody signs in.
async function perRequest(site, name, cookie) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const used = {};
  const warmUp = async () => {
    used.cookie = cookie ?? await site.signIn();
    await askAll(agent, site, Array(30).fill(used.cookie));
  };
  try {
    const total = await countInstructions(site, name, warmUp, () => askAll(agent, site, Array(REQUESTS).fill(used.cookie)));
    return { instructions: total / REQUESTS, cookie: used.cookie };
  } finally {
    agent.destroy();
  }
}

// Each of many sessions in turn. They are read once before, so that every use has been noted.
async function ofStrangers(site) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const cookies = [];
  await site.start();
  for (let i = 0; i < STRANGERS; i += 1) cookies.push(await site.signIn());
  await site.stop();
  try {
    const round = () => askAll(agent, site, cookies);
    return await countInstructions(site, 'strangers', round, round) / STRANGERS;
  } finally {
    agent.destroy();
  }
}

export async function instructions(variants, context) {
  const rows = [];
  const plain = await Site.make({ ...variants[0], id: 'same-bytes' }, { ...context, mpm: 'prefork' });
  for (const variant of variants.filter((one) => one.id !== 'plain')) {
    const site = await Site.make(variant, { ...context, mpm: 'prefork' });
    const { instructions: all, cookie } = await perRequest(site, 'same', undefined);
    const { instructions: base } = await perRequest(plain, variant.id, cookie);
    const strangers = variant.keeps ? number(await ofStrangers(site) - base) : '';
    rows.push([variant.name, number(all), number(base), number(all - base), strangers,
      variant.protected ? number(cookie.length) : '']);
    context.say(rows.at(-1));
  }
  return {
    title: `Instructions of a request (callgrind, prefork, ${REQUESTS} requests on one connection)`,
    head: ['', 'instructions', 'not protected, same bytes', 'added', 'added, session not seen lately', 'bytes of the Cookie header'],
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
