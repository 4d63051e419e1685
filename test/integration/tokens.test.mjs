// OAuthBackendToken user and id, and the refresh behind them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addSecret, seconds, useSite } from './harness.mjs';

const places = (s) => s.place('/app', 'OAuthBackendToken user\n Require valid-user')
  + s.place('/id', 'OAuthBackendToken id\n Require valid-user')
  + s.place('/maybe', 'OAuthBackendToken user\n OAuthUnauthenticated pass')
  + s.place('/none')
  + s.open('/public');
const SITE = (s) => s.provider('OAuthScope openid profile email offline_access') + places(s);
const bearer = (page) => {
  const [value, ...more] = page.received('Authorization');
  assert.deepEqual(more, []);
  const token = /^Bearer (\S+)$/.exec(value ?? '')?.[1];
  addSecret(token);
  return token;
};

describe('the backend\'s token', () => {
  const site = useSite({ provider: 'fake', config: SITE });

  it('is the user\'s access token, the ID Token, or none, as configured', async () => {
    const browser = await site.signedIn();
    const token = bearer(await browser.goto(`${site.url}/app/`));
    assert.ok(site.fake.accessTokens.has(token));
    const idToken = bearer(await browser.goto(`${site.url}/id/`));
    assert.equal(JSON.parse(Buffer.from(idToken.split('.')[1], 'base64url')).sub, 'user-1');
    assert.deepEqual((await browser.goto(`${site.url}/none/`)).received('Authorization'), []);
  });

  it('replaces what the client sent, where the module sends one', async () => {
    const browser = await site.signedIn();
    const headers = { Authorization: 'Bearer from-the-client' };
    assert.notEqual(bearer(await browser.goto(`${site.url}/app/`, { headers })), 'from-the-client');
    assert.deepEqual((await browser.goto(`${site.url}/public/`, { headers })).received('Authorization'), ['Bearer from-the-client']);
  });

  it('is none where nobody has signed in and may pass, and the client\'s does not stand in for it', async () => {
    const headers = { Authorization: 'Bearer from-the-client' };
    const page = await site.browser().goto(`${site.url}/maybe/`, { headers });
    assert.equal(page.status, 200);
    assert.deepEqual(page.received('Authorization'), []);
    const token = bearer(await (await site.signedIn()).goto(`${site.url}/maybe/`, { headers }));
    assert.ok(site.fake.accessTokens.has(token));
  });

  it('never goes to the browser', async () => {
    const browser = await site.signedIn();
    site.backend.on('/app/quiet', (req, res) => res.end('quiet'));
    const page = await browser.goto(`${site.url}/app/quiet`);
    const answer = JSON.stringify([page.rawHeaders, page.text]);
    for (const secret of site.fake.secrets()) assert.ok(!answer.includes(secret));
  });
});

