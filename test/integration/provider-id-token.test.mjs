// ID Tokens that must not sign anybody in: a page with an id, no session, no further call.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { useSite } from './harness.mjs';

const now = () => Math.floor(Date.now() / 1000);
const nested = (depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const claims = (more) => ({ claims: more });
const ANY_FORM = ['ID_TOKEN_MALFORMED', 'ID_TOKEN_CLAIM', 'TOKEN_RESPONSE'];

// The JSON of a right token with some text put in, for what no serializer writes.
const written = (text) => (fake, asked) => ({
  payload: `{"iss":"${fake.issuer}","sub":"user-1","aud":"app","iat":${now()},"exp":${now() + 600},"nonce":"${asked.nonce}"${text}}`,
});

// what, the rule for the ID Token (or a function of the provider and the authorization request),
// the errors that are right
const ROWS = [
  ['another issuer', claims({ iss: 'https://evil.example' }), 'ID_TOKEN_ISSUER'],
  ['the issuer with a slash', (fake) => claims({ iss: `${fake.issuer}/` }), 'ID_TOKEN_ISSUER'],
  ['the issuer in capitals', (fake) => claims({ iss: fake.issuer.toUpperCase() }), 'ID_TOKEN_ISSUER'],
  ['an issuer that is a list', (fake) => claims({ iss: [fake.issuer] }), ['ID_TOKEN_ISSUER', 'ID_TOKEN_CLAIM']],
  ['no issuer', { drop: ['iss'] }, ['ID_TOKEN_ISSUER', 'ID_TOKEN_CLAIM']],
  ['no sub', { drop: ['sub'] }, 'ID_TOKEN_CLAIM'],
  ['an empty sub', claims({ sub: '' }), 'ID_TOKEN_CLAIM'],
  ['a sub that is a number', claims({ sub: 1 }), 'ID_TOKEN_CLAIM'],
  ['a sub of 256 characters', claims({ sub: 'x'.repeat(256) }), 'ID_TOKEN_CLAIM'],
  ['a sub that is not ASCII', claims({ sub: 'jürgen' }), 'ID_TOKEN_CLAIM'],
  ['a sub with a newline', claims({ sub: 'a\nb' }), 'ID_TOKEN_CLAIM'],
  ['another audience', claims({ aud: 'other' }), 'ID_TOKEN_AUDIENCE'],
  ['an audience that begins alike', claims({ aud: 'app2' }), 'ID_TOKEN_AUDIENCE'],
  ['no audience', { drop: ['aud'] }, ['ID_TOKEN_AUDIENCE', 'ID_TOKEN_CLAIM']],
  ['an empty list of audiences', claims({ aud: [] }), ['ID_TOKEN_AUDIENCE', 'ID_TOKEN_CLAIM']],
  ['an audience that is a number', claims({ aud: 1 }), ['ID_TOKEN_AUDIENCE', 'ID_TOKEN_CLAIM']],
  ['a second audience', claims({ aud: ['app', 'other'] }), 'ID_TOKEN_AUDIENCE'],
  ['a second audience and an azp', claims({ aud: ['app', 'other'], azp: 'app' }), 'ID_TOKEN_AUDIENCE'],
  ['another azp', claims({ azp: 'other' }), 'ID_TOKEN_AUDIENCE'],
  ['no iat', { drop: ['iat'] }, ['ID_TOKEN_CLAIM', 'ID_TOKEN_TIME']],
  ['an iat that is text', () => claims({ iat: String(now()) }), ['ID_TOKEN_CLAIM', 'ID_TOKEN_TIME']],
  ['an iat in the future', () => claims({ iat: now() + 3600, exp: now() + 7200 }), 'ID_TOKEN_TIME'],
  ['no exp', { drop: ['exp'] }, ['ID_TOKEN_CLAIM', 'ID_TOKEN_TIME']],
  ['an exp in the past', () => claims({ iat: now() - 900, exp: now() - 300 }), 'ID_TOKEN_TIME'],
  ['an exp that is text', () => claims({ exp: String(now() + 600) }), ['ID_TOKEN_CLAIM', 'ID_TOKEN_TIME']],
  ['a negative exp', claims({ exp: -1 }), ['ID_TOKEN_CLAIM', 'ID_TOKEN_TIME']],
  ['an exp that is true', claims({ exp: true }), ['ID_TOKEN_CLAIM', 'ID_TOKEN_TIME']],
  ['an nbf in the future', () => claims({ nbf: now() + 3600 }), 'ID_TOKEN_TIME'],
  ['no nonce', { drop: ['nonce'] }, ['ID_TOKEN_NONCE', 'ID_TOKEN_CLAIM']],
  ['another nonce', claims({ nonce: 'another-nonce' }), 'ID_TOKEN_NONCE'],
  ['an empty nonce', claims({ nonce: '' }), 'ID_TOKEN_NONCE'],
  ['a nonce that is a number', claims({ nonce: 1 }), ['ID_TOKEN_NONCE', 'ID_TOKEN_CLAIM']],
  ['a wrong at_hash', claims({ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }), 'ID_TOKEN_HASH'],
  ['an at_hash that is a number', claims({ at_hash: 1 }), ['ID_TOKEN_HASH', 'ID_TOKEN_CLAIM']],
  ['alg none', { header: { alg: 'none' }, sign: 'none' }, ['ID_TOKEN_ALG', 'ID_TOKEN_MALFORMED']],
  ['alg nOnE', { header: { alg: 'nOnE' }, sign: 'none' }, ['ID_TOKEN_ALG', 'ID_TOKEN_MALFORMED']],
  ['alg none and a signature', { header: { alg: 'none' } }, ['ID_TOKEN_ALG', 'ID_TOKEN_MALFORMED']],
  ['no alg', { header: { alg: undefined } }, ['ID_TOKEN_ALG', 'ID_TOKEN_MALFORMED']],
  ['alg rs256 in small letters', { header: { alg: 'rs256' } }, 'ID_TOKEN_ALG'],
  ['an alg that is a list', { header: { alg: ['RS256'] } }, ['ID_TOKEN_ALG', 'ID_TOKEN_MALFORMED']],
  ['an alg that does not fit the key', { header: { alg: 'ES256' } }, ['ID_TOKEN_ALG', 'ID_TOKEN_KEY']],
  ['the client secret as HMAC key', { alg: 'HS256' }, 'ID_TOKEN_ALG'],
  ['the public key as HMAC key', { alg: 'HS256', sign: 'publickey' }, 'ID_TOKEN_ALG'],
  ['a wrong signature', { sign: 'badsig' }, 'ID_TOKEN_SIGNATURE'],
  ['an empty signature', { sign: 'empty' }, ['ID_TOKEN_SIGNATURE', 'ID_TOKEN_MALFORMED']],
  ['a signature of zeros', { sign: 'zero' }, 'ID_TOKEN_SIGNATURE'],
  ['a signature that is too short', { sign: 'short' }, ['ID_TOKEN_SIGNATURE', 'ID_TOKEN_MALFORMED']],
  ['another key under the same kid', { sign: 'otherkey' }, 'ID_TOKEN_SIGNATURE'],
  ['its own key in the header', (fake) => ({ sign: 'otherkey', header: { jwk: fake.keys[0].jwk } }), ['ID_TOKEN_SIGNATURE', 'ID_TOKEN_MALFORMED']],
  ['crit with something unknown', { header: { crit: ['x'], x: 1 } }, 'ID_TOKEN_MALFORMED'],
  ['crit that is empty', { header: { crit: [] } }, 'ID_TOKEN_MALFORMED'],
  ['b64 false', { header: { b64: false, crit: ['b64'] } }, 'ID_TOKEN_MALFORMED'],
  ['typ at+jwt', { header: { typ: 'at+jwt' } }, 'ID_TOKEN_MALFORMED'],
  ['typ logout+jwt', { header: { typ: 'logout+jwt' } }, 'ID_TOKEN_MALFORMED'],
  ['a kid that is a number', { header: { kid: 1 } }, ['ID_TOKEN_MALFORMED', 'ID_TOKEN_KEY']],
  ['a kid of 10,000 characters', { header: { kid: 'k'.repeat(10000) } }, ['ID_TOKEN_MALFORMED', 'ID_TOKEN_KEY']],
  ['a header with a duplicate', { headerText: '{"alg":"RS256","alg":"none"}' }, 'ID_TOKEN_MALFORMED'],
  ['a header that is no object', { headerText: '"RS256"' }, 'ID_TOKEN_MALFORMED'],
  ['a payload that is a list', { payload: '[]' }, 'ID_TOKEN_MALFORMED'],
  ['a payload that is null', { payload: 'null' }, 'ID_TOKEN_MALFORMED'],
  ['a payload that is no JSON', { payload: 'iss=x' }, 'ID_TOKEN_MALFORMED'],
  ['an empty payload', { payload: '' }, 'ID_TOKEN_MALFORMED'],
  ['a duplicate claim', written(',"sub":"admin"'), 'ID_TOKEN_MALFORMED'],
  ['a duplicate in a nested claim', written(',"address":{"a":1,"a":2}'), 'ID_TOKEN_MALFORMED'],
  ['a NUL in a claim', written(',"name":"a\\u0000b"'), 'ID_TOKEN_MALFORMED'],
  ['half a surrogate', written(',"name":"\\ud800"'), 'ID_TOKEN_MALFORMED'],
  ['JSON as deep as the sea', written(`,"deep":${nested(2000)}`), 'ID_TOKEN_MALFORMED'],
  ['something after the JSON', (fake, asked) => ({ payload: `${written('')(fake, asked).payload} x` }), 'ID_TOKEN_MALFORMED'],
  ['text that is no token', { raw: 'token' }, ANY_FORM],
  ['two parts', { raw: 'e30.e30' }, ANY_FORM],
  ['four parts', { raw: 'e30.e30.e30.e30' }, ANY_FORM],
  ['five parts, as if encrypted', { raw: 'e30.e30.e30.e30.e30' }, ANY_FORM],
  ['base64 with padding', { raw: 'e30=.e30=.e30=' }, ANY_FORM],
  ['70,000 characters', { raw: `${'A'.repeat(70000)}.e30.e30` }, ANY_FORM],
];

// Answers of the token endpoint about the ID Token.
const TOKEN_ROWS = [
  ['no ID Token', { drop: ['id_token'] }, 'ID_TOKEN_MISSING'],
  ['an ID Token that is a number', { set: { id_token: 1 } }, ['TOKEN_RESPONSE', 'ID_TOKEN_MISSING', 'ID_TOKEN_MALFORMED']],
  ['an ID Token that is empty', { set: { id_token: '' } }, ['TOKEN_RESPONSE', 'ID_TOKEN_MISSING', 'ID_TOKEN_MALFORMED']],
];

async function refused(site, browser, page, errors) {
  site.assertError(page, errors);
  assert.ok(page.url.startsWith(site.callback));
  assert.equal(site.fake.count('token'), 1);
  assert.equal(site.fake.count('userinfo'), 0, 'no call with tokens that are not trusted');
  assert.equal(site.fake.count('authorize'), 1, 'no second try');
  await site.assertNoSession(browser);
}

describe('an ID Token with', () => {
  const site = useSite({
    provider: 'fake', config: (s) => s.provider('OAuthUserinfo on') + s.place('/app') });

  for (const [what, rule, errors] of ROWS) {
    it(`${what} signs nobody in`, async () => {
      const browser = site.browser();
      const start = await browser.goto(`${site.url}/app/`, { follow: false });
      const asked = Object.fromEntries(new URL(start.location).searchParams);
      site.fake.behave({ idToken: typeof rule === 'function' ? rule(site.fake, asked) : rule });
      await refused(site, browser, await browser.goto(start.location), errors);
    });
  }

  for (const [what, token, errors] of TOKEN_ROWS) {
    it(`${what} signs nobody in`, async () => {
      site.fake.behave({ token });
      const browser = site.browser();
      await refused(site, browser, await browser.goto(`${site.url}/app/`), errors);
    });
  }

  it('the nonce of another login signs nobody in', async () => {
    const first = await site.browser().goto(`${site.url}/app/`, { follow: false });
    const nonce = new URL(first.location).searchParams.get('nonce');
    site.fake.behave({ idToken: { claims: { nonce } } });
    const browser = site.browser();
    await refused(site, browser, await browser.goto(`${site.url}/app/`), 'ID_TOKEN_NONCE');
  });
});

describe('an unknown kid', () => {
  const site = useSite({ provider: 'fake', config: (s) => s.provider() + s.place('/app') });
  const keys = () => site.fake.count('jwks');

  it('makes the server ask for the keys again, and not for each such token', async () => {
    await site.signedIn();
    const before = keys();
    site.fake.behave({ idToken: { header: { kid: 'nobody' } } });
    for (let n = 0; n < 5; n += 1) site.assertError(await site.browser().goto(`${site.url}/app/`), 'ID_TOKEN_KEY');
    assert.ok(keys() - before <= 1, `${keys() - before} fetches`);
  });
});

describe('keys that rotate during a login', () => {
  const site = useSite({ provider: 'fake', config: (s) => s.provider() + s.place('/app') });
  it('are fetched in that login', async () => {
    await site.signedIn();
    const start = await site.browser().goto(`${site.url}/app/`, { follow: false });
    assert.ok(start.location);
    site.fake.rotateKeys();
    await site.signedIn();
  });
});

describe('a clock that differs a little', () => {
  const site = useSite({ provider: 'fake', config: (s) => s.provider('OAuthClockSkew 5') + s.place('/app') });
  it('is tolerated up to OAuthClockSkew', async () => {
    site.fake.behave({ idToken: { claims: { iat: now() + 3, exp: now() + 600 } } });
    await site.signedIn();
    site.fake.behave({ idToken: { claims: { iat: now() + 20, exp: now() + 600 } } });
    site.assertError(await site.browser().goto(`${site.url}/app/`), 'ID_TOKEN_TIME');
    site.fake.behave({ idToken: { claims: { iat: now() - 100, exp: now() - 2 } } });
    await site.signedIn();
  });
});
