// Whole logins with sessions in httpd's own cache providers, and what happens when they fail.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { Browser, freePort, login, prepareHttpd, useSite, waitForPort, waitUntil } from './harness.mjs';

const PROVIDERS = Object.fromEntries(['dbm', 'memcache', 'redis'].map((name) => [
  `socache_${name}_module`, `/usr/lib/apache2/modules/mod_socache_${name}.so`]));
const MINIMAL = 'OAuthIssuer https://login.example.com\nOAuthClientID app\nOAuthClientSecret env:SECRET\nOAuthBaseURL https://www.example.com\n';

class Memcached {
  async start() {
    this.port ??= await freePort();
    this.process = spawn('memcached', ['-l', '127.0.0.1', '-p', String(this.port), '-U', '0', '-u', 'nobody', '-t', '1'], { stdio: 'ignore' });
    this.ended = new Promise((resolve) => { this.process.once('exit', resolve); });
    await waitForPort(this.port);
  }

  async stop() {
    this.process?.kill('SIGKILL');
    await this.ended;
  }
}

const memcached = new Memcached();

// name, what follows socache:, whether sessions outlive httpd's own restarts
const STORES = [
  ['shmcb', () => 'shmcb', false],
  ['shmcb with arguments', (s) => `shmcb:${s.httpd.root}/run/sessions(8000000)`, false],
  ['dbm', (s) => `dbm:${s.httpd.root}/run/sessions`, true],
  ['memcache', () => `memcache:127.0.0.1:${memcached.port}`, true],
];

for (const mpm of ['prefork', 'event']) {
  for (const [name, text, lasting] of STORES) {
    describe(`a session in socache:${name} under MPM ${mpm}`, () => {
      if (name === 'memcache') {
        before(() => memcached.start());
        after(() => memcached.stop());
      }
      const site = useSite({
        httpd: { mpm, modules: PROVIDERS },
        config: (s) => `${s.provider()}${s.place('/app')}OAuthSessionStore socache:${text(s)}\n`,
      });

      it('is known to all processes and ends with a logout', async () => {
        const [alice, bob] = [await site.signedIn('alice'), await site.signedIn('bob')];
        const thief = site.browser();
        thief.jar = alice.jar.copy();
        const pages = await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 2 ? alice : bob).goto(`${site.url}/app/`)));
        pages.forEach((page, n) => {
          assert.equal(page.status, 200);
          assert.equal(page.hops.length, 1);
          assert.deepEqual(page.received('X-Forwarded-User'), [n % 2 ? 'alice' : 'bob']);
        });
        const end = await alice.fetch(`${site.url}/oauth/logout`, { headers: { 'Sec-Fetch-Site': 'same-origin' } });
        assert.ok(end.status === 302 || end.status === 303, String(end.status));
        await site.assertNoSession(thief);
        assert.equal((await bob.goto(`${site.url}/app/`)).hops.length, 1);
      });

      it(lasting ? 'survives graceful and restart' : 'is forgotten at a restart, and a login makes a new one', async () => {
        const browser = await site.signedIn();
        for (const act of ['graceful', 'restart']) {
          await site.httpd[act]();
          if (!lasting) await site.assertNoSession(browser);
          assert.equal((await login(browser, `${site.url}/app/`)).status, 200);
          const page = await browser.goto(`${site.url}/app/`);
          assert.equal(page.hops.length, 1);
          assert.deepEqual(page.received('X-Forwarded-User'), ['alice']);
        }
      });

      it('survives the end of a child by violence', async () => {
        const browser = await site.signedIn();
        for (const pid of await site.httpd.children()) process.kill(pid, 'SIGKILL');
        const page = await waitUntil(() => browser.goto(`${site.url}/app/`).catch(() => undefined), 'an answer');
        assert.equal(page.hops.length, 1);
        assert.equal(page.status, 200);
      });
    });
  }
}

