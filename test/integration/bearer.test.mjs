// OAuthAccept and OAuthAudience: programs that bring an access token.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addSecret, h2Connect, rawRequest, received, seconds, useSite,
} from './harness.mjs';

const JWT_API = 'https://api.example/jwt';
const OPAQUE_API = 'https://api.example/opaque';
const API = 'https://api.example';
const SCOPES = { scope: 'read write' };
const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });
const challengeOf = (page) => page.headers['www-authenticate'];

const REAL = (s) => s.provider('OAuthScope openid profile email read\nOAuthUserinfo off')
  + s.place('/get-jwt', `OAuthResource ${JWT_API}\n OAuthBackendToken user\n Require valid-user`)
  + s.place('/get-opaque', `OAuthResource ${OPAQUE_API}\n OAuthBackendToken user\n Require valid-user`)
  + s.place('/api', `OAuthAccept bearer\n OAuthAudience ${JWT_API} ${OPAQUE_API}\n Require valid-user`)
  + s.place('/elsewhere', 'OAuthAccept bearer\n OAuthAudience https://api.example/elsewhere\n Require valid-user')
  + s.place('/both', `OAuthAccept session bearer\n OAuthAudience ${JWT_API} ${OPAQUE_API}\n Require valid-user`)
  + s.place('/write', `OAuthAccept bearer\n OAuthAudience ${JWT_API} ${OPAQUE_API}\n Require oauth-scope write`);

// The access token of somebody who signed in.
async function tokenFrom(site, path, user) {
  const browser = await site.signedIn(user, path);
  const [value] = (await browser.goto(site.url + path)).received('Authorization');
  const token = value.replace('Bearer ', '');
  addSecret(token);
  return token;
}

describe('a bearer token of a real provider', () => {
  const site = useSite({
    providerOptions: { resources: { [JWT_API]: SCOPES, [OPAQUE_API]: { ...SCOPES, accessTokenFormat: 'opaque' } } },
    config: REAL,
  });

  for (const [what, path] of [['a JWT', '/get-jwt/'], ['opaque', '/get-opaque/']]) {
    it(`that is ${what} lets its user in, and stays here`, async () => {
      const token = await tokenFrom(site, path, 'alice');
      assert.equal(token.split('.').length === 3, what === 'a JWT');
      for (let n = 0; n < 3; n += 1) {
        const page = await site.browser().fetch(`${site.url}/api/`, bearer(token));
        assert.equal(page.status, 200, page.text);
        assert.deepEqual(page.received('X-Forwarded-User'), ['alice']);
        assert.deepEqual(page.received('Authorization'), []);
        assert.match(page.headers['cache-control'], /private/);
      }
      const asked = site.op.count('/token/introspection');
      assert.ok(what === 'a JWT' ? asked === 0 : asked === 1, `asked ${asked} times`);
    });

    it(`that is ${what} is refused where it is not for`, async () => {
      const token = await tokenFrom(site, path, 'bob');
      const page = await site.browser().fetch(`${site.url}/elsewhere/`, bearer(token));
      site.assertError(page, 'BEARER_TOKEN');
      assert.match(challengeOf(page), /^Bearer realm="[^"]+", error="invalid_token", error_description="[^"]+"$/);
      assert.equal(site.backend.count('/elsewhere/'), 0);
    });

    it(`that is ${what} has the scopes that it has`, async () => {
      const token = await tokenFrom(site, path, 'bob');
      const page = await site.browser().fetch(`${site.url}/write/`, bearer(token));
      site.assertError(page, 'BEARER_SCOPE');
      assert.match(challengeOf(page), /error="insufficient_scope", scope="write"$/);
    });
  }

  it('is the identity in a place that browsers sign in to', async () => {
    const browser = await site.signedIn('bob', '/both/');
    assert.deepEqual((await browser.goto(`${site.url}/both/`)).received('X-Forwarded-User'), ['bob']);
    const token = await tokenFrom(site, '/get-jwt/', 'alice');
    const page = await site.browser().fetch(`${site.url}/both/`, bearer(token));
    assert.deepEqual(page.received('X-Forwarded-User'), ['alice']);
    const refused = await browser.fetch(`${site.url}/both/`, bearer(token));
    site.assertError(refused, 'BEARER_REQUEST');
    assert.match(challengeOf(refused), /error="invalid_request"/);
    assert.equal((await browser.fetch(`${site.url}/both/`)).status, 200, 'the session is as it was');
  });

  it('is not somebody else\'s ID Token, refresh token, or token for nobody', async () => {
    const token = await tokenFrom(site, '/get-jwt/', 'alice');
    const typeOf = (text) => JSON.parse(Buffer.from(text.split('.')[0], 'base64url')).typ;
    const others = site.op.secrets().filter((one) => !(one.split('.').length === 3 && typeOf(one) === 'at+jwt'));
    const idTokens = others.filter((one) => one.split('.').length === 3);
    assert.equal((await site.browser().fetch(`${site.url}/api/`, bearer(token))).status, 200);
    assert.ok(idTokens.length > 0);
    for (const one of idTokens) {
      site.assertError(await site.browser().fetch(`${site.url}/api/`, bearer(one)), 'BEARER_TOKEN');
    }
    const asked = site.op.count('/token/introspection');
    const codes = others.filter((one) => !idTokens.includes(one) && /^[\w~-]+$/.test(one)).slice(-20);
    for (const one of codes) {
      const page = await site.browser().fetch(`${site.url}/elsewhere/`, bearer(one));
      assert.equal(page.status, 401, page.text);
    }
    assert.ok(site.op.count('/token/introspection') > asked);
  });
});

