// How the server proves who it is to the provider: private_key_jwt and client_secret_jwt, with the real
// provider and one that is strict about every claim; and the keys that it publishes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addSecret, errorId, newKeyPair, seconds, useSite, waitUntil,
} from './harness.mjs';

const KINDS = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  ES384: ['ec', { namedCurve: 'P-384' }],
  EdDSA: ['ed25519', {}],
};
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth'];
const pairs = new Map();

// A key file of the site's; the same one whenever the configuration is written.
function keyFile(site, name, alg, { jwk = false, mode = 0o600 } = {}) {
  const id = `${site.httpd.root} ${name}`;
  if (!pairs.has(id)) {
    const pair = newKeyPair(...KINDS[alg]);
    pairs.set(id, pair);
    addSecret(pair.privateKey.export({ format: 'jwk' }).d);
  }
  const { privateKey } = pairs.get(id);
  const content = jwk ? JSON.stringify(privateKey.export({ format: 'jwk' }))
    : privateKey.export({ type: 'pkcs8', format: 'pem' });
  return site.httpd.file(`conf/${name}`, { content, mode });
}

const published = async (site) => (await site.browser().fetch(`${site.url}/oauth/jwks.json`)).json.keys;
const app = (s) => s.place('/app', 'OAuthBackendToken user\n Require valid-user');
// The provider looks the keys up where the module publishes them.
const client = (alg) => (s) => ({
  auth: 'private_key_jwt', token_endpoint_auth_signing_alg: alg, jwks_uri: `${s.url}/oauth/jwks.json`,
});

async function signOut(site, browser) {
  const page = await browser.goto(`${site.url}/oauth/logout`);
  assert.equal(page.status, 200, page.text.slice(0, 200));
}

for (const [alg, options, jwk] of [
  ['RS256', '', false], ['PS256', 'alg=PS256', false], ['ES256', 'kid=login-2026', true], ['EdDSA', '', true],
]) {
  describe(`private_key_jwt with ${alg}`, () => {
    const site = useSite({
      secret: null,
      client: client(alg),
      config: (s) => `
OAuthIssuer ${s.op.issuer}
OAuthClientID ${s.clientId}
OAuthClientKey ${keyFile(s, 'client.key', alg, { jwk })} ${options}
${app(s)}`,
    });
    it('signs users in at the real provider, and revokes their tokens', async () => {
      const browser = await site.signedIn();
      await signOut(site, browser);
      await waitUntil(() => site.op.count('/token/revocation') >= 2, 'both tokens to be revoked');
      assert.ok(site.op.requests.every(({ headers }) => !/^Basic/.test(headers.authorization ?? '')));
      const [key] = await published(site);
      if (options.startsWith('kid=')) assert.equal(key.kid, 'login-2026');
    });
  });
}

describe('client_secret_jwt', () => {
  const site = useSite({
    client: { auth: 'client_secret_jwt' },
    config: (s) => s.provider('OAuthClientAuth client_secret_jwt') + app(s),
  });
  it('signs users in at the real provider, and revokes their tokens', async () => {
    await signOut(site, await site.signedIn());
    await waitUntil(() => site.op.count('/token/revocation') >= 2, 'both tokens to be revoked');
  });
});

describe('a key beside a secret', () => {
  const site = useSite({
    client: client('ES256'),
    config: (s) => s.provider(`OAuthClientKey ${keyFile(s, 'client.key', 'ES256')}`) + app(s),
  });
  it('is what the client is known by where the provider offers that', async () => {
    await site.signedIn();
  });
});

const METHODS = (...methods) => ({ rules: { discovery: { set: { token_endpoint_auth_methods_supported: methods } } } });
const fakeKeys = (name) => ({ clientKeys: () => [...pairs].filter(([id]) => id.endsWith(` ${name}`)).map(([, { publicKey }]) => ({
  ...publicKey.export({ format: 'jwk' }), kid: 'k',
})) });

