// OAuthSessionStore cookie: the browser keeps the session.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { errorRow, login, parseSetCookie, seconds, useSite } from './harness.mjs';

const STORE = 'OAuthSessionStore cookie\n';
const SITE = (s) => STORE + s.provider('OAuthScope openid profile email offline_access')
  + s.place('/app', 'OAuthBackendToken user\n Require valid-user')
  + s.place('/none') + s.open('/public');
const named = (page) => page.setCookies.map(parseSetCookie);
const ours = (site, browser) => browser.jar.cookies.filter((one) => one.name.startsWith(site.sessionCookie)
  && !one.name.endsWith('-login')).sort((a, b) => (a.name < b.name ? -1 : 1));

for (const mpm of ['event', 'prefork']) {
  describe(`a session in cookies under MPM ${mpm}`, () => {
    const site = useSite({ httpd: { mpm }, config: SITE });

    it('is known to all processes, and takes few cookies', async () => {
      const browser = await site.signedIn('alice', '/none/');
      const cookies = ours(site, browser);
      assert.deepEqual(cookies.map((one) => one.name), ['oauth', 'oauth.1']);
      assert.ok(cookies.every((one) => one.httpOnly && one.name.length + one.value.length < 4096));
      const pages = await Promise.all(Array.from({ length: 40 }, () => browser.goto(`${site.url}/none/`)));
      assert.ok(pages.every((page) => page.status === 200 && page.hops.length === 1));
      assert.deepEqual(pages[0].received('X-Forwarded-User'), ['alice']);
      assert.doesNotMatch(pages[0].received('Cookie').join(), /oauth/);
    });

    it('survives graceful, restart, and stop and start', async () => {
      const browser = await site.signedIn();
      for (const acts of [['graceful'], ['restart'], ['stop', 'start']]) {
        for (const act of acts) await site.httpd[act]();
        const page = await browser.goto(`${site.url}/app/`);
        assert.equal(page.status, 200, acts.join());
        assert.equal(page.hops.length, 1, acts.join());
      }
    });

    it('stays ended for whoever copied the cookies, also after a restart', async () => {
      const browser = await site.signedIn();
      const thief = site.browser();
      thief.jar = browser.jar.copy();
      assert.equal((await thief.fetch(`${site.url}/none/`)).status, 200);
      const page = await browser.goto(`${site.url}/oauth/logout`, { form: {}, follow: false, from: `${site.url}/app/` });
      assert.equal(page.status, 303);
      assert.deepEqual(ours(site, browser), []);
      await site.assertNoSession(thief, '/none/');
      await site.httpd.restart();
      await site.assertNoSession(thief, '/none/');
      await site.httpd.stop();
      await site.httpd.start();
      await site.assertNoSession(thief, '/none/');
    });
  });
}

describe('what is kept of a session in cookies', () => {
  const site = useSite({ config: SITE });

  it('says nothing to whoever reads cookies or files', async () => {
    const browser = await site.signedIn();
    const secrets = ['alice@example.com', ...site.op.secrets()];
    const bytes = ours(site, browser).map((one) => one.value + Buffer.from(one.value.slice(2), 'base64url').toString('latin1'))
      .concat(fs.readdirSync(site.httpd.stateDir).map((name) => fs.readFileSync(`${site.httpd.stateDir}/${name}`, 'latin1')));
    for (const secret of secrets) assert.ok(bytes.every((text) => !text.includes(secret)), `${secret.slice(0, 6)}…`);
  });

  it('is replaced whole by a new login', async () => {
    const browser = await site.signedIn('alice', '/none/');
    const old = browser.jar.copy();
    await browser.goto(`${site.url}/oauth/login?return_to=/none/`);
    const page = await browser.goto(`${site.url}/none/`);
    assert.deepEqual(page.received('X-Forwarded-User'), ['alice']);
    const thief = site.browser();
    thief.jar = old;
    await site.assertNoSession(thief, '/none/');
  });
});

