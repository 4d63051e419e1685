// OAuthBackendToken exchange, and user for a resource: tokens for one backend that the session of a
// user brings.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addSecret, login, received, seconds, useSite } from './harness.mjs';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const bearer = (page) => {
  const [value, ...more] = received(page.text, 'Authorization');
  assert.deepEqual(more, []);
  const token = /^Bearer (\S+)$/.exec(value ?? '')?.[1];
  addSecret(token);
  return token;
};
const asked = (site, test) => site.fake.requests.filter((one) => one.path.endsWith('/token') && test(one.form));
const exchanges = (site) => asked(site, (form) => form.get('grant_type') === EXCHANGE).length;
const parts = (site) => asked(site, (form) => form.get('grant_type') === 'refresh_token' && form.has('resource')).length;
const refreshes = (site) => asked(site, (form) => form.get('grant_type') === 'refresh_token' && !form.has('resource')).length;
const usedOnce = (site) => {
  const used = site.fake.requests.map((one) => one.form.get('refresh_token')).filter(Boolean);
  assert.equal(new Set(used).size, used.length, 'a refresh token was used twice');
};
const get = (site, browser, path, options) => browser.goto(site.url + path, { follow: false, ...options });
// A backend that takes the tokens that good() likes.
const guard = (site, path, good) => site.backend.on(path, (req, res, record) => {
  const ok = good(/^Bearer (\S+)$/.exec(req.headers.authorization ?? '')?.[1]);
  res.writeHead(ok ? 200 : 401, ok ? { 'X-Answer': 'yes' } : { 'WWW-Authenticate': 'Bearer error="invalid_token"', 'X-Refused': 'yes' });
  res.end(JSON.stringify(record));
});

const user = (kind) => `OAuthBackendToken ${kind}\n Require valid-user`;
const SCOPES = 'OAuthScope openid profile email offline_access';
const SITE = (s) => s.provider(SCOPES)
  + s.place('/billing', user('exchange audience=billing'))
  + s.place('/twin', user('exchange audience=billing'))
  + s.place('/mail', user('exchange audience=mail resource=https://mail.example/ scope="read write"'))
  + s.place('/api', user('user resource=https://api.example/'))
  + s.place('/own', `OAuthResource https://a.example/ https://b.example/\n OAuthScope openid email\n ${user('user')}`)
  + s.place('/user', user('user'))
  + s.place('/none');