describe('an assertion', () => {
  const site = useSite({
    provider: 'fake',
    secret: null,
    providerOptions: { accessTokenTtl: 1, ...METHODS('private_key_jwt'), ...fakeKeys('strict.key') },
    config: (s) => `
OAuthIssuer ${s.op.issuer}
OAuthClientID ${s.clientId}
OAuthClientKey ${keyFile(s, 'strict.key', 'ES384')} kid=k
OAuthScope openid offline_access
${app(s)}`,
  });

  it('is addressed to the issuer, lives a minute, is used once, and is the only credential', async () => {
    const browser = await site.signedIn();
    await seconds(1.5);
    assert.equal((await browser.goto(`${site.url}/app/`)).status, 200, 'refreshed');
    await signOut(site, browser);
    await waitUntil(() => site.fake.count('revoke') >= 2, 'both tokens to be revoked');
    const sent = site.fake.requests.filter((one) => one.form.has('client_assertion'));
    assert.deepEqual([...new Set(sent.map(({ path }) => path))], ['/token', '/revoke']);
    assert.ok(sent.length >= 4);
    for (const { assertion, form, headers } of sent) {
      assert.equal(assertion.payload.aud, site.fake.issuer);
      assert.equal(assertion.payload.exp - assertion.payload.iat, 60);
      assert.deepEqual(assertion.header, { alg: 'ES384', kid: 'k', typ: 'client-authentication+jwt' });
      assert.equal(form.has('client_secret'), false);
      assert.equal(headers.authorization, undefined);
    }
    assert.equal(new Set(sent.map(({ assertion }) => assertion.payload.jti)).size, sent.length);
  });
});

describe('a provider that knows itself by its token endpoint', () => {
  const wrong = useSite({
    provider: 'fake',
    secret: null,
    providerOptions: { assertionAudience: 'https://elsewhere.example/token', ...METHODS('private_key_jwt'), ...fakeKeys('aud.key') },
    config: (s) => `
OAuthIssuer ${s.op.issuer}
OAuthClientID ${s.clientId}
OAuthClientKey ${keyFile(s, 'aud.key', 'ES256')} kid=k
${app(s)}`,
  });
  it('refuses what is addressed to the issuer', async () => {
    const page = await wrong.browser().goto(`${wrong.url}/app/`);
    wrong.assertError(page, 'TOKEN_CLIENT');
  });

  it('is given its token endpoint where the configuration says so', async () => {
    wrong.fake.options.assertionAudience = `http://localhost:${wrong.fake.port}/token`;
    await wrong.reload(`${wrong.text()}\nOAuthClientAuth private_key_jwt aud=token_endpoint\n`);
    await wrong.signedIn();
  });
});

describe('jwks.json', () => {
  const site = useSite({
    provider: 'fake',
    config: (s) => `
${s.provider()}
OAuthClientKey ${keyFile(s, 'first.key', 'RS256')} kid=first alg=PS256
OAuthClientKey ${keyFile(s, 'next.key', 'EdDSA')}
<OAuthProvider other>
${s.provider()}
OAuthClientKey ${keyFile(s, 'first.key', 'RS256')} kid=first alg=PS256
OAuthClientKey ${keyFile(s, 'other.key', 'ES384', { jwk: true })} kid=other
</OAuthProvider>
${app(s)}`,
  });

  it('has the public half of every key once, and says how long it may be kept', async () => {
    const page = await site.browser().fetch(`${site.url}/oauth/jwks.json`);
    assert.equal(page.status, 200);
    assert.equal(page.headers['content-type'], 'application/json');
    assert.equal(page.headers['cache-control'], 'public, max-age=300');
    assert.equal(page.headers['set-cookie'], undefined);
    const { keys } = page.json;
    assert.deepEqual(keys.map(({ kid, kty, alg }) => [kid.length < 10 ? kid : '-', kty, alg]),
      [['first', 'RSA', 'PS256'], ['-', 'OKP', 'EdDSA'], ['other', 'EC', 'ES384']]);
    for (const key of keys) {
      assert.equal(key.use, 'sig');
      assert.deepEqual(PRIVATE.filter((name) => name in key), []);
    }
  });

  it('answers HEAD, and nothing that writes', async () => {
    const head = await site.browser().fetch(`${site.url}/oauth/jwks.json`, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.text, '');
    const post = await site.browser().fetch(`${site.url}/oauth/jwks.json`, { method: 'POST', body: '' });
    assert.equal(post.status, 405);
    assert.match(post.headers['cache-control'], /no-store/);
    site.expectLog(errorId('ENDPOINT_METHOD'));
  });
});
