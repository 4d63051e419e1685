// The login at a real provider, from the address bar to the application.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { login, parseSetCookie, useSite } from './harness.mjs';

const SITE = (s) => s.provider('OAuthScope openid profile email groups') + s.place('/app') + s.open('/public');

describe('a login', () => {
  const site = useSite({ config: SITE });

  it('leads back to the page that was asked for, with the user known', async () => {
    const page = await login(site.browser(), `${site.url}/app/deep/page?a=1&b=%20x`);
    assert.equal(page.status, 200);
    assert.equal(page.json.url, '/app/deep/page?a=1&b=%20x');
    assert.deepEqual(page.received('X-Forwarded-User'), ['alice']);
    assert.deepEqual(page.received('X-Forwarded-Email'), ['alice@example.com']);
    assert.deepEqual(page.received('X-Forwarded-Preferred-Username'), ['alice']);
    assert.deepEqual(page.received('X-Forwarded-Groups'), ['staff,admins']);
  });

  it('asks the provider for a code with PKCE, state and nonce', async () => {
    const { location, status, headers } = await site.browser().goto(`${site.url}/app/`, { follow: false });
    const asked = new URL(location);
    const get = (name) => {
      assert.equal(asked.searchParams.getAll(name).length, 1, `${name} once`);
      return asked.searchParams.get(name);
    };
    assert.ok([302, 303].includes(status));
    assert.match(headers['cache-control'], /no-store/);
    assert.equal(asked.origin + asked.pathname, `${site.op.issuer}/auth`);
    assert.equal(get('response_type'), 'code');
    assert.equal(get('client_id'), 'app');
    assert.equal(get('redirect_uri'), site.callback);
    assert.equal(get('scope'), 'openid profile email groups');
    assert.equal(get('code_challenge_method'), 'S256');
    assert.match(get('code_challenge'), /^[\w-]{43}$/);
    assert.ok(get('state').length >= 22);
    assert.ok(get('nonce').length >= 22 && get('nonce').length <= 64);
  });

  it('uses fresh state, nonce and challenge each time', async () => {
    const browser = site.browser();
    const ask = async () => new URL((await browser.goto(`${site.url}/app/`, { follow: false })).location).searchParams;
    const [first, second] = [await ask(), await ask()];
    for (const name of ['state', 'nonce', 'code_challenge']) assert.notEqual(first.get(name), second.get(name));
  });

  it('sets a session cookie that scripts and other sites cannot use', async () => {
    const page = await login(site.browser(), `${site.url}/app/`);
    const lines = page.hops.flatMap((hop) => (hop.url.startsWith(site.url) ? hop.setCookies : []));
    const session = lines.map(parseSetCookie).filter((one) => one.name === site.sessionCookie && one.value);
    assert.equal(session.length, 1);
    const { value, attributes } = session[0];
    assert.ok(value.length >= 43, 'at least 256 bits');
    assert.ok('httponly' in attributes);
    assert.equal(attributes.samesite?.toLowerCase(), 'lax');
    assert.equal(attributes.path, '/');
    assert.ok(!('domain' in attributes));
  });

  it('leaves the callback by a redirect to a clean URL', async () => {
    const page = await login(site.browser(), `${site.url}/app/`);
    const callback = page.hops.find((hop) => hop.url.startsWith(site.callback));
    assert.ok([302, 303].includes(callback.status));
    assert.match(callback.headers['cache-control'], /no-store/);
    assert.equal(new URL(callback.location, callback.url).href, `${site.url}/app/`);
  });

  it('happens once: later requests go straight to the application', async () => {
    const browser = await site.signedIn();
    const before = site.op.requests.length;
    for (let n = 0; n < 5; n += 1) assert.equal((await browser.goto(`${site.url}/app/${n}`)).hops.length, 1);
    assert.equal(site.op.requests.length, before);
  });

  it('survives a URL of 8,000 characters', async () => {
    const path = `/app/long?q=${'x'.repeat(8000)}`;
    const page = await login(site.browser(), site.url + path);
    assert.equal(page.status, 200);
    assert.equal(page.json.url, path);
    for (const hop of page.hops.slice(0, -1)) assert.ok((hop.location ?? '').length < 8190);
  });

  it('brings every one of many tabs to its own page, with one login cookie', async () => {
    const browser = site.browser();
    const tabs = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => browser.goto(`${site.url}/app/tab${n}`, {
      stopAt: (hop) => hop.url.startsWith(site.url),
    })));
    const own = browser.jar.matching(new URL(site.url)).filter(({ name }) => !name.startsWith('_'));
    assert.equal(own.length, 1, own.map(({ name }) => name).join(' '));
    const first = await login(browser, tabs[0].location);
    assert.equal(first.json.url, '/app/tab1');
    for (const n of [6, 2, 5, 3, 4]) {
      const page = await browser.goto(tabs[n - 1].location);
      assert.equal(page.status, 200);
      assert.equal(page.json.url, `/app/tab${n}`);
    }
  });

  it('replaces the session of another user wholly', async () => {
    const browser = await site.signedIn('alice');
    const old = browser.cookie(site.sessionCookie);
    const own = browser.jar.cookies.filter(({ name }) => name === site.sessionCookie);
    browser.jar.clear();
    browser.jar.cookies.push(...own);
    const page = await login(browser, `${site.url}/oauth/login?return_to=/app/after`, 'bob');
    assert.equal(page.json.url, '/app/after');
    assert.deepEqual(page.received('X-Forwarded-Groups'), ['staff']);
    assert.notEqual(browser.cookie(site.sessionCookie), old);
    const answer = await site.browser().fetch(`${site.url}/app/`, { headers: { Cookie: `${site.sessionCookie}=${old}` } });
    assert.equal(answer.status, 401, 'the old session has ended');
  });

  it('leaves public places alone', async () => {
    const page = await site.browser().goto(`${site.url}/public/x`);
    assert.equal(page.hops.length, 1);
    assert.deepEqual(page.received('X-Forwarded-User'), []);
    assert.deepEqual(page.setCookies, []);
  });

  it('goes on after the provider changed its keys', async () => {
    await site.signedIn('alice');
    await site.op.rotateKeys();
    await site.signedIn('bob');
  });
});