describe('a backend that refuses the user\'s token', () => {
  const site = useSite({ provider: 'fake', config: SITE });
  const refreshes = () => site.fake.requests.filter((one) => one.form.get('grant_type') === 'refresh_token').length;

  it('gets the next one, and the browser notices nothing', async () => {
    const browser = await site.signedIn();
    const old = bearer(await browser.goto(`${site.url}/app/`));
    site.backend.on('/app/guarded', (req, res, record) => {
      const ok = req.headers.authorization && req.headers.authorization !== `Bearer ${old}`;
      res.writeHead(ok ? 200 : 401, ok ? {} : { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
      res.end(JSON.stringify(record));
    });
    const pages = await Promise.all(Array.from({ length: 10 }, () => browser.goto(`${site.url}/app/guarded`)));
    assert.deepEqual(pages.map((page) => page.status), Array(10).fill(200));
    assert.equal(new Set(pages.map(bearer)).size, 1);
    assert.equal(refreshes(), 1);
    assert.notEqual(bearer(await browser.goto(`${site.url}/app/`)), old);
  });

  it('gets no third one, but answers itself', async () => {
    const browser = await site.signedIn();
    site.backend.on('/app/never', (req, res) => { res.writeHead(401); res.end(); });
    for (let n = 0; n < 3; n += 1) assert.equal((await browser.fetch(`${site.url}/app/never`)).status, 401);
    assert.equal(refreshes(), 1);
    assert.equal((await browser.goto(`${site.url}/none/`)).hops.length, 1, 'still signed in');
  });
});

// Four seconds of life: renewed after four fifths of it.
describe('the refresh of a short-lived token', () => {
  const site = useSite({ provider: 'fake', providerOptions: { accessTokenTtl: 4 }, config: SITE });
  const refreshes = () => site.fake.requests.filter(
    (one) => one.form.get('grant_type') === 'refresh_token').length;

  it('happens once for many requests at once', async () => {
    const browser = await site.signedIn();
    const first = bearer(await browser.goto(`${site.url}/app/`));
    await seconds(4.5);
    const pages = await Promise.all(Array.from({ length: 30 }, () => browser.goto(`${site.url}/app/`)));
    const tokens = new Set(pages.map(bearer));
    assert.equal(refreshes(), 1);
    assert.equal(tokens.size, 1);
    assert.ok(!tokens.has(first));
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
    const token = bearer(await browser.goto(`${site.url}/app/`));
    assert.ok(site.fake.accessTokens.has(token));
  });

  it('uses each rotated refresh token once, many times in a row', async () => {
    const browser = await site.signedIn();
    for (let n = 1; n <= 3; n += 1) {
      await seconds(4.2);
      assert.equal((await browser.goto(`${site.url}/app/`)).status, 200, `refresh ${n}`);
    }
    assert.ok(refreshes() >= 3);
    const used = site.fake.requests.map((one) => one.form.get('refresh_token')).filter(Boolean);
    assert.equal(new Set(used).size, used.length);
  });

  it('keeps the session while the provider is down, and goes on when it is back', async () => {
    const browser = await site.signedIn();
    await site.fake.pause();
    await seconds(4.5);
    const page = await browser.goto(`${site.url}/app/`);
    site.assertError(page, 'REFRESH_UNAVAILABLE');
    assert.ok(page.headers['retry-after']);
    assert.equal((await browser.goto(`${site.url}/none/`)).status, 200, 'who needs no token is served');
    await site.fake.resume();
    await seconds(10.5); // a failed attempt is not repeated sooner
    assert.equal((await browser.goto(`${site.url}/app/`)).status, 200);
  });

  it('ends the session when the provider says that the grant is over', async () => {
    const browser = await site.signedIn();
    site.fake.revokeAll();
    await seconds(4.5);
    const answer = await browser.fetch(`${site.url}/app/`);
    assert.equal(answer.status, 401);
    await browser.fetch(`${site.url}/app/`);
    assert.equal(refreshes(), 1, 'asked once');
    await site.assertNoSession(browser, '/none/');
    site.expectLog(/OA-1901/);
  });
});

const WRONG = [
  // what the refresh answers, the error
  ['status 500', { refresh: { status: 500, raw: 'oops', type: 'text/html' } }, ['REFRESH_FAILED', 'REFRESH_UNAVAILABLE']],
  ['no JSON', { refresh: { raw: '<html>' } }, ['REFRESH_FAILED', 'TOKEN_RESPONSE']],
  ['another token type', { refresh: { set: { token_type: 'mac' } } }, ['REFRESH_FAILED', 'TOKEN_TYPE']],
  ['an ID Token of another issuer', { idToken: { claims: { iss: 'https://evil.example' } } }, 'REFRESH_ID_TOKEN'],
  ['an ID Token of another user', { idToken: { claims: { sub: 'user-2' } } }, 'REFRESH_ID_TOKEN'],
  ['an ID Token for somebody else', { idToken: { claims: { aud: 'other' } } }, 'REFRESH_ID_TOKEN'],
  ['an ID Token with a wrong signature', { idToken: { sign: 'badsig' } }, 'REFRESH_ID_TOKEN'],
];
for (const [what, rule, error] of WRONG) {
  describe(`a refresh answered with ${what}`, () => {
    const site = useSite({ provider: 'fake', providerOptions: { accessTokenTtl: 1 }, config: SITE });
    it('gives the backend no token', async () => {
      const browser = await site.signedIn('alice', '/none/');
      site.fake.behave(rule);
      await seconds(1.5);
      const page = await browser.goto(`${site.url}/app/`, { follow: false });
      site.assertError(page, error);
      assert.equal(site.backend.count('/app/'), 0);
    });
  });
}

const FINE = [
  ['without a new refresh token', { refresh: { drop: ['refresh_token'] } }, { rotate: false }],
  ['without an ID Token', { refresh: { drop: ['id_token'] } }, {}],
  ['without expires_in', { refresh: { drop: ['expires_in'] } }, {}],
];
for (const [what, rule, options] of FINE) {
  describe(`a refresh answered ${what}`, () => {
    const site = useSite({ provider: 'fake', providerOptions: { accessTokenTtl: 1, ...options }, config: SITE });
    it('is accepted', async () => {
      const browser = await site.signedIn('alice', '/none/');
      site.fake.behave(rule);
      await seconds(1.5);
      assert.ok(bearer(await browser.goto(`${site.url}/app/`)));
    });
  });
}

describe('a session without a refresh token', () => {
  const site = useSite({ provider: 'fake', providerOptions: { accessTokenTtl: 1 }, config: SITE });
  it('signs in anew for a place that wants the token, once it has expired', async () => {
    site.fake.behave({ token: { drop: ['refresh_token'] } });
    const browser = await site.signedIn('alice', '/none/');
    await seconds(1.5);
    assert.equal((await browser.fetch(`${site.url}/app/`)).status, 401);
    assert.equal(site.backend.count('/app/'), 0);
    assert.equal((await browser.goto(`${site.url}/none/`)).hops.length, 1);
    assert.ok(bearer(await browser.goto(`${site.url}/app/`)));
  });
});

describe('a place that passes on the ID Token of a provider that has none', () => {
  const site = useSite({
    provider: 'fake',
    config: (s) => s.provider('OAuthProfile oauth2\nOAuthUserinfo on') + places(s),
  });
  it('gives the backend nothing', async () => {
    const browser = await site.signedIn('alice', '/none/');
    site.assertError(await browser.goto(`${site.url}/id/`, { follow: false }), 'BACKEND_TOKEN');
    assert.equal(site.backend.count('/id/'), 0);
  });
});

describe('the refresh at a real provider', () => {
  const site = useSite({ providerOptions: { ttl: { AccessToken: 2 } }, config: SITE });
  it('rotates the refresh token and keeps the session', async () => {
    const browser = await site.signedIn();
    const tokens = new Set([bearer(await browser.goto(`${site.url}/app/`))]);
    for (let n = 0; n < 3; n += 1) {
      await seconds(2.2);
      const pages = await Promise.all(Array.from({ length: 8 }, () => browser.goto(`${site.url}/app/`)));
      for (const page of pages) {
        assert.equal(page.status, 200);
        tokens.add(bearer(page));
      }
    }
    assert.equal(tokens.size, 4);
  });
});