describe('the cookies of a session, changed on their way', () => {
  const site = useSite({ config: SITE });

  it('are no session, and lead to no loop', async () => {
    const browser = await site.signedIn('alice', '/none/');
    const [first, second] = ours(site, browser);
    const flipped = `${first.value.slice(0, 90)}${first.value[90] === 'A' ? 'B' : 'A'}${first.value.slice(91)}`;
    const wrong = [
      flipped, first.value.slice(0, -1), first.value.slice(0, 50), `${first.value}AAAA`, second.value,
      `11${first.value.slice(2)}x`, `99${first.value.slice(2)}`, first.value.slice(2), '21', '2', '%00', 'x'.repeat(4000),
    ];
    for (const value of wrong) {
      const headers = { Cookie: `oauth=${value}; oauth.1=${second.value}` };
      const answer = await site.browser().fetch(`${site.url}/none/`, { headers });
      assert.equal(answer.status, 401, value.slice(0, 20));
    }
    const headers = { Cookie: `oauth=${first.value}; oauth.1=${second.value}` };
    assert.equal((await site.browser().fetch(`${site.url}/none/`, { headers })).status, 200);
    first.value = flipped;
    browser.jar.store(`oauth=${flipped}; Path=/`, new URL(site.url));
    const page = await browser.goto(`${site.url}/none/`);
    assert.equal(page.status, 200, 'signed in again at the provider');
    assert.ok(page.hops.length > 1);
  });

  it('that came twice are refused and deleted', async () => {
    const browser = await site.signedIn('alice', '/none/');
    const [first, second] = ours(site, browser);
    const headers = { Cookie: `oauth=${first.value}; oauth.1=${second.value}; oauth.1=x` };
    const answer = await site.browser().goto(`${site.url}/none/`, { headers });
    site.assertError(answer, 'COOKIE_AMBIGUOUS');
    assert.deepEqual(named(answer).map((one) => [one.name, one.value]), [['oauth', ''], ['oauth.1', '']]);
  });

  it('open nothing once their tokens are gone, where tokens are needed', async () => {
    const browser = await site.signedIn();
    const headers = { Cookie: `oauth=${ours(site, browser)[0].value}` };
    assert.equal((await site.browser().fetch(`${site.url}/none/`, { headers })).status, 200);
    assert.equal((await site.browser().fetch(`${site.url}/app/`, { headers })).status, 401);
  });
});

describe('the use of a session in cookies', () => {
  const site = useSite({ config: (s) => `${SITE(s)}OAuthSessionLifetime 60s idle=4s\n` });

  it('is noted now and then, in the first cookie alone, and in no cache', async () => {
    const browser = await site.signedIn('alice', '/none/');
    site.backend.on('/none/public', (req, res) => {
      res.setHeader('Cache-Control', 'public, max-age=60');
      res.end('shared');
    });
    const before = ours(site, browser).map((one) => one.value);
    assert.equal((await browser.goto(`${site.url}/none/public`)).headers['cache-control'], 'public, max-age=60');
    await seconds(1);
    const page = await browser.goto(`${site.url}/none/public`);
    assert.deepEqual(named(page).map((one) => one.name), ['oauth']);
    assert.equal(page.headers['cache-control'], 'private');
    const after = ours(site, browser).map((one) => one.value);
    assert.notEqual(after[0], before[0]);
    assert.equal(after[1], before[1]);
    for (let n = 0; n < 3; n += 1) {
      await seconds(2);
      assert.equal((await browser.goto(`${site.url}/none/`)).hops.length, 1, `request ${n + 1}`);
    }
    await seconds(4.2);
    await site.assertNoSession(browser, '/none/');
  });
});

describe('a session whose tokens grow too much for cookies', () => {
  const site = useSite({ provider: 'fake', providerOptions: { accessTokenTtl: 1 }, config: SITE });

  it('goes on with the tokens in the store, and says so once a minute', async () => {
    const browser = await site.signedIn('alice', '/none/');
    const token = 'a'.repeat(7500);
    site.fake.behave({ refresh: { set: { access_token: token, expires_in: 3600 } }, idToken: { drop: ['at_hash'] } });
    await seconds(1.2);
    for (let n = 0; n < 4; n += 1) {
      const page = await browser.goto(`${site.url}/app/`);
      assert.deepEqual(page.received('Authorization'), [`Bearer ${token}`]);
    }
    const { id } = errorRow('STORE_TOO_LARGE');
    site.expectLog(id);
    assert.equal(site.httpd.errorLog().split(id).length - 1, 1);
  });
});