const FAKE = (s) => s.provider()
  + s.place('/api', `OAuthAccept bearer\n OAuthAudience ${API}\n Require valid-user`)
  + s.place('/both', `OAuthAccept session bearer\n OAuthAudience ${API}\n OAuthPreservePost on\n Require valid-user`)
  + s.place('/user', `OAuthAccept bearer\n OAuthAudience ${API}\n OAuthBackendToken user\n Require valid-user`)
  + s.place('/id', `OAuthAccept bearer\n OAuthAudience ${API}\n OAuthBackendToken id\n Require valid-user`)
  + s.place('/mail', `OAuthAccept bearer\n OAuthAudience ${API}\n OAuthUser email\n OAuthHeader X-Dept dept\n OAuthHeader X-Expr "%{oauth_claim:dept}!"\n Require oauth-claim groups staff`)
  + s.place('/rules', `OAuthAccept bearer\n OAuthAudience ${API}\n <RequireAll>\n Require oauth-scope read write\n Require not oauth-scope admin\n </RequireAll>`)
  + s.place('/people', `OAuthAccept bearer\n OAuthAudience ${API}\n <RequireAll>\n Require not oauth-scope admin\n Require user nobody\n </RequireAll>`)
  + s.place('/anyone', `OAuthAccept bearer\n OAuthAudience ${API}\n OAuthUnauthenticated pass\n Require all granted`)
  + s.place('/sessions')
  + `<Location /ssi>\n AuthType OAuth\n OAuthAccept bearer\n OAuthAudience ${API}\n Require valid-user\n</Location>\n`
  + 'RewriteEngine on\nRewriteRule ^/inside$ /ssi/page.html [PT]\n'
  + s.open('/public');

const SITE = {
  provider: 'fake',
  httpd: {
    files: {
      'htdocs/ssi/page.shtml': 'user <!--#echo var="REMOTE_USER" -->, <!--#include virtual="/ssi/page.html" --><!--#include virtual="/ssi/env.cgi" -->',
      'htdocs/ssi/page.html': 'the page',
      'htdocs/ssi/env.cgi': { content: '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"; env\n', mode: 0o755 },
      'htdocs/parts/part.shtml': '<!--#include virtual="/ssi/page.html" --> | <!--#include virtual="/public/x" -->',
      'htdocs/loose/.htaccess': 'AuthType OAuth\nOAuthAccept bearer\nRequire valid-user\n',
      'htdocs/loose/page.html': 'must not be seen',
      'htdocs/strict/.htaccess': `AuthType OAuth\nOAuthAccept bearer\nOAuthAudience ${API}\nRequire valid-user\n`,
      'htdocs/strict/page.html': 'the page of an .htaccess',
    },
  },
  config: FAKE,
};

