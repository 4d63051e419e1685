// OAuthBackendToken assertion: a JWT about the user, signed by this server.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addSecret, errorId, newKeyPair, rawRequest, readJwt, useSite,
} from './harness.mjs';

const files = new Map();
function keyFile(site) {
  const { root } = site.httpd;
  if (!files.has(root)) {
    files.set(root, newKeyPair('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }));
  }
  return site.httpd.file('conf/client.key', { content: files.get(root), mode: 0o600 });
}

const keys = async (site) => (await site.browser().fetch(`${site.url}/oauth/jwks.json`)).json.keys;
async function bearer(site, page) {
  const [value, ...more] = page.received('Authorization');
  assert.deepEqual(more, []);
  const token = /^Bearer (\S+)$/.exec(value ?? '')?.[1];
  assert.ok(token, value);
  addSecret(token);
  return { token, ...readJwt(token, await keys(site)) };
}

describe('an assertion about the user', () => {
  const site = useSite({
    provider: 'fake',
    config: (s) => `
${s.provider(`OAuthClientAuth client_secret_basic\nOAuthClientKey ${keyFile(s)} kid=k1`)}
${s.place('/app', 'OAuthBackendToken assertion\n Require valid-user')}
${s.place('/api', `OAuthBackendToken assertion audience=https://api.example header=X-Who claims="groups department"\n Require valid-user`)}
${s.place('/anyone', 'OAuthBackendToken assertion header=X-Who\n OAuthUnauthenticated pass\n Require all granted')}
${s.open('/public')}
<Directory "${s.httpd.root}/htdocs">
  AuthType OAuth
</Directory>`,
  });

  it('is signed with a published key, and says who the user is for a minute', async () => {
    const browser = await site.signedIn();
    const { header, payload } = await bearer(site, await browser.goto(`${site.url}/app/`));
    assert.deepEqual(header, { alg: 'ES256', kid: 'k1', typ: 'JWT' });
    const { iat, exp, jti, ...rest } = payload;
    assert.deepEqual(rest, {
      iss: site.url,
      aud: site.url,
      sub: 'user-1',
      idp: site.fake.issuer,
      email: 'uma@example.com',
      name: 'Uma User',
      preferred_username: 'uma',
      groups: ['staff', 'admins'],
    });
    assert.equal(exp - iat, 60);
    assert.ok(Math.abs(iat - Date.now() / 1000) < 5);
    assert.ok(jti.length >= 16);
  });

  it('goes by itself into the header of the place, with its audience and claims', async () => {
    const browser = await site.signedIn();
    const page = await browser.goto(`${site.url}/api/`);
    const [token, ...more] = page.received('X-Who');
    assert.deepEqual(more, []);
    addSecret(token);
    const { payload } = readJwt(token, await keys(site));
    assert.equal(payload.aud, 'https://api.example');
    assert.deepEqual(payload.groups, ['staff', 'admins']);
    assert.equal(payload.email, undefined);
    assert.deepEqual(page.received('Authorization'), []);
  });

  it('cannot be sent by a client, in any spelling, anywhere', async () => {
    const headers = { 'X-Who': 'forged', x_who: 'forged', 'X.Who': 'forged', Authorization: 'Bearer forged' };
    const browser = await site.signedIn();
    for (const path of ['/api/', '/anyone/', '/public/']) {
      const page = await browser.goto(site.url + path, { headers });
      assert.ok(!JSON.stringify(page.json.headers).includes('"forged"'), path);
    }
    assert.notEqual((await bearer(site, await browser.goto(`${site.url}/app/`, { headers }))).token, 'forged');
    const anonymous = await site.browser().fetch(`${site.url}/anyone/`, { headers });
    assert.deepEqual(anonymous.received('X-Who'), []);
    const answer = await rawRequest(site.port, ['GET /public/ HTTP/1.1', 'Host: localhost', 'X-Who: forged', 'Connection: close, X-Who', '', '']);
    assert.ok(!answer.text.includes('forged'));
  });

  it('is made once for many requests, by each process', async () => {
    const browser = await site.signedIn();
    const tokens = new Set();
    for (let n = 0; n < 20; n += 1) {
      const page = await browser.goto(`${site.url}/app/`);
      tokens.add(page.received('Authorization')[0]);
    }
    tokens.forEach((token) => addSecret(token.slice(7)));
    assert.ok(tokens.size <= (await site.httpd.children()).length, `${tokens.size} tokens`);
  });

  it('is refused by the backend without another being made', async () => {
    const browser = await site.signedIn();
    site.backend.on('/app/no', (req, res) => { res.writeHead(401).end('no'); });
    const page = await browser.goto(`${site.url}/app/no`, { follow: false });
    assert.equal(page.status, 401);
    assert.equal(site.backend.count('/app/no'), 1);
  });

  it('of another user is another', async () => {
    site.fake.user = { ...site.fake.user, sub: 'user-2' };
    const browser = await site.signedIn();
    const { payload } = await bearer(site, await browser.goto(`${site.url}/app/`));
    assert.equal(payload.sub, 'user-2');
  });
});

describe('an assertion that only .htaccess asks for', () => {
  const site = useSite({
    provider: 'fake',
    httpd: {
      files: {
        'htdocs/app/.htaccess': 'AuthType OAuth\nRequire valid-user\nOAuthBackendToken assertion header=X-Who\n',
        'htdocs/app/env.cgi': { content: '#!/bin/sh\necho "Content-Type: text/plain"\necho\necho "who=$HTTP_X_WHO"\n', mode: 0o755 },
        'htdocs/app/index.html': 'a page',
      },
    },
    config: (s) => s.provider() + s.place('/none'),
  });

  it('fails the request when there is no key, and works when there is', async () => {
    const browser = await site.signedIn('alice', '/none/');
    const page = await browser.goto(`${site.url}/app/env.cgi`);
    site.assertError(page, 'ASSERTION');
    await site.httpd.log.check();
    await site.reload(`${site.text()}\nOAuthClientAuth client_secret_basic\nOAuthClientKey ${keyFile(site)}\n`);
    const answer = await browser.goto(`${site.url}/app/env.cgi`, { headers: { 'X-Who': 'forged' } });
    assert.equal(answer.status, 200);
    const token = /^who=(\S+)$/m.exec(answer.text)?.[1];
    addSecret(token);
    assert.equal(readJwt(token, await keys(site)).payload.sub, 'user-1');
  });
});

describe('apachectl -t', () => {
  const site = useSite({ provider: false, config: '' });
  const ISSUER = 'OAuthIssuer https://login.example.com\nOAuthClientID app\nOAuthClientAuth none\n';
  const place = (options, more = '') => `<Location /app>\nAuthType OAuth\nRequire valid-user\nOAuthBackendToken assertion ${options}\n${more}</Location>\n`;
  const other = '<OAuthProvider other>\nOAuthIssuer https://other.example.com\nOAuthClientID app\nOAuthClientAuth none\n</OAuthProvider>\n';
  const withKey = () => `${ISSUER}OAuthClientKey ${keyFile(site)}\n`;

  it('wants a key for what is to be signed', () => {
    const { code, stderr } = site.httpd.configTest(ISSUER + place(''));
    assert.notEqual(code, 0);
    assert.match(stderr, new RegExp(`${errorId('CONFIG_CLIENT_KEY')}.*OAuthBackendToken.*/app`));
    assert.equal(site.httpd.configTest(withKey() + place('')).code, 0);
  });

  it('wants it of the provider that the place uses', () => {
    const { code, stderr } = site.httpd.configTest(withKey() + other + place('', 'OAuthUse other\n'));
    assert.notEqual(code, 0);
    assert.match(stderr, /OAuthClientKey of other/);
    assert.equal(site.httpd.configTest(withKey() + other + place('')).code, 0);
  });

  it('knows the options', () => {
    for (const [options, word] of [['header=Authorization', 'Authorization'], ['header=Host', 'Host'], ['claims="sub email"', 'sub'],
      ['claims=" email"', 'claims'], ['scope=x', 'scope'], ['header="X Y"', 'X Y']]) {
      const { code, stderr } = site.httpd.configTest(withKey() + place(options));
      assert.notEqual(code, 0, options);
      assert.match(stderr, new RegExp(`OAuthBackendToken.*${word}`), options);
    }
  });
});
