// Metadata, keys, token and userinfo answers that cannot be used, or never come.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { rawRequest, useSite } from './harness.mjs';

const BIG = 'x'.repeat(400 * 1024);
const SITE = (s) => s.provider('OAuthTimeout connect=1s total=1s') + s.place('/app');

// httpd meets the provider as on the first day, and the provider behaves like that from the start.
async function meet(site, rules) {
  await site.httpd.stop();
  fs.rmSync(site.httpd.stateDir, { recursive: true, force: true });
  site.fake.behave(rules);
  await site.httpd.start();
}

const meta = (rule) => ({ discovery: rule, metadata: rule });
const set = (members) => meta({ set: members });
const BAD_ENDPOINT = ['METADATA_INVALID', 'CONFIG_INSECURE_URL'];

const METADATA = [
  ['another issuer', set({ issuer: 'https://evil.example' }), 'METADATA_ISSUER'],
  ['the issuer with a slash', (f) => set({ issuer: `${f.issuer}/` }), 'METADATA_ISSUER'],
  ['an issuer that is a list', (f) => set({ issuer: [f.issuer] }), ['METADATA_ISSUER', 'METADATA_INVALID']],
  ['no issuer', meta({ drop: ['issuer'] }), ['METADATA_ISSUER', 'METADATA_INVALID']],
  ['status 500', meta({ status: 500 }), ['METADATA_INVALID', 'PROVIDER_UNREACHABLE']],
  ['status 404', meta({ status: 404 }), 'METADATA_INVALID'],
  ['status 201', meta({ status: 201 }), 'METADATA_INVALID'],
  ['a redirect', meta({ status: 301, headers: { Location: '/elsewhere' } }), 'METADATA_REDIRECT'],
  ['a redirect to another host', meta({ status: 302, headers: { Location: 'https://evil.example/' } }), 'METADATA_REDIRECT'],
  ['HTML', meta({ raw: '<html>hello</html>', type: 'text/html' }), 'METADATA_INVALID'],
  ['nothing', meta({ raw: '' }), 'METADATA_INVALID'],
  ['a list', meta({ raw: '[]' }), 'METADATA_INVALID'],
  ['half of it', meta({ raw: '{"issuer":' }), 'METADATA_INVALID'],
  ['a duplicate member', (f) => meta({ raw: `{"issuer":"${f.issuer}","issuer":"https://evil.example"}` }), 'METADATA_INVALID'],
  ['400 kB', meta({ raw: `{"x":"${BIG}"}` }), 'PROVIDER_UNREACHABLE'],
  ['a depth of 5,000', meta({ raw: '['.repeat(5000) }), 'METADATA_INVALID'],
  ['no authorization endpoint', meta({ drop: ['authorization_endpoint'] }), 'METADATA_INVALID'],
  ['no token endpoint', meta({ drop: ['token_endpoint'] }), 'METADATA_INVALID'],
  ['no keys', meta({ drop: ['jwks_uri'] }), 'METADATA_INVALID'],
  ['a token endpoint without TLS', set({ token_endpoint: 'http://login.example.com/token' }), BAD_ENDPOINT],
  ['an authorization endpoint that is a script', set({ authorization_endpoint: 'javascript:alert(1)' }), BAD_ENDPOINT],
  ['keys in a file', set({ jwks_uri: 'file:///etc/passwd' }), BAD_ENDPOINT],
  ['a token endpoint that is a number', set({ token_endpoint: 1 }), 'METADATA_INVALID'],
  ['a token endpoint without a host', set({ token_endpoint: 'https:///token' }), BAD_ENDPOINT],
  ['an authorization endpoint with a newline', set({ authorization_endpoint: 'https://x.example/\r\nSet-Cookie: a=b' }), BAD_ENDPOINT],
  ['PKCE with plain only', set({ code_challenge_methods_supported: ['plain'] }), 'METADATA_UNSUPPORTED'],
  ['no client authentication that we have', set({ token_endpoint_auth_methods_supported: ['magic'] }), 'METADATA_UNSUPPORTED'],
  ['no algorithm that we have', set({ id_token_signing_alg_values_supported: ['none'] }), 'METADATA_UNSUPPORTED'],
  ['no answer at all', meta({ hang: true }), 'PROVIDER_TIMEOUT'],
  ['a closed connection', meta({ cut: true }), 'PROVIDER_UNREACHABLE'],
];

