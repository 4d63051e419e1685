// What a proxied application gets, and what a client cannot smuggle in.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rawRequest, received, useSite } from './harness.mjs';

const SITE = (s) => s.provider('OAuthScope openid profile email groups')
  + s.place('/app', 'OAuthHeader X-Department department\n OAuthHeader X-Name name\n Require valid-user')
  + s.place('/any', 'Require all granted')
  + s.place('/either', '<RequireAny>\nRequire ip 127.0.0.1\nRequire valid-user\n</RequireAny>')
  + s.place('/satisfy', 'Require ip 127.0.0.1\nRequire valid-user\nSatisfy any')
  + s.place('/none', 'OAuthHeaders none\n Require valid-user')
  + s.open('/public');

const OWN = ['X-Forwarded-User', 'X-Forwarded-Email', 'X-Forwarded-Preferred-Username', 'X-Forwarded-Groups',
  'X-Department', 'X-Name'];

// Ways to write a name that some backend takes for the same one.
const disguises = (name) => [
  name, name.toLowerCase(), name.toUpperCase(), name.replaceAll('-', '_'), name.replace('-', '_'),
  name.replaceAll('-', '.'), name.replaceAll('-', '~'), name.replace('-', '!').toLowerCase(), name.replaceAll('-', '|'),
];

const canonical = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, '-');
const ownAmong = (echo) => echo.headers.filter(([name]) => OWN.map(canonical).includes(canonical(name)));

function raw(site, path, lines) {
  return rawRequest(site.port, [`GET ${path} HTTP/1.1`, 'Host: localhost', ...lines, 'Connection: close', '', ''], {});
}

describe('the headers of the backend', () => {
  const site = useSite({ provider: 'fake', config: SITE });

  for (const path of ['/public/', '/any/', '/either/', '/satisfy/']) {
    it(`are free of everything a client wrote at ${path}`, async () => {
      for (const name of OWN) {
        const answer = await raw(site, path, disguises(name).map((one) => `${one}: evil`));
        assert.equal(answer.status, 200);
        assert.deepEqual(ownAmong(JSON.parse(answer.body)), [], name);
      }
    });
  }

  it('hold what the provider says, not what a signed-in client writes', async () => {
    const browser = await site.signedIn();
    const cookie = `Cookie: ${site.sessionCookie}=${browser.cookie(site.sessionCookie)}`;
    for (const name of OWN) {
      const answer = await raw(site, '/app/', [cookie, ...disguises(name).map((one) => `${one}: evil`)]);
      const own = ownAmong(JSON.parse(answer.body));
      assert.ok(own.every(([, value]) => !value.includes('evil')), name);
      assert.equal(new Set(own.map(([one]) => canonical(one))).size, own.length, 'each once');
      assert.deepEqual(received(answer.body, 'X-Forwarded-User'), ['user-1']);
      assert.deepEqual(received(answer.body, 'X-Department'), [], 'absent claim');
    }
  });

  it('cannot be taken away by the client\'s Connection header', async () => {
    const browser = await site.signedIn();
    const cookie = `Cookie: ${site.sessionCookie}=${browser.cookie(site.sessionCookie)}`;
    for (const connection of [
      'close, X-Forwarded-User', 'x-forwarded-user', 'close, X_Forwarded_User, X-Forwarded-User',
      'X-Forwarded-Groups,close', 'close;, "X-Forwarded-User"', 'close,,X-Forwarded-User', 'close\t,\tX-Forwarded-User',
    ]) {
      const answer = await rawRequest(site.port, [
        'GET /app/ HTTP/1.1', 'Host: localhost', cookie, `Connection: ${connection}`, 'Connection: close', '', '',
      ]);
      if (answer.status === 400) continue;
      assert.equal(answer.status, 200, connection);
      assert.deepEqual(received(answer.body, 'X-Forwarded-User'), ['user-1'], connection);
      assert.deepEqual(received(answer.body, 'X-Forwarded-Groups'), ['staff,admins'], connection);
    }
  });

  it('come with a WebSocket handshake too, and not to one without a session', async () => {
    const browser = await site.signedIn();
    const handshake = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='];
    const cookie = `Cookie: ${site.sessionCookie}=${browser.cookie(site.sessionCookie)}`;
    const refused = await rawRequest(site.port, [
      'GET /app/ws HTTP/1.1', 'Host: localhost', ...handshake, 'Connection: Upgrade, close', '', '']);
    assert.equal(refused.status, 401);
    await rawRequest(site.port, [
      'GET /app/ws HTTP/1.1', 'Host: localhost', cookie, ...handshake, 'Connection: Upgrade, X-Forwarded-User, close', '', '']);
    const [seen] = site.backend.requests.slice(-1);
    assert.deepEqual(received(seen, 'X-Forwarded-User'), ['user-1']);
    assert.deepEqual(received(seen, 'Cookie'), []);
  });

  it('are left out where the configuration says so', async () => {
    const browser = await site.signedIn();
    const page = await browser.goto(`${site.url}/none/`, { headers: { 'X-Forwarded-User': 'evil' } });
    assert.deepEqual(ownAmong(page.json), []);
  });

  it('do not carry identity where it was not asked for', async () => {
    const browser = await site.signedIn();
    assert.deepEqual(ownAmong((await browser.goto(`${site.url}/public/`)).json), []);
  });

  it('are private to caches, unless the backend says otherwise', async () => {
    const browser = await site.signedIn();
    assert.match((await browser.goto(`${site.url}/app/`)).headers['cache-control'], /private/);
    site.backend.on('/app/own', (req, res) => {
      res.setHeader('Cache-Control', 'max-age=7');
      res.end('x');
    });
    assert.equal((await browser.goto(`${site.url}/app/own`)).headers['cache-control'], 'max-age=7');
    assert.equal((await browser.goto(`${site.url}/public/`)).headers['cache-control'], undefined);
  });

  it('do not come back to the browser', async () => {
    const browser = await site.signedIn();
    const page = await browser.goto(`${site.url}/app/`);
    assert.deepEqual(page.rawHeaders.filter((name) => OWN.map(canonical).includes(canonical(name))), []);
  });
});