describe('a place that accepts bearer tokens', () => {
  const site = useSite(SITE);
  const get = (path, token, options) => site.browser().fetch(site.url + path, { ...(token && bearer(token)), ...options });

  it('asks for one, without an error, and sends nobody to a login', async () => {
    for (const page of [await get('/api/'), await site.browser().goto(`${site.url}/api/`, { follow: false })]) {
      site.assertError(page, 'UNAUTHENTICATED');
      assert.match(challengeOf(page), /^Bearer realm="[^"]+"$/);
    }
    assert.equal((await site.browser().goto(`${site.url}/both/`, { follow: false })).status, 303);
    site.assertError(await get('/both/'), 'UNAUTHENTICATED');
  });

  it('tells the application who it is as for a session', async () => {
    const token = site.fake.accessToken(API, {
      claims: { email: 'a@example.com', email_verified: true, groups: ['staff', 'a,b'], dept: 'R&D' },
    });
    const page = await get('/mail/', token);
    assert.equal(page.status, 200, page.text);
    assert.deepEqual(page.received('X-Forwarded-User'), ['a@example.com']);
    assert.deepEqual(page.received('X-Forwarded-Email'), ['a@example.com']);
    assert.deepEqual(page.received('X-Forwarded-Groups'), ['staff,a%2Cb']);
    assert.deepEqual(page.received('X-Dept'), ['R&D']);
    assert.deepEqual(page.received('X-Expr'), ['R&D!']);
    assert.deepEqual(page.setCookies ?? [], []);
    const other = site.fake.accessToken(API, { claims: { email: 'a@example.com', email_verified: false, groups: ['staff'] } });
    site.assertError(await get('/mail/', other), 'EMAIL_UNVERIFIED');
    const third = site.fake.accessToken(API, { claims: { email: 'a@example.com', email_verified: true, groups: ['others'] } });
    site.assertError(await get('/mail/', third), 'FORBIDDEN');
  });

  it('sets the environment, for parts and redirects of a request too', async () => {
    const token = site.fake.accessToken(API, { claims: { dept: 'R&D' } });
    const page = await get('/ssi/page.shtml', token);
    assert.match(page.text, /^user user-1, the page/);
    const script = await get('/ssi/env.cgi', token);
    for (const line of ['REMOTE_USER=user-1', 'AUTH_TYPE=OAuth', 'OAUTH_CLAIM_dept=R&D', `OAUTH_ISSUER=${site.fake.issuer}`]) {
      assert.ok(script.text.includes(line), `${line} in ${script.text}`);
    }
    assert.equal((await get('/inside', token)).text, 'the page');
    const parts = await get('/parts/part.shtml', token);
    assert.match(parts.text, /^the page \| /);
    assert.deepEqual(received(parts.text.split(' | ')[1], 'Authorization'), [`Bearer ${token}`], 'the open place has what came');
    assert.ok(!(await get('/parts/part.shtml')).text.includes('the page'));
    site.expectLog(/OA-1702|unable to include/);
  });

  it('keeps the token from the backend, unless the backend is to have it', async () => {
    const token = site.fake.accessToken(API);
    assert.deepEqual((await get('/api/', token)).received('Authorization'), []);
    assert.deepEqual((await get('/user/', token)).received('Authorization'), [`Bearer ${token}`]);
    site.assertError(await get('/id/', token), 'BACKEND_TOKEN');
    // Not used, not touched.
    assert.deepEqual((await get('/public/', token)).received('Authorization'), [`Bearer ${token}`]);
    const basic = { headers: { Authorization: 'Basic YTpi' } };
    assert.deepEqual((await site.browser().fetch(`${site.url}/anyone/`, basic)).received('Authorization'), ['Basic YTpi']);
    const browser = await site.signedIn('alice', '/both/');
    assert.deepEqual((await browser.fetch(`${site.url}/both/`, basic)).received('Authorization'), ['Basic YTpi']);
  });

  it('answers with the scope that is missing, and with nothing that is not', async () => {
    const page = await get('/rules/', site.fake.accessToken(API));
    site.assertError(page, 'BEARER_SCOPE');
    assert.match(challengeOf(page), /error="insufficient_scope", scope="read write"$/);
    assert.equal((await get('/rules/', site.fake.accessToken(API, { claims: { scope: 'write read' } }))).status, 200);
    const other = await get('/people/', site.fake.accessToken(API));
    site.assertError(other, 'FORBIDDEN');
    assert.equal(challengeOf(other), undefined);
  });

  it('lets requests without a token pass where it says so, and bad tokens nowhere', async () => {
    assert.equal((await get('/anyone/')).status, 200);
    assert.deepEqual((await get('/anyone/', site.fake.accessToken(API))).received('X-Forwarded-User'), ['user-1']);
    site.assertError(await get('/anyone/', site.fake.accessToken('https://other.example')), 'BEARER_TOKEN');
  });

  it('takes a program\'s form to the application', async () => {
    const page = await site.browser().send(`${site.url}/both/`, {
      method: 'POST',
      body: 'a=b',
      navigation: false,
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        Origin: site.url,
        'Sec-Fetch-Site': 'same-origin',
        Authorization: `Bearer ${site.fake.accessToken(API)}`,
      },
    });
    assert.equal(page.status, 200, page.text);
    assert.equal(JSON.parse(page.text).bodyLength, 3);
  });

  it('refuses two Authorization headers, and a malformed one', async () => {
    const token = site.fake.accessToken(API);
    for (const lines of [
      [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`],
      [`Authorization: Basic YTpi`, `Authorization: Bearer ${token}`],
      [`Authorization: Bearer ${token} ${token}`],
      ['Authorization: Bearer'],
    ]) {
      const answer = await rawRequest(site.port, ['GET /api/ HTTP/1.1', `Host: localhost:${site.port}`, 'Connection: close', ...lines, '', '']);
      assert.equal(answer.status, 400, lines.join());
      assert.match(answer.text, /WWW-Authenticate: Bearer realm="[^"]+", error="invalid_request"/i);
      assert.match(answer.text, /"error": ?"OA-1709"/);
    }
    site.expectLog(/OA-1709/);
    assert.equal(site.backend.count('/api/'), 0);
  });

  it('does not look for tokens elsewhere', async () => {
    const token = site.fake.accessToken(API);
    site.assertError(await get(`/api/?access_token=${token}`), 'UNAUTHENTICATED');
    const page = await site.browser().fetch(`${site.url}/api/`, { form: { access_token: token } });
    site.assertError(page, 'UNAUTHENTICATED');
  });

  it('refuses TRACE', async () => {
    const answer = await rawRequest(site.port, ['TRACE /api/ HTTP/1.1', `Host: localhost:${site.port}`, `Authorization: Bearer ${site.fake.accessToken(API)}`, 'Connection: close', '', '']);
    assert.equal(answer.status, 405);
    site.expectLog(/OA-1705/);
  });

  it('is a place of an .htaccess too, which needs an audience', async () => {
    const token = site.fake.accessToken(API);
    assert.equal((await get('/strict/page.html', token)).text, 'the page of an .htaccess');
    const page = await get('/loose/page.html', token);
    site.assertError(page, 'CONFIG_AUDIENCE', { status: 500 });
    assert.ok(!page.text.includes('must not be seen'));
  });

  it('means nothing to a place that accepts sessions only', async () => {
    site.assertError(await get('/sessions/', site.fake.accessToken(API)), 'UNAUTHENTICATED');
  });
});

const WRONG = [
  ['for somebody else', (f) => f.accessToken('https://other.example')],
  ['of another issuer', (f) => f.accessToken(API, { claims: { iss: 'https://evil.example' } })],
  ['that has expired', (f) => f.accessToken(API, { claims: { exp: 1 } })],
  ['with a spoilt signature', (f) => f.accessToken(API, { sign: 'badsig' })],
  ['with a zero signature', (f) => f.accessToken(API, { sign: 'zero' })],
  ['without a signature', (f) => f.accessToken(API, { sign: 'empty' })],
  ['of another key', (f) => f.accessToken(API, { sign: 'otherkey' })],
  ['with alg none', (f) => f.accessToken(API, { header: { alg: 'none' }, sign: 'none' })],
  ['signed with the client secret', (f) => f.accessToken(API, { alg: 'HS256' })],
  ['signed with the public key', (f) => f.accessToken(API, { alg: 'HS256', sign: 'publickey' })],
  ['that is an ID Token', (f) => f.idToken({}, 'an access token')],
  ['that is a logout token', (f) => f.accessToken(API, { header: { typ: 'logout+jwt' } })],
  ['with crit', (f) => f.accessToken(API, { header: { crit: ['exp'] } })],
  ['bound to its sender', (f) => f.accessToken(API, { claims: { cnf: { jkt: 'x' } } })],
  ['without sub', (f) => f.accessToken(API, { drop: ['sub'] })],
  ['without client_id', (f) => f.accessToken(API, { drop: ['client_id'] })],
  ['without jti', (f) => f.accessToken(API, { drop: ['jti'] })],
  ['with exp twice', (f) => f.accessToken(API, { payload: `{"iss":"${f.issuer}","aud":"${API}","exp":1,"exp":99999999999}` })],
  ['of no meaning', () => 'nonsense'],
];

describe('a place that accepts bearer tokens refuses one', () => {
  const site = useSite(SITE);
  for (const [what, make] of WRONG) {
    it(what, async () => {
      const token = make(site.fake);
      const page = await site.browser().fetch(`${site.url}/api/`, bearer(token));
      site.assertError(page, 'BEARER_TOKEN');
      assert.match(challengeOf(page), /error="invalid_token"/);
      assert.ok(!JSON.stringify(page.rawHeaders).includes(token) && !page.text.includes(token));
      assert.equal(site.backend.count('/api/'), 0);
    });
  }
});

const ACTIVE = { active: true, sub: 'user-1', aud: API, scope: 'read', token_type: 'Bearer' };
const LIES = [
  // what introspection answers, the error
  ['that it is not active', { body: { active: false } }, 'BEARER_TOKEN'],
  ['"true" for active', { body: { ...ACTIVE, active: 'true' } }, 'INTROSPECTION'],
  ['1 for active', { body: { ...ACTIVE, active: 1 } }, 'INTROSPECTION'],
  ['without active', { body: { sub: 'user-1', aud: API } }, 'INTROSPECTION'],
  ['without aud', { body: { ...ACTIVE, aud: undefined } }, 'BEARER_TOKEN'],
  ['with another aud', { body: { ...ACTIVE, aud: 'https://other.example' } }, 'BEARER_TOKEN'],
  ['without sub', { body: { ...ACTIVE, sub: undefined } }, 'BEARER_TOKEN'],
  ['that it has expired', { body: { ...ACTIVE, exp: 1 } }, 'BEARER_TOKEN'],
  ['with another issuer', { body: { ...ACTIVE, iss: 'https://evil.example' } }, 'INTROSPECTION'],
  ['that it is bound to a key', { body: { ...ACTIVE, cnf: { jkt: 'x' } } }, 'BEARER_TOKEN'],
  ['that it is for DPoP', { body: { ...ACTIVE, token_type: 'DPoP' } }, 'BEARER_TOKEN'],
  ['active twice', { raw: `{"active":false,"active":true,"sub":"user-1","aud":"${API}"}` }, 'INTROSPECTION'],
  ['HTML', { raw: '<html>', type: 'text/html' }, 'INTROSPECTION'],
  ['with status 401', { status: 401, body: ACTIVE }, 'INTROSPECTION'],
  ['with a redirect', { status: 302, headers: { Location: '/elsewhere' }, body: ACTIVE }, 'INTROSPECTION'],
  ['with status 500', { status: 500, body: ACTIVE }, 'BEARER_UNAVAILABLE'],
  ['by closing the connection', { cut: true }, 'BEARER_UNAVAILABLE'],
  ['too late', { delayMs: 3000, body: ACTIVE }, 'BEARER_UNAVAILABLE'],
];

describe('an opaque token is refused when introspection answers', () => {
  const site = useSite({ ...SITE, config: (s) => FAKE(s).replace('OAuthClientID', 'OAuthTimeout total=1s\nOAuthClientID') });
  let n = 0;
  for (const [what, rule, error] of LIES) {
    it(what, async () => {
      site.fake.behave({ introspect: rule });
      n += 1;
      const page = await site.browser().fetch(`${site.url}/api/`, bearer(`opaque-${n}`));
      site.assertError(page, error);
      assert.equal(page.headers['retry-after'] !== undefined, error === 'BEARER_UNAVAILABLE');
      assert.equal(site.backend.count('/api/'), 0);
    });
  }
});

describe('introspection', () => {
  const site = useSite(SITE);
  const get = (token) => site.browser().fetch(`${site.url}/api/`, bearer(token));

  it('is asked by one of many requests at once, with the client\'s credentials', async () => {
    site.fake.behave({ introspect: { body: ACTIVE, delayMs: 300 } });
    const pages = await Promise.all(Array.from({ length: 40 }, () => get('many-at-once')));
    for (const page of pages) assert.equal(page.status, 200, page.text);
    // Two processes, each with one request that asks.
    assert.ok(site.fake.count('introspect') <= 2, `${site.fake.count('introspect')} questions`);
    const { form, headers } = site.fake.last('introspect');
    assert.equal(form.get('token'), 'many-at-once');
    assert.equal(form.get('token_type_hint'), 'access_token');
    assert.match(headers.authorization, /^Basic /);
  });

  it('is not asked again about a token that was refused a moment ago', async () => {
    site.fake.behave({ introspect: { body: { active: false } } });
    for (let i = 0; i < 12; i += 1) site.assertError(await get('refused'), 'BEARER_TOKEN');
    assert.ok(site.fake.count('introspect') <= 2, `${site.fake.count('introspect')} questions`);
  });

  it('counts no longer than the token lives', async () => {
    site.fake.behave({ introspect: { body: { ...ACTIVE, exp: Math.floor(Date.now() / 1000) + 2 } } });
    assert.equal((await get('short-lived')).status, 200);
    await seconds(2.2);
    site.fake.behave({ introspect: { body: { active: false } } });
    site.assertError(await get('short-lived'), 'BEARER_TOKEN');
  });

  it('may be answered with a JWT that the provider signed for this client', async () => {
    const signed = (aud) => site.fake.jwt(
      { iss: site.fake.issuer, aud, iat: Math.floor(Date.now() / 1000), token_introspection: ACTIVE },
      { header: { typ: 'token-introspection+jwt' } },
    );
    const type = 'application/token-introspection+jwt';
    site.fake.behave({ introspect: { raw: signed('app'), type } });
    assert.equal((await get('signed')).status, 200);
    assert.match(site.fake.last('introspect').headers.accept, /^application\/json, application\/token-introspection\+jwt/);
    site.fake.behave({ introspect: { raw: signed('somebody-else'), type } });
    site.assertError(await get('signed-for-another'), 'INTROSPECTION');
  });

  it('lets nobody in while the provider is down', async () => {
    await site.fake.pause();
    const page = await get('nobody-answers');
    site.assertError(page, 'BEARER_UNAVAILABLE');
    assert.ok(page.headers['retry-after']);
    await site.fake.resume();
  });
});

describe('a provider that offers no introspection', () => {
  const site = useSite({
    ...SITE,
    providerOptions: { rules: { discovery: { drop: ['introspection_endpoint'] } } },
    config: (s) => s.provider(`OAuthEndpoint introspection ${s.fake.issuer}/introspect`) + FAKE(s).slice(s.provider().length),
  });

  it('may have its endpoint set', async () => {
    site.fake.behave({ introspect: { body: ACTIVE } });
    const page = await site.browser().fetch(`${site.url}/api/`, bearer('opaque'));
    assert.equal(page.status, 200, page.text);
  });
});

describe('a provider of which nothing but two endpoints is known', () => {
  const endpoint = (s, name, path) => `OAuthEndpoint ${name} ${s.fake.issuer}/${path}\n`;
  const site = useSite({
    provider: 'fake',
    config: (s) => s.provider('OAuthProfile oauth2\nOAuthMetadata none\n' + endpoint(s, 'token', 'token')
      + endpoint(s, 'introspection', 'introspect'))
      + s.place('/api', `OAuthAccept bearer\n OAuthAudience ${API}\n Require valid-user`),
  });

  it('is enough for programs', async () => {
    site.fake.behave({ introspect: { body: ACTIVE } });
    const page = await site.browser().fetch(`${site.url}/api/`, bearer('known-there'));
    assert.equal(page.status, 200);
    assert.deepEqual(received(page.text, 'X-Forwarded-User'), ['user-1']);
  });
});

describe('a bearer token over HTTP/2', () => {
  const site = useSite({ ...SITE, httpd: { ...SITE.httpd, http2: true } });

  it('is the same as over HTTP/1.1', async () => {
    const h2 = await h2Connect(site.url);
    const page = await h2.request('/api/', { authorization: `Bearer ${site.fake.accessToken(API)}` });
    assert.equal(page.status, 200);
    assert.deepEqual(received(page.text, 'X-Forwarded-User'), ['user-1']);
    assert.deepEqual(received(page.text, 'Authorization'), []);
    const refused = await h2.request('/api/', { authorization: 'Bearer a b' });
    assert.equal(refused.status, 400);
    site.expectLog(/OA-1709/);
    await h2.close();
  });
});

describe('a bearer token under prefork', () => {
  const site = useSite({ ...SITE, httpd: { ...SITE.httpd, mpm: 'prefork' } });

  it('is known to all processes', async () => {
    site.fake.behave({ introspect: { body: ACTIVE } });
    for (let n = 0; n < 10; n += 1) {
      const page = await site.browser().fetch(`${site.url}/api/`, bearer('shared'));
      assert.equal(page.status, 200, page.text);
    }
    assert.equal(site.fake.count('introspect'), 1);
  });
});
