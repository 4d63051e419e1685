// Sessions in Redis: several servers, a Redis that is gone, hangs or refuses, and what is in it.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  addSecret, login, prepareHttpd, seconds, useSite, waitUntil,
} from './harness.mjs';
import { startRedis } from './support/redis.mjs';

const PASSWORD = 'correct-horse-battery-staple';
const SECRET = { OAUTH_SECRET: 's'.repeat(32) };
const RECOVERY_MS = 1000;

addSecret(PASSWORD);

// A suite's Redis, started before the site that names it in its configuration.
function useRedis(args) {
  const holder = {};
  before(async () => { holder.redis = await startRedis(args); });
  after(() => holder.redis.close());
  return holder;
}

const sharing = (site, store) => `${site.provider()}${site.place('/app')}
OAuthBaseURL ${site.url}
OAuthSecret env:OAUTH_SECRET
OAuthSessionStore ${store}
`;

// As a load balancer would ask a server: at its own port, under the name of the site.
const ask = (site, browser, httpd, path, options = {}) => browser.goto(`${httpd.url}${path}`, {
  follow: false, headers: { Host: new URL(site.url).host, ...options.headers }, ...options.more,
});

// Asks until there is another answer than 503, and returns how long that took.
async function recovery(ask503) {
  const began = Date.now();
  await waitUntil(async () => (await ask503()).status !== 503, 'Redis to be noticed', 5000);
  return Date.now() - began;
}

for (const mpm of ['event', 'prefork']) {
  describe(`two servers that share a Redis, under MPM ${mpm}`, () => {
    const holder = useRedis();
    const store = () => (mpm === 'event' ? `redis://127.0.0.1:${holder.redis.port}/1` : `unix:${holder.redis.socket}`);
    const site = useSite({ httpd: { mpm, env: SECRET }, config: (s) => sharing(s, store()) });
    let other;
    before(async () => {
      other = await prepareHttpd({ mpm, env: SECRET });
      other.write(sharing(site, store()));
      await other.start();
    });
    after(() => other.end());

    it('know each other’s sessions', async () => {
      const browser = await site.signedIn();
      const pages = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(site, browser, n % 2 ? other : site.httpd, '/app/')));
      for (const page of pages) {
        assert.equal(page.status, 200);
        assert.deepEqual(page.received('X-Forwarded-User'), ['alice']);
      }
    });

    it('know each other’s logouts', async () => {
      const browser = await site.signedIn();
      const thief = site.browser();
      thief.jar = browser.jar.copy();
      const page = await ask(site, browser, other, '/oauth/logout', {
        headers: { 'Sec-Fetch-Site': 'same-origin' }, more: { form: {}, from: `${site.url}/app/` },
      });
      assert.ok([302, 303].includes(page.status), `${page.status}`);
      await site.assertNoSession(thief);
      await site.assertNoSession(browser);
    });

    it('take an answer of the provider once', async () => {
      const browser = site.browser();
      const form = await browser.goto(`${site.url}/app/`);
      const back = await browser.submit(form, { login: 'alice', password: 'alice' }, {
        stopAt: (hop) => hop.location?.includes('code='),
      });
      const answer = new URL(back.location);
      const asked = site.op.count('/token');
      const copy = site.browser();
      copy.jar = browser.jar.copy();
      await browser.goto(back.location, { follow: false });
      await ask(site, copy, other, answer.pathname + answer.search);
      assert.equal(site.op.count('/token'), asked + 1);
    });

    it('lose nobody when Redis is started anew', async () => {
      const browser = await site.signedIn();
      await holder.redis.restart();
      for (const httpd of [site.httpd, other, site.httpd, other]) {
        assert.equal((await ask(site, browser, httpd, '/app/')).status, 200);
      }
    });

    it('leave nothing in Redis that says who is signed in, or lets anybody in', async () => {
      const browser = await site.signedIn();
      const bytes = holder.redis.bytes();
      assert.ok(bytes.includes('auth_oauth:1:session:'));
      const secrets = [browser.cookie(site.sessionCookie), 'alice', 'Alice', 'example.com', site.op.issuer, ...site.op.secrets()];
      for (const secret of secrets) assert.ok(!bytes.includes(secret), `Redis has ${secret.slice(0, 6)}…`);
    });

    it('lose nobody at graceful and restart', async () => {
      const browser = await site.signedIn();
      await site.httpd.graceful();
      assert.equal((await browser.goto(`${site.url}/app/`)).hops.length, 1);
      await site.httpd.restart();
      assert.equal((await browser.goto(`${site.url}/app/`)).hops.length, 1);
    });
  });
}