describe('claims as headers', () => {
  const rows = [
    // claim value, header value (null: none)
    ['plain', 'plain'],
    ['', null],
    [null, null],
    [true, 'true'],
    [false, 'false'],
    [0, '0'],
    [9007199254740991, '9007199254740991'],
    [1000000, '1000000'],
    [['a', 'b'], 'a,b'],
    [['a,b', 'c'], 'a%2Cb,c'],
    [[], null],
    ['x\r\nX-Forwarded-User: evil', null],
    ['x\u0000y', null],
    ['tab\there', null],
  ];
  const site = useSite({
    provider: 'fake',
    config: (s) => s.provider() + s.place('/app', 'OAuthHeader X-Claim claim\n Require valid-user'),
  });
  for (const [value, wanted] of rows) {
    it(`write ${JSON.stringify(value)} as ${JSON.stringify(wanted)}`, async () => {
      site.fake.behave({ idToken: { claims: { claim: value } } });
      const browser = site.browser();
      const page = await browser.goto(`${site.url}/app/`);
      if (/\\u0000/.test(JSON.stringify(value)) && page.status !== 200) return site.assertError(page, 'ID_TOKEN_MALFORMED');
      assert.equal(page.status, 200, page.errorId);
      const got = page.received('X-Claim');
      if (wanted === null) assert.ok(got.length === 0 || !/[\r\n\0\t]|^X-Forwarded/.test(got[0]), String(got));
      else assert.deepEqual(got, [wanted]);
      assert.deepEqual(page.received('X-Forwarded-User'), ['user-1']);
      return undefined;
    });
  }

  it('are in UTF-8 whatever the script', async () => {
    site.fake.behave({ idToken: { claims: { claim: 'Ünï Ж 日' } } });
    const [value] = (await site.browser().goto(`${site.url}/app/`)).received('X-Claim');
    const decoded = /%[0-9A-F]{2}/i.test(value) ? decodeURIComponent(value) : Buffer.from(value, 'latin1').toString('utf8');
    assert.equal(decoded, 'Ünï Ж 日');
  });

  it('are never cut: too much is refused', async () => {
    site.fake.behave({ idToken: { claims: { claim: 'x'.repeat(12000) } } });
    const page = await site.browser().goto(`${site.url}/app/`);
    site.assertError(page, ['EXPORT_LIMIT', 'SESSION_LIMIT']);
    assert.equal(site.backend.requests.length, 0);
  });
});

describe('a header from an expression', () => {
  const site = useSite({
    config: (s) => s.provider() + s.place('/app', [
      'OAuthHeader X-Who "%{oauth_claim:name} <%{oauth_claim:email}>"',
      'RequestHeader set X-Also "expr=%{oauth_claim:preferred_username}"',
      'OAuthUser preferred_username',
      'Require valid-user'].join('\n')),
  });
  it('may use claims, also in other modules\' directives', async () => {
    const browser = await site.signedIn();
    const page = await browser.goto(`${site.url}/app/`);
    assert.deepEqual(page.received('X-Who'), ['Alice Example <alice@example.com>']);
    assert.deepEqual(page.received('X-Also'), ['alice']);
  });
});