// The same with each keeper of sessions.
for (const [keeper, store] of [['the store', ''], ['cookies', 'OAuthSessionStore cookie\n']]) {
  describe(`a token for one backend, with sessions in ${keeper}`, () => {
    const site = useSite({
      provider: 'fake',
      providerOptions: { resources: ['https://api.example/', 'https://a.example/', 'https://b.example/'] },
      config: (s) => store + SITE(s) + s.place('/forbidden', user('user resource=https://other.example/')),
    });

    it('is exchanged for the user\'s, once for all requests and places that ask for it', async () => {
      const browser = await site.signedIn('alice', '/none/');
      site.fake.behave({ exchange: { delayMs: 300 } });
      const pages = await Promise.all(Array.from({ length: 30 }, (_, i) => get(site, browser, i % 2 ? '/billing/' : '/twin/')));
      assert.deepEqual([...new Set(pages.map((page) => page.status))], [200]);
      const tokens = new Set(pages.map(bearer));
      assert.equal(tokens.size, 1);
      assert.equal(exchanges(site), 1);
      const own = bearer(await get(site, browser, '/user/'));
      assert.ok(!tokens.has(own));
      assert.deepEqual(site.fake.accessTokens.get([...tokens][0]), {
        subject: site.fake.accessTokens.get(own).id, audience: 'billing', resource: null, scope: null,
      });
    });

    it('is asked for with what the place says', async () => {
      const browser = await site.signedIn('alice', '/none/');
      const { subject, ...target } = site.fake.accessTokens.get(bearer(await get(site, browser, '/mail/')));
      assert.ok(subject);
      assert.deepEqual(target, { audience: 'mail', resource: 'https://mail.example/', scope: 'read write' });
    });

    it('is one session\'s, and not that of the next session of the same user', async () => {
      const browser = await site.signedIn('alice', '/none/');
      const other = await site.signedIn('alice', '/none/');
      const first = bearer(await get(site, browser, '/billing/'));
      assert.notEqual(bearer(await get(site, other, '/billing/')), first);
      await browser.goto(`${site.url}/oauth/logout`, { method: 'POST', headers: { Origin: site.url } });
      await site.assertNoSession(browser, '/billing/');
      site.expectLog(/OA-1702/);
      await login(browser, `${site.url}/none/`, 'alice');
      assert.notEqual(bearer(await get(site, browser, '/billing/')), first);
    });

    it('survives a reload of httpd', async () => {
      const browser = await site.signedIn('alice', '/none/');
      const before = bearer(await get(site, browser, '/billing/'));
      await site.reload();
      assert.equal(bearer(await get(site, browser, '/billing/')), before);
      assert.equal(exchanges(site), 1);
    });

    it('never reaches the browser', async () => {
      const browser = await site.signedIn('alice', '/none/');
      const tokens = [];
      for (const place of ['billing', 'api']) {
        site.backend.on(`/${place}/quiet`, (req, res, record) => { tokens.push(bearer({ text: JSON.stringify(record) })); res.end('quiet'); });
        const page = await get(site, browser, `/${place}/quiet`);
        const answer = JSON.stringify([page.rawHeaders, page.text]);
        for (const token of tokens) assert.ok(!answer.includes(token));
      }
      assert.equal(tokens.length, 2);
    });

    it('is got with the refresh token for a resource, beside the session\'s own', async () => {
      const browser = await site.signedIn('alice', '/none/');
      const own = bearer(await get(site, browser, '/user/'));
      const pages = await Promise.all(Array.from({ length: 20 }, () => get(site, browser, '/api/')));
      const tokens = new Set(pages.map(bearer));
      assert.equal(tokens.size, 1);
      assert.equal(parts(site), 1);
      assert.deepEqual(site.fake.accessTokens.get([...tokens][0]).resources, ['https://api.example/']);
      const two = site.fake.accessTokens.get(bearer(await get(site, browser, '/own/')));
      assert.deepEqual(two.resources, ['https://a.example/', 'https://b.example/']);
      assert.equal(two.scope, 'openid email');
      assert.equal(bearer(await get(site, browser, '/user/')), own);
      assert.equal(refreshes(site), 0);
      usedOnce(site);
    });

    it('is refused for a resource that was not granted, and the session goes on', async () => {
      const browser = await site.signedIn('alice', '/none/');
      site.assertError(await get(site, browser, '/forbidden/'), 'EXCHANGE_REFUSED');
      assert.equal(site.backend.count('/forbidden/'), 0);
      assert.equal((await get(site, browser, '/api/')).status, 200);
    });

    it('is replaced when the backend refuses it, and the browser notices nothing', async () => {
      for (const place of ['/billing', '/api']) {
        const browser = await site.signedIn('alice', '/none/');
        const old = bearer(await get(site, browser, `${place}/`));
        guard(site, `${place}/guarded`, (token) => token && token !== old);
        const before = exchanges(site) + parts(site);
        const pages = await Promise.all(Array.from({ length: 8 }, () => get(site, browser, `${place}/guarded`)));
        for (const page of pages) {
          assert.equal(page.status, 200);
          assert.equal(page.headers['x-answer'], 'yes');
          assert.equal(page.headers['x-refused'], undefined);
          assert.notEqual(bearer(page), old);
        }
        assert.equal(exchanges(site) + parts(site), before + 1);
        // Refused again, it is not the token's fault.
        guard(site, `${place}/never`, () => false);
        assert.equal((await get(site, browser, `${place}/never`)).status, 401);
        assert.equal(exchanges(site) + parts(site), before + 1);
      }
      usedOnce(site);
    });

    it('ends with the session when the provider says that the grant is over', async () => {
      const browser = await site.signedIn('alice', '/none/');
      site.fake.revokeAll();
      assert.equal((await browser.fetch(`${site.url}/api/`)).status, 401);
      await site.assertNoSession(browser, '/none/');
      site.expectLog(/OA-1901/);
    });

    it('is not given for a user whom the provider does not know any more', async () => {
      const browser = await site.signedIn('alice', '/none/');
      site.fake.revokeAll();
      site.assertError(await get(site, browser, '/billing/'), 'EXCHANGE_REFUSED');
      assert.equal((await get(site, browser, '/none/')).status, 200);
    });
  });

  describe(`tokens for backends that live five seconds, with sessions in ${keeper}`, () => {
    const site = useSite({
      provider: 'fake',
      providerOptions: { accessTokenTtl: 4, exchangedTokenTtl: 5 },
      config: (s) => store + SITE(s),
    });

    it('are renewed without a request that waits, and each refresh token is used once', async () => {
      const browser = await site.signedIn('alice', '/none/');
      for (const place of ['billing', 'api', 'user']) await get(site, browser, `/${place}/`);
      site.fake.behave({ exchange: { delayMs: 400 }, refresh: { delayMs: 200 } });
      const tokens = { billing: new Set(), api: new Set(), user: new Set() };
      const end = Date.now() + 10000;
      while (Date.now() < end) {
        const pages = await Promise.all(Object.keys(tokens).map(async (place) => [place, await get(site, browser, `/${place}/`)]));
        for (const [place, page] of pages) {
          assert.equal(page.status, 200, place);
          tokens[place].add(bearer(page));
        }
        await seconds(0.05);
      }
      for (const [place, seen] of Object.entries(tokens)) assert.ok(seen.size >= 3 && seen.size <= 5, `${seen.size} tokens for ${place}`);
      usedOnce(site);
    });
  });
}