describe('a Redis that fails', () => {
  const holder = useRedis(['--requirepass', PASSWORD]);
  const site = useSite({
    httpd: { env: SECRET },
    config: (s) => sharing(s, `redis://:${PASSWORD}@127.0.0.1:${holder.redis.port}`),
  });
  const run = (...args) => holder.redis.run('-a', PASSWORD, ...args);

  it('costs 503 and never lets anybody in or out, and is noticed within a second when it is back', async () => {
    const browser = await site.signedIn();
    run('SAVE');
    await holder.redis.stop();
    for (let n = 0; n < 10; n += 1) {
      const seen = site.backend.requests.length;
      const page = await browser.goto(`${site.url}/app/`, { follow: false });
      site.assertError(page, 'STORE');
      assert.equal(page.setCookies.length, 0);
      assert.equal(site.backend.requests.length, seen);
    }
    site.expectLog(`127.0.0.1:${holder.redis.port}`);
    await holder.redis.start();
    const took = await recovery(() => browser.fetch(`${site.url}/app/`));
    assert.ok(took <= RECOVERY_MS, `${took} ms`);
    await seconds(Math.max(0, RECOVERY_MS - took) / 1000);
    const pages = await Promise.all(Array.from({ length: 40 }, () => browser.fetch(`${site.url}/app/`)));
    assert.ok(pages.every((page) => page.status === 200), `${pages.map((page) => page.status)}`);
  });

  it('does not hold up requests for long when it hangs', async () => {
    const browser = await site.signedIn();
    holder.redis.signal('SIGSTOP');
    const began = Date.now();
    const pages = await Promise.all(Array.from({ length: 20 }, () => browser.fetch(`${site.url}/app/`)));
    assert.ok(Date.now() - began < 2500, `${Date.now() - began} ms`);
    pages.forEach((page) => assert.equal(page.status, 503));
    site.expectLog('OA-1601');
    holder.redis.signal('SIGCONT');
    const took = await recovery(() => browser.fetch(`${site.url}/app/`));
    assert.ok(took <= RECOVERY_MS, `${took} ms`);
  });

  it('may come later than httpd', async () => {
    run('SAVE');
    await holder.redis.stop();
    await site.httpd.restart();
    const page = await site.browser().fetch(`${site.url}/app/`);
    assert.equal(page.status, 401);
    await holder.redis.start();
    await site.signedIn();
  });

  it('that refuses the password is 503 with advice, and the password is in no log', async () => {
    await site.reload(sharing(site, `redis://:not-${PASSWORD}@127.0.0.1:${holder.redis.port}`));
    const page = await login(site.browser(), `${site.url}/app/`, 'alice');
    site.assertError(page, 'STORE');
    site.expectLog('does not accept the user and password of the address');
  });
});

describe('an address of Redis', () => {
  let httpd;
  before(async () => { httpd = await prepareHttpd({}); });
  after(() => httpd.end());
  const check = (store) => httpd.configTest(`OAuthIssuer https://login.example.com
OAuthClientID app
OAuthClientAuth none
OAuthBaseURL https://www.example.com
OAuthSessionStore ${store}
`);

  it('needs no Redis to be checked', () => {
    for (const store of ['redis://127.0.0.1:9/2', `redis://bob:${PASSWORD}@[::1]`, 'unix:/nowhere/redis.sock?db=1',
      'redis+sentinel://a:1,b:2/main/3', '"redis://:%40%3a@localhost"']) {
      const { code, stderr } = check(store);
      assert.equal(code, 0, stderr);
    }
  });

  it('that is wrong is explained, without the password', () => {
    for (const [store, words] of [
      [`redis://:${PASSWORD}@localhost:x`, '1 to 65535'],
      [`redis://:${PASSWORD}/@localhost`, '%XX'],
      [`redis://${PASSWORD}@localhost`, ':PASSWORD'],
      ['redis+sentinel://localhost', '/MASTER'],
      ['unix:redis.sock', 'absolute path'],
      ['redis', '://'],
    ]) {
      const { code, stderr, stdout } = check(store);
      assert.notEqual(code, 0, store);
      assert.ok(stderr.includes('OAuthSessionStore'), stderr);
      if (words !== '%XX') assert.ok(stderr.includes(words), stderr);
      assert.ok(!(stderr + stdout).includes(PASSWORD), stderr);
    }
  });

  it('with TLS is taken where hiredis has TLS, and otherwise says what is missing', () => {
    const { code, stderr } = check('rediss://:secret@redis.example.com');
    if (code !== 0) assert.match(stderr, /rediss:\/\/ needs hiredis with TLS/);
  });
});