describe('a site that is proxied as a whole', () => {
  const site = useSite({ config: (s) => s.provider() + s.place('/', 'Require valid-user') });
  it('keeps the endpoints of the module to itself', async () => {
    const page = await login(site.browser(), `${site.url}/deep`);
    assert.equal(page.json.url, '/deep');
    assert.ok(site.backend.requests.every((one) => !one.url.startsWith('/oauth')));
  });
});

describe('a login over https', () => {
  const site = useSite({ httpd: { tls: true }, config: SITE });

  it('uses a __Host- cookie that is Secure', async () => {
    const page = await login(site.browser(), `${site.url}/app/`);
    assert.equal(page.status, 200);
    const lines = page.hops.flatMap((hop) => (hop.url.startsWith(site.url) ? hop.setCookies : []));
    for (const line of lines) {
      const { name, attributes } = parseSetCookie(line);
      assert.match(name, /^__Host-/);
      assert.ok('secure' in attributes && 'httponly' in attributes, name);
    }
  });
});

const CLIENTS = [
  ['client_secret_basic', {}, {}],
  ['client_secret_basic with a secret full of special characters', { secret: 'a b+c/d%e:f&g=h~._-0123456789' }, {}],
  ['client_secret_post', {}, { auth: 'client_secret_post' }, 'OAuthClientAuth client_secret_post'],
  ['none, for a public client', { secret: null }, {}],
];
for (const [name, options, client, line = ''] of CLIENTS) {
  describe(`a client that authenticates by ${name}`, () => {
    const site = useSite({ ...options, client, config: (s) => s.provider(line) + s.place('/app') });
    it('can sign in', async () => {
      assert.equal((await login(site.browser(), `${site.url}/app/x`)).json.url, '/app/x');
    });
  });
}