const WRONG = [
  ['refuses the target', { status: 400, body: { error: 'invalid_target' } }, 'EXCHANGE_REFUSED'],
  ['denies access', { status: 403, body: { error: 'access_denied' } }, 'EXCHANGE_REFUSED'],
  ['does not know the grant', { status: 400, body: { error: 'unsupported_grant_type' } }, 'EXCHANGE_FAILED'],
  ['does not know the client', { status: 401, body: { error: 'invalid_client' } }, 'EXCHANGE_FAILED'],
  ['says not what it issued', { drop: ['issued_token_type'] }, 'EXCHANGE_FAILED'],
  ['issues a refresh token', { set: { issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' } }, 'EXCHANGE_FAILED'],
  ['issues a token that cannot be sent', { set: { token_type: 'N_A' } }, 'EXCHANGE_FAILED'],
  ['issues none', { drop: ['access_token'] }, 'EXCHANGE_FAILED'],
  ['answers with HTML', { raw: '<p>no</p>', type: 'text/html' }, 'EXCHANGE_FAILED'],
  ['fails', { status: 500, raw: 'oops', type: 'text/plain' }, 'EXCHANGE_FAILED'],
  ['hangs', { hang: true }, 'EXCHANGE_UNAVAILABLE'],
];

describe('an exchange at a provider that', () => {
  const site = useSite({
    provider: 'fake',
    config: (s) => s.provider(`${SCOPES}\nOAuthTimeout connect=1s total=1s`) + s.place('/none')
      + WRONG.map((_, i) => s.place(`/wrong-${i}`, user(`exchange audience=wrong-${i}`))).join(''),
  });

  WRONG.forEach(([what, rule, name], i) => {
    it(`${what} gives the backend no token`, async () => {
      const browser = await site.signedIn('alice', '/none/');
      site.fake.behave({ exchange: rule });
      const page = await get(site, browser, `/wrong-${i}/`);
      site.assertError(page, name);
      assert.match(page.text, /<html/);
      if (page.status === 503) assert.match(page.headers['retry-after'], /^\d+$/);
      site.assertError(await browser.fetch(`${site.url}/wrong-${i}/`), name);
      assert.equal(site.backend.count(`/wrong-${i}/`), 0);
      assert.ok(exchanges(site) === 1, 'a failure is not repeated at once');
      assert.equal((await get(site, browser, '/none/')).status, 200);
    });
  });
});

describe('parts of a page', () => {
  const site = useSite({
    provider: 'fake',
    httpd: { files: { 'htdocs/page.shtml': '[<!--#include virtual="/mail/part" -->]' } },
    config: (s) => s.provider(SCOPES) + s.place('/mail', user('exchange audience=mail')) + s.place('/none')
      + `<Location "/page.shtml">\n AuthType OAuth\n ${user('exchange audience=page')}\n Options +Includes\n SetOutputFilter INCLUDES\n</Location>\n`,
  });

  it('do not get the token of a place for another backend', async () => {
    const browser = await site.signedIn('alice', '/none/');
    const page = await get(site, browser, '/page.shtml');
    const [, record] = /^\[(\{.*\})\]/s.exec(page.text) ?? [];
    assert.ok(record, page.text);
    assert.deepEqual(received(record, 'Authorization'), []);
  });
});

describe('a token for one backend, of the real provider', () => {
  const resources = { 'https://api.example/': { scope: 'read write' }, 'https://mail.example/': { scope: 'mail' } };
  const site = useSite({
    client: {
      scope: 'openid profile email offline_access read write mail',
      grant_types: ['authorization_code', 'refresh_token', EXCHANGE],
    },
    providerOptions: {
      resources,
      useGrantedResource: false,
      configuration: { scopes: ['openid', 'offline_access', 'profile', 'email', 'groups', 'read', 'write', 'mail'] },
    },
    config: (s) => s.provider(`${SCOPES} read write mail\nOAuthResource https://api.example/ https://mail.example/`)
      + s.place('/none')
      + s.place('/api', user('user resource=https://api.example/'))
      + s.place('/narrow', `OAuthScope openid read\n ${user('user resource=https://api.example/')}`)
      + s.place('/mail', user('user resource=https://mail.example/'))
      + s.place('/exchanged', user('exchange resource=https://mail.example/ scope=mail'))
      + s.place('/unknown', user('exchange resource=https://unknown.example/'))
      + s.place('/other', user('user resource=https://other.example/')),
  });
  const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

  it('is exchanged for the user\'s', async () => {
    const browser = await site.signedIn('alice', '/none/');
    const { aud, sub, scope, client_id: id } = claims(bearer(await get(site, browser, '/exchanged/')));
    assert.deepEqual({ aud, sub, scope, id }, {
      aud: 'https://mail.example/', sub: 'alice', scope: 'mail', id: site.clientId,
    });
    site.assertError(await get(site, browser, '/unknown/'), 'EXCHANGE_REFUSED');
  });

  it('is for its resource alone, and the refresh tokens rotate', async () => {
    const browser = await site.signedIn('alice', '/none/');
    const api = claims(bearer(await get(site, browser, '/api/')));
    assert.equal(api.aud, 'https://api.example/');
    assert.equal(api.sub, 'alice');
    assert.deepEqual(api.scope.split(' ').sort(), ['read', 'write']);
    const mail = claims(bearer(await get(site, browser, '/mail/')));
    assert.equal(mail.aud, 'https://mail.example/');
    const narrow = claims(bearer(await get(site, browser, '/narrow/')));
    assert.equal(narrow.scope, 'read');
    site.assertError(await get(site, browser, '/other/'), 'EXCHANGE_REFUSED');
    assert.equal((await get(site, browser, '/none/')).status, 200);
  });
});