describe('a session that is too much for cookies', () => {
  const site = useSite({ provider: 'fake', config: SITE });

  it('loses its ID Token first, and logs out with a hint', async () => {
    site.fake.behave({ token: { set: { access_token: 'a'.repeat(6000) } }, idToken: { drop: ['at_hash'] } });
    const browser = await site.signedIn('alice', '/none/');
    const page = await browser.goto(`${site.url}/oauth/logout`, { form: {}, follow: false, from: `${site.url}/app/` });
    const query = new URL(page.location).searchParams;
    assert.equal(query.get('id_token_hint'), null);
    assert.equal(query.get('client_id'), 'app');
    assert.equal(query.get('logout_hint'), 'user-1');
  });

  it('is refused with advice', async () => {
    site.fake.behave({ token: { set: { access_token: 'a'.repeat(9000) } }, idToken: { drop: ['at_hash'] } });
    const browser = site.browser();
    const page = await login(browser, `${site.url}/none/`, 'alice');
    site.assertError(page, 'STORE_TOO_LARGE');
    assert.deepEqual(ours(site, browser), []);
  });

  it('has more room where the server takes longer header lines', async () => {
    await site.reload((s) => `LimitRequestFieldSize 16380\n${SITE(s)}`);
    site.fake.behave({ token: { set: { access_token: 'a'.repeat(9000) } }, idToken: { drop: ['at_hash'] } });
    const browser = await site.signedIn('alice', '/app/');
    assert.equal(ours(site, browser).length, 4);
    assert.deepEqual((await browser.goto(`${site.url}/app/`)).received('Authorization'), [`Bearer ${'a'.repeat(9000)}`]);
    site.fake.behave({});
    const again = await login(browser, `${site.url}/oauth/login?return_to=/none/`, 'alice');
    assert.equal(again.status, 200);
    assert.equal(ours(site, browser).length, 2, 'what a larger session left is deleted');
    await browser.goto(`${site.url}/oauth/logout`, { form: {}, follow: false, from: `${site.url}/app/` });
    assert.deepEqual(ours(site, browser), []);
    await site.reload();
  });
});

// Four seconds of life: renewed after four fifths of it.
describe('the refresh of a session in cookies', () => {
  const site = useSite({ provider: 'fake', providerOptions: { accessTokenTtl: 4 }, config: SITE });
  const refreshes = () => site.fake.requests.filter(
    (one) => one.form.get('grant_type') === 'refresh_token').length;
  const token = (page) => page.received('Authorization')[0];

  it('happens once for many requests at once, whose losers get the winner\'s token', async () => {
    const browser = await site.signedIn();
    const first = token(await browser.goto(`${site.url}/app/`));
    await seconds(4.5);
    const pages = await Promise.all(Array.from({ length: 30 }, () => browser.goto(`${site.url}/app/`)));
    assert.equal(refreshes(), 1);
    assert.equal(new Set(pages.map(token)).size, 1);
    assert.notEqual(token(pages[0]), first);
    const next = await browser.goto(`${site.url}/app/`);
    assert.equal(token(next), token(pages[0]));
    assert.deepEqual(named(next), [], 'the browser has it now');
  });

  it('is not lost with the answer that brought it', async () => {
    const browser = await site.signedIn();
    const old = browser.jar.copy();
    await seconds(4.5);
    const page = await browser.goto(`${site.url}/app/`);
    browser.jar = old;
    const again = await browser.goto(`${site.url}/app/`);
    assert.equal(again.hops.length, 1);
    assert.equal(token(again), token(page));
    assert.equal(refreshes(), 1);
    assert.notEqual(named(again).length, 0, 'this time the browser gets it');
  });

  it('happens ahead of time, without a request that waits', async () => {
    const browser = await site.signedIn();
    site.fake.behave({ refresh: { delayMs: 1500 } });
    await seconds(3.4);
    const began = Date.now();
    assert.equal((await browser.goto(`${site.url}/app/`)).status, 200);
    assert.ok(Date.now() - began < 1000, 'the old token was still valid');
    await seconds(2);
    assert.equal(refreshes(), 1);
    assert.equal((await browser.goto(`${site.url}/app/`)).status, 200);
    assert.equal(refreshes(), 1, 'taken over from the job');
  });

  it('uses each rotated refresh token once, many times in a row', async () => {
    const browser = await site.signedIn();
    for (let n = 1; n <= 3; n += 1) {
      await seconds(4.2);
      assert.equal((await browser.goto(`${site.url}/app/`)).status, 200, `refresh ${n}`);
    }
    const used = site.fake.requests.map((one) => one.form.get('refresh_token')).filter(Boolean);
    assert.equal(new Set(used).size, used.length);
  });

  it('ends the session when the provider says that the grant is over', async () => {
    const browser = await site.signedIn();
    site.fake.revokeAll();
    await seconds(4.5);
    assert.equal((await browser.fetch(`${site.url}/app/`)).status, 401);
    await browser.fetch(`${site.url}/app/`);
    assert.equal(refreshes(), 1, 'asked once');
    await site.assertNoSession(browser, '/none/');
    site.expectLog(/OA-1901/);
  });
});