const MODES = [
  ['query from another site', '127.0.0.1', 'query', {}],
  ['form_post within one site', 'localhost', 'form_post', {}],
  ['form_post from another site, over https', '127.0.0.1', 'form_post', { tls: true }],
];
for (const [name, host, mode, httpd] of MODES) {
  describe(`response mode ${name}`, () => {
    const site = useSite({
      httpd, providerOptions: { host }, config: (s) => s.provider(`OAuthResponseMode ${mode}`) + s.place('/app'),
    });
    it('signs in', async () => {
      const page = await login(site.browser(), `${site.url}/app/x?y`);
      assert.equal(page.json.url, '/app/x?y');
      const callback = page.hops.filter((hop) => hop.url.startsWith(site.callback));
      assert.equal(callback.length, 1);
      assert.equal(callback[0].method, mode === 'query' ? 'GET' : 'POST');
      assert.ok([302, 303].includes(callback[0].status), 'never a redirect that repeats the POST');
    });
  });
}

describe('userinfo', () => {
  const site = useSite({ client: { userinfo_signed_response_alg: 'ES256' }, config: SITE });
  it('is verified and used when the provider signs it', async () => {
    const page = await login(site.browser(), `${site.url}/app/`);
    assert.deepEqual(page.received('X-Forwarded-Email'), ['alice@example.com']);
    assert.equal(site.op.count('/me') > 0, true);
  });
});

describe('a provider that puts the claims into the ID Token', () => {
  const site = useSite({ providerOptions: { claimsInIdToken: true }, config: SITE });
  it('is not asked for userinfo', async () => {
    const page = await login(site.browser(), `${site.url}/app/`);
    assert.deepEqual(page.received('X-Forwarded-Groups'), ['staff,admins']);
    assert.equal(site.op.count('/me'), 0);
  });
});

describe('OAuthResource', () => {
  const site = useSite({
    provider: 'fake',
    config: (s) => s.provider('OAuthResource https://api.example/one https://api.example/two') + s.place('/app'),
  });
  it('names each resource in the authorization request', async () => {
    const { location } = await site.browser().goto(`${site.url}/app/`, { follow: false });
    assert.deepEqual(new URL(location).searchParams.getAll('resource'), ['https://api.example/one', 'https://api.example/two']);
  });
});

describe('a login that did not start at the place itself', () => {
  const site = useSite({
    provider: 'fake',
    config: (s) => s.provider() + s.place('/app')
      + s.place('/orders', 'OAuthScope openid orders\nOAuthResource https://api.example/orders\n'
        + 'OAuthAuthorizationParameter ui_locales de\nRequire valid-user'),
  });
  const asked = (page) => {
    const parameters = new URL(page.location).searchParams;
    return ['scope', 'resource', 'ui_locales'].map((name) => parameters.get(name));
  };

  it('asks for what the place asks for all the same', async () => {
    const browser = site.browser();
    const page = await browser.goto(`${site.url}/oauth/login?return_to=/orders/1%3Fx`, { follow: false });
    assert.deepEqual(asked(page), ['openid orders', 'https://api.example/orders', 'de']);
    const other = await browser.goto(`${site.url}/oauth/login?return_to=/app/`, { follow: false });
    assert.deepEqual(asked(other), ['openid profile email', null, null]);
  });

  it('does so too when it has to start again', async () => {
    const first = await site.browser().goto(`${site.url}/orders/2`, { follow: false });
    const state = new URL(first.location).searchParams.get('state');
    const again = await site.browser().goto(`${site.callback}?code=x&state=${state}&iss=${encodeURIComponent(site.fake.issuer)}`, { follow: false });
    assert.deepEqual(asked(again), ['openid orders', 'https://api.example/orders', 'de']);
  });
});