describe('metadata with', () => {
  const site = useSite({ provider: 'fake', config: SITE });
  for (const [what, rule, errors] of METADATA) {
    it(`${what} stops the login before it starts`, async () => {
      await meet(site, typeof rule === 'function' ? rule(site.fake) : rule);
      const page = await site.browser().goto(`${site.url}/app/`);
      site.assertError(page, errors);
      assert.equal(page.hops.length, 1, 'nobody was sent anywhere');
      const asked = site.fake.requests.map((one) => one.path).filter((path) => !path.includes('/.well-known/'));
      assert.deepEqual(asked, [], 'no path that metadata did not name');
    });
  }

  it('a provider that is down costs logins, and nobody else', async () => {
    await meet(site, {});
    const browser = await site.signedIn();
    await site.fake.pause();
    assert.equal((await browser.goto(`${site.url}/app/`)).status, 200);
    await site.fake.resume();
  });

  it('a last good copy serves while the provider is down, also after a restart', async () => {
    await meet(site, {});
    await site.signedIn();
    await site.httpd.stop();
    await site.httpd.start();
    const down = { status: 503, raw: 'down' };
    site.fake.behave({ discovery: down, metadata: down, jwks: down });
    assert.equal((await site.signedIn()).cookie(site.sessionCookie).length > 0, true);
  });
});

