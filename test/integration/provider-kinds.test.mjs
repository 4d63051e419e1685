// Providers that are right in different ways: algorithms, metadata places, plain OAuth 2.0.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { useSite } from './harness.mjs';

const ALGORITHMS = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA',
];
const SYMMETRIC = ['HS256', 'HS384', 'HS512'];

for (const alg of ALGORITHMS) {
  describe(`a provider that signs with ${alg}`, () => {
    const site = useSite({ provider: 'fake', providerOptions: { alg, userinfoJwt: true }, config: (s) => s.provider('OAuthUserinfo on') + s.place('/app') });
    it('is understood', async () => {
      await site.signedIn();
    });
    it('is not believed with a wrong signature', async () => {
      for (const sign of ['badsig', 'zero', 'short']) {
        site.fake.behave({ idToken: { sign } });
        site.assertError(await site.browser().goto(`${site.url}/app/`), ['ID_TOKEN_SIGNATURE', 'ID_TOKEN_MALFORMED']);
      }
    });
  });
}

for (const alg of SYMMETRIC) {
  describe(`a provider that signs with ${alg}`, () => {
    const secret = 'a secret of sixty-four bytes or more, as HS512 deserves it: 0123456789';
    const site = useSite({ provider: 'fake', secret, providerOptions: { alg }, config: (s) => s.provider(`OAuthSigningAlgs ${alg}`) + s.place('/app') });
    it('is understood where that is configured', async () => {
      await site.signedIn();
    });
  });
}

describe('OAuthSigningAlgs', () => {
  const site = useSite({ provider: 'fake', providerOptions: { keys: ['RS256', 'ES256'] }, config: (s) => s.provider('OAuthSigningAlgs RS256') + s.place('/app') });
  it('excludes what it does not name', async () => {
    await site.signedIn();
    site.fake.behave({ idToken: { alg: 'ES256' } });
    site.assertError(await site.browser().goto(`${site.url}/app/`), 'ID_TOKEN_ALG');
  });
});

describe('keys', () => {
  const site = useSite({ provider: 'fake', providerOptions: { keys: ['RS256', 'ES256', 'EdDSA'] }, config: (s) => s.provider() + s.place('/app') });
  it('without a kid in the token are found by their kind', async () => {
    site.fake.behave({ idToken: { header: { kid: undefined } } });
    await site.signedIn();
  });
});

describe('keys of unknown kinds', () => {
  const extraKeys = [
    { kty: 'XX', kid: 'a' }, { kty: 'EC', crv: 'P-999', x: 'AA', y: 'AA' }, { kty: 'RSA' },
    { kty: 'oct', k: 'AAAA', kid: 'b' }, { kty: 'OKP', crv: 'X25519', x: 'AA', use: 'enc' },
  ];
  const site = useSite({ provider: 'fake', providerOptions: { extraKeys }, config: (s) => s.provider() + s.place('/app') });
  it('beside the right one do no harm', async () => {
    await site.signedIn();
  });
});

for (const [what, rules, path] of [
  ['OpenID Connect Discovery', {}, '/tenant/.well-known/openid-configuration'],
  ['RFC 8414', { discovery: { status: 404 } }, '/.well-known/oauth-authorization-server/tenant'],
]) {
  describe(`an issuer with a path, described by ${what}`, () => {
    const site = useSite({ provider: 'fake', providerOptions: { issuerPath: '/tenant', rules }, config: (s) => s.provider() + s.place('/app') });
    it('is found', async () => {
      await site.signedIn();
      assert.ok(site.fake.count(path) >= 1);
    });
  });
}

describe('endpoints in the configuration', () => {
  const site = useSite({
    provider: 'fake',
    config: (s) => s.provider(['OAuthMetadata none', ...['authorization', 'token', 'userinfo', 'jwks'].map(
      (name) => `OAuthEndpoint ${name} ${s.fake.issuer}${s.fake.paths[{ authorization: 'authorize' }[name] ?? name]}`)].join('\n'))
      + s.place('/app'),
  });
  it('are enough', async () => {
    await site.signedIn();
    assert.ok(!site.fake.requests.some((one) => one.path.includes('well-known')));
  });
});