describe('a memcached that is down', () => {
  const server = new Memcached();
  before(() => server.start());
  after(() => server.stop());
  const site = useSite({
    httpd: { modules: PROVIDERS },
    config: (s) => `${s.provider()}${s.place('/app')}${s.place('/open', 'OAuthUnauthenticated pass\nRequire all granted')}
      OAuthSessionStore socache:memcache:127.0.0.1:${server.port}\n`,
  });

  it('is a failure for who has a session, never an anonymous request', async () => {
    const browser = await site.signedIn();
    await server.stop();
    site.expectLog(/socache_memcache:\w+\] .*AH0079[01]/);
    // Who brings no cookie is not looked up.
    const anonymous = await new Browser().fetch(`${site.url}/open/`);
    assert.equal(anonymous.status, 200, anonymous.text);
    const seen = site.backend.requests.length;
    // Longer than the five seconds for which the client does not even ask.
    for (const until = Date.now() + 6500; Date.now() < until;) {
      for (const place of ['app', 'open']) {
        site.assertError(await browser.goto(`${site.url}/${place}/`), 'STORE');
      }
      await new Promise((resolve) => { setTimeout(resolve, 200); });
    }
    assert.equal(site.backend.requests.length, seen);
    await server.start();
    // Each child finds out by itself.
    const again = site.browser();
    await waitUntil(async () => (await login(again, `${site.url}/app/`)).status === 200, 'a login', 20000);
  });
});

describe('the configuration of a cache provider', () => {
  let httpd;
  before(async () => {
    httpd = await prepareHttpd({ modules: PROVIDERS, env: { SECRET: 'a secret for this test' } });
  });
  after(() => httpd.end());

  const WRONG = [
    ['without a name', 'socache', ['provider', 'shmcb', 'dbm', 'memcache']],
    ['with an empty name', 'socache:', ['provider', 'shmcb', 'dbm', 'memcache']],
    ['that is not loaded', 'socache:nonsense:x', ['nonsense', 'shmcb', 'LoadModule socache_nonsense_module']],
    ['with arguments that it refuses', 'socache:shmcb:/tmp/x(12)', ['provider shmcb says', '8192']],
    ['without the arguments that it needs', 'socache:memcache', ['provider memcache says', 'server']],
    ['with several servers', 'socache:memcache:127.0.0.1:1,127.0.0.1:2', ['one server only']],
    ['with several servers of Redis', 'socache:redis:127.0.0.1:1,127.0.0.1:2', ['one server only']],
  ];
  for (const [what, store, fragments] of WRONG) {
    it(`is refused ${what}`, async () => {
      const { code, stderr } = await httpd.configTest(`${MINIMAL}OAuthSessionStore "${store}"\n`);
      assert.notEqual(code, 0);
      for (const fragment of ['OAuthSessionStore', ...fragments]) assert.ok(stderr.includes(fragment), stderr);
    });
  }

  it('is taken in other letters', async () => {
    const { code, stderr } = await httpd.configTest(`${MINIMAL}OAuthSessionStore SoCache:shmcb\n`);
    assert.equal(code, 0, stderr);
  });

  const STOPS = [
    ['with a mutex that a dead process would keep', 'socache:shmcb\nMutex posixsem auth_oauth', /OA-1601.*posixsem.*Mutex pthread auth_oauth/],
    ['when the provider cannot begin', 'socache:dbm:/nowhere/sessions', /OA-1601.*dbm could not be started/],
  ];
  for (const [when, store, message] of STOPS) {
    it(`stops the start ${when}`, async () => {
      const one = await prepareHttpd({ modules: PROVIDERS, env: { SECRET: 'a secret for this test' } });
      one.write(`${MINIMAL}OAuthSessionStore ${store}\n`);
      // It listens before it reads so far.
      await one.start().catch(() => {});
      assert.notEqual((await one.ended).code, 0);
      assert.match(one.errorLog(), message);
      [/OA-1601/, /AH00020/].forEach((pattern) => one.expectLog(pattern));
      if (store.includes('dbm')) one.expectLog(/AH00804/);
      await one.end();
    });
  }
});