const KEYS = [
  ['status 500', { status: 500 }],
  ['HTML', { raw: '<html>', type: 'text/html' }],
  ['a list', { raw: '[]' }],
  ['keys that are no list', { body: { keys: {} } }],
  ['no key', { body: { keys: [] } }],
  ['keys of unknown kinds only', { body: { keys: [{ kty: 'XX' }, { kty: 'OKP', crv: 'nothing', x: 'AA' }, 1, null, []] } }],
  ['a symmetric key', { body: { keys: [{ kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' }] } }],
  ['an RSA key of 1024 bits', { body: { keys: [{ kty: 'RSA', n: 'A'.repeat(171), e: 'AQAB' }] } }],
  ['keys for encryption only', (f) => ({ body: { keys: f.keys.map((key) => ({ ...key.jwk, use: 'enc' })) } })],
  ['400 kB', { raw: `{"keys":[],"x":"${BIG}"}` }],
  ['no answer', { hang: true }],
  ['a redirect', { status: 302, headers: { Location: '/userinfo' } }],
];

describe('a key set with', () => {
  const site = useSite({ provider: 'fake', config: SITE });
  for (const [what, rule] of KEYS) {
    it(`${what} signs nobody in`, async () => {
      await meet(site, { jwks: typeof rule === 'function' ? rule(site.fake) : rule });
      const browser = site.browser();
      site.assertError(await browser.goto(`${site.url}/app/`), ['KEYS_INVALID', 'ID_TOKEN_KEY', 'PROVIDER_TIMEOUT', 'PROVIDER_UNREACHABLE']);
      assert.equal(site.fake.count('userinfo'), 0);
      await site.assertNoSession(browser);
    });
  }
});

const TOKENS = [
  ['invalid_grant', { status: 400, body: { error: 'invalid_grant' } }, 'TOKEN_GRANT'],
  ['invalid_client', { status: 401, body: { error: 'invalid_client' } }, 'TOKEN_CLIENT'],
  ['unauthorized_client', { status: 400, body: { error: 'unauthorized_client' } }, 'TOKEN_CLIENT'],
  ['another error', { status: 400, body: { error: 'invalid_request' } }, 'TOKEN_ERROR'],
  ['an error that is no text', { status: 400, body: { error: 1 } }, 'TOKEN_ERROR'],
  ['an error without a body', { status: 400, raw: '' }, 'TOKEN_ERROR'],
  ['an error as HTML', { status: 403, raw: '<html>no', type: 'text/html' }, 'TOKEN_ERROR'],
  ['an error with status 200', { body: { error: 'server_error' } }, ['TOKEN_ERROR', 'TOKEN_RESPONSE']],
  ['status 500', { status: 500, raw: '' }, ['TOKEN_ERROR', 'PROVIDER_UNREACHABLE']],
  ['status 503', { status: 503, raw: '' }, ['TOKEN_ERROR', 'PROVIDER_UNREACHABLE']],
  ['a redirect', { status: 307, headers: { Location: '/userinfo' }, raw: '' }, ['TOKEN_ERROR', 'TOKEN_RESPONSE']],
  ['HTML', { raw: '<html>', type: 'text/html' }, 'TOKEN_RESPONSE'],
  ['nothing', { raw: '' }, 'TOKEN_RESPONSE'],
  ['a list', { raw: '[]' }, 'TOKEN_RESPONSE'],
  ['no access token', { drop: ['access_token'] }, 'TOKEN_RESPONSE'],
  ['an access token that is a number', { set: { access_token: 1 } }, 'TOKEN_RESPONSE'],
  ['an access token with a newline', { set: { access_token: 'a\r\nX: y' } }, 'TOKEN_RESPONSE'],
  ['no token type', { drop: ['token_type'] }, ['TOKEN_RESPONSE', 'TOKEN_TYPE']],
  ['an unknown token type', { set: { token_type: 'mac' } }, 'TOKEN_TYPE'],
  ['a negative lifetime', { set: { expires_in: -1 } }, 'TOKEN_RESPONSE'],
  ['a duplicate member', { raw: '{"access_token":"a","access_token":"b","token_type":"Bearer"}' }, 'TOKEN_RESPONSE'],
  ['400 kB', { set: { x: BIG } }, 'PROVIDER_UNREACHABLE'],
  ['no answer', { hang: true }, 'PROVIDER_TIMEOUT'],
  ['a closed connection', { cut: true }, 'PROVIDER_UNREACHABLE'],
];

describe('a token answer with', () => {
  const site = useSite({ provider: 'fake', config: SITE });
  for (const [what, rule, errors] of TOKENS) {
    it(`${what} signs nobody in`, async () => {
      site.fake.behave({ token: rule });
      const browser = site.browser();
      const page = await browser.goto(`${site.url}/app/`);
      site.assertError(page, errors);
      assert.equal(site.fake.count('token'), 1, 'the code is tried once');
      assert.equal(site.fake.count('userinfo'), 0);
      await site.assertNoSession(browser);
    });
  }

  for (const [what, rule] of [
    ['no lifetime', { drop: ['expires_in'] }],
    ['no scope', { drop: ['scope'] }],
    ['a token type in odd letters', { set: { token_type: 'bEARER' } }],
    ['members that nobody knows', { set: { x: { y: [1, null] }, not_before_policy: 0 } }],
    ['a huge lifetime', { set: { expires_in: 99999999999 } }],
    ['another JSON content type', { type: 'application/json; charset=UTF-8' }],
  ]) {
    it(`${what} is accepted`, async () => {
      site.fake.behave({ token: rule });
      await site.signedIn();
    });
  }
});

const USERINFO = [
  ['another sub', { userinfo: { set: { sub: 'user-2' } } }, 'USERINFO_SUBJECT'],
  ['no sub', { userinfo: { drop: ['sub'] } }, 'USERINFO_SUBJECT'],
  ['a sub that is a number', { userinfo: { set: { sub: 1 } } }, ['USERINFO_SUBJECT', 'USERINFO_RESPONSE']],
  ['status 401', { userinfo: { status: 401 } }, 'USERINFO_RESPONSE'],
  ['status 500', { userinfo: { status: 500 } }, ['USERINFO_RESPONSE', 'PROVIDER_UNREACHABLE']],
  ['HTML', { userinfo: { raw: '<html>', type: 'text/html' } }, 'USERINFO_RESPONSE'],
  ['a list', { userinfo: { raw: '[]' } }, 'USERINFO_RESPONSE'],
  ['a duplicate member', { userinfo: { raw: '{"sub":"user-1","email":"a","email":"b"}' } }, 'USERINFO_RESPONSE'],
  ['400 kB', { userinfo: { set: { x: BIG } } }, 'PROVIDER_UNREACHABLE'],
  ['a redirect', { userinfo: { status: 302, headers: { Location: '/jwks' }, raw: '' } }, 'USERINFO_RESPONSE'],
  ['no answer', { userinfo: { hang: true } }, ['PROVIDER_TIMEOUT', 'USERINFO_RESPONSE']],
  ['a JWT with a wrong signature', { userinfoJwt: { sign: 'badsig' } }, 'USERINFO_SIGNATURE'],
  ['a JWT without a signature', { userinfoJwt: { header: { alg: 'none' }, sign: 'none' } }, 'USERINFO_SIGNATURE'],
  ['a JWT of another key', { userinfoJwt: { sign: 'otherkey' } }, 'USERINFO_SIGNATURE'],
  ['a JWT of another issuer', { userinfoJwt: { claims: { iss: 'https://evil.example' } } }, ['USERINFO_SIGNATURE', 'USERINFO_RESPONSE']],
  ['a JWT for somebody else', { userinfoJwt: { claims: { aud: 'other' } } }, ['USERINFO_SIGNATURE', 'USERINFO_RESPONSE']],
  ['a JWT about somebody else', { userinfoJwt: { claims: { sub: 'user-2' } } }, 'USERINFO_SUBJECT'],
  ['a JWT that says it is JSON', { userinfoJwt: {}, userinfo: { type: 'application/json' } }, 'USERINFO_RESPONSE'],
];

describe('userinfo with', () => {
  const site = useSite({ provider: 'fake', providerOptions: { claimsInIdToken: false }, config: SITE });
  for (const [what, rules, errors] of USERINFO) {
    it(`${what} signs nobody in`, async () => {
      site.fake.behave(rules);
      const browser = site.browser();
      site.assertError(await browser.goto(`${site.url}/app/`), errors);
      assert.equal(site.fake.count('userinfo'), 1);
      await site.assertNoSession(browser);
    });
  }

  it('claims of the ID Token cannot change them', async () => {
    site.fake.behave({ userinfo: { set: { iss: 'https://evil.example', aud: 'other', exp: 1, nonce: 'x' } } });
    const page = await site.browser().goto(`${site.url}/app/`);
    assert.equal(page.status, 200);
    assert.deepEqual(page.received('X-Forwarded-Email'), ['uma@example.com']);
  });

  it('the token goes in the header, once, and never in a URL', async () => {
    await site.signedIn();
    const asked = site.fake.last('userinfo');
    assert.match(asked.headers.authorization, /^Bearer \S+$/);
    assert.equal([...asked.query].length, 0);
    assert.equal(asked.text, '');
  });

  it('claims from elsewhere are not fetched', async () => {
    site.fake.behave({ userinfo: { set: {
      _claim_names: { groups: 'src' }, _claim_sources: { src: { endpoint: `${site.fake.issuer}/elsewhere`, access_token: 'x' } } } } });
    await site.signedIn();
    assert.equal(site.fake.count('/elsewhere'), 0);
  });
});

describe('a provider that hangs', () => {
  const site = useSite({ provider: 'fake', config: SITE });
  it('does not keep others from being served', async () => {
    const browser = await site.signedIn();
    site.fake.behave({ token: { hang: true } });
    const pending = Array.from({ length: 20 }, () => site.browser().goto(`${site.url}/app/`));
    const pages = await Promise.all(Array.from({ length: 20 }, () => browser.goto(`${site.url}/app/`)));
    assert.ok(pages.every((page) => page.status === 200));
    for (const page of await Promise.all(pending)) site.assertError(page, ['PROVIDER_TIMEOUT', 'PROVIDER_BUSY', 'PROVIDER_PAUSED']);
    const answer = await rawRequest(site.port, 'GET /oauth/session HTTP/1.0\r\n\r\n');
    assert.equal(answer.status, 401);
  });
});