describe('a provider of plain OAuth 2.0, like GitHub', () => {
  const site = useSite({
    provider: 'fake',
    providerOptions: { github: true },
    config: (s) => s.provider(`
OAuthProfile oauth2
OAuthMetadata none
OAuthEndpoint authorization ${s.fake.issuer}/login/oauth/authorize
OAuthEndpoint token ${s.fake.issuer}/login/oauth/access_token
OAuthEndpoint userinfo ${s.fake.issuer}/user
OAuthScope read:user user:email
OAuthUser login`) + s.place('/app') + s.place('/id', 'OAuthUser id\n OAuthHeader X-Company company\n Require valid-user')
      + s.place('/token', 'OAuthBackendToken user\n Require oauth-claim id 583231'),
  });

  it('tells who the user is by its userinfo', async () => {
    const page = await site.browser().goto(`${site.url}/app/`);
    assert.equal(page.status, 200, page.errorId);
    assert.deepEqual(page.received('X-Forwarded-User'), ['octo-uma']);
    const asked = site.fake.last('authorize').query;
    assert.equal(asked.get('scope'), 'read:user user:email');
    assert.equal(asked.get('code_challenge_method'), 'S256');
    assert.match(site.fake.last('token').headers.accept, /application\/json/);
    assert.ok(site.fake.last('userinfo').headers['user-agent'], 'GitHub refuses calls without one');
  });

  it('may identify by a number', async () => {
    const browser = await site.signedIn();
    const page = await browser.goto(`${site.url}/id/`);
    assert.deepEqual(page.received('X-Forwarded-User'), ['583231']);
    assert.deepEqual(page.received('X-Company'), []);
  });

  it('gives the backend a token that does not expire', async () => {
    const browser = await site.signedIn();
    assert.match((await browser.goto(`${site.url}/token/`)).received('Authorization')[0], /^Bearer gho_/);
  });

  for (const [what, rules, errors] of [
    ['an error with status 200', { token: { body: { error: 'bad_verification_code' } } }, ['TOKEN_ERROR', 'TOKEN_RESPONSE', 'TOKEN_GRANT']],
    ['a form instead of JSON', { token: { raw: 'access_token=gho_x&token_type=bearer', type: 'application/x-www-form-urlencoded' } }, 'TOKEN_RESPONSE'],
    ['no user name', { userinfo: { drop: ['login'] } }, ['USER_CLAIM', 'USERINFO_RESPONSE']],
    ['a user that is a list', { userinfo: { raw: '[]' } }, 'USERINFO_RESPONSE'],
    ['status 403', { userinfo: { status: 403 } }, 'USERINFO_RESPONSE'],
  ]) {
    it(`signs nobody in when it answers ${what}`, async () => {
      site.fake.behave(rules);
      const page = await site.browser().goto(`${site.url}/app/`);
      site.assertError(page, errors);
      assert.equal(site.backend.requests.length, 0);
    });
  }
});

describe('a secret full of special characters', () => {
  const site = useSite({ provider: 'fake', secret: 'a b+c/d%e:f&g=~._-0123456789', config: (s) => s.provider() + s.place('/app') });
  it('is form-encoded inside Basic credentials, and in no second place', async () => {
    await site.signedIn();
    const asked = site.fake.last('token');
    assert.equal(asked.client.method, 'client_secret_basic');
    const [id, secret] = Buffer.from(asked.headers.authorization.slice(6), 'base64').toString().split(':');
    assert.equal(id, 'app');
    assert.match(secret, /~\._-0123456789$/, 'unreserved characters stay');
    assert.ok(!asked.form.has('client_secret'));
    for (const name of ['grant_type', 'code', 'redirect_uri', 'code_verifier']) assert.equal(asked.form.getAll(name).length, 1);
    assert.match(asked.form.get('code_verifier'), /^[A-Za-z0-9._~-]{43,128}$/);
    assert.equal(asked.form.get('redirect_uri'), site.callback);
  });
});
