// OAuthBackendToken service: the server's own token from the client credentials flow.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addSecret, received, seconds, useSite, waitUntil } from './harness.mjs';

const bearer = (echo) => {
  const [value, ...more] = received(echo, 'Authorization');
  assert.deepEqual(more, []);
  const token = /^Bearer (\S+)$/.exec(value ?? '')?.[1];
  addSecret(token);
  return token;
};
const asked = (site) => site.fake.requests.filter(
  (one) => one.form.get('grant_type') === 'client_credentials');
const program = async (site, path, options) => site.browser().fetch(site.url + path, options);
// A backend that takes the tokens of the set only.
const guard = (site, path, good) => site.backend.on(path, (req, res, record) => {
  const ok = good(/^Bearer (\S+)$/.exec(req.headers.authorization ?? '')?.[1], record);
  res.writeHead(ok ? 200 : 401, ok ? { 'X-Answer': 'yes' } : { 'WWW-Authenticate': 'Bearer error="invalid_token"', 'Set-Cookie': 'refused=1', 'X-Refused': 'yes' });
  res.end(JSON.stringify(record));
});

describe('a service token', () => {
  const site = useSite({
    provider: 'fake',
    config: (s) => s.provider()
      + s.open('/service', 'OAuthBackendToken service')
      + s.open('/twin', 'OAuthBackendToken service')
      + s.open('/scoped', 'OAuthBackendToken service scope="read write" audience=https://api.example resource=https://api.example/v1')
      + s.open('/posted', 'OAuthBackendToken service scope=post')
      + s.place('/both', 'OAuthBackendToken service\n Require valid-user')
      + s.place('/app')
      + s.open('/plain'),
  });

  it('goes to the backend of a place without users, whatever the client sends', async () => {
    const answer = await program(site, '/service/x', { headers: { Authorization: 'Bearer from-the-client', Connection: 'close, Authorization' } });
    assert.equal(answer.status, 200);
    const token = bearer(answer.text);
    assert.ok(site.fake.accessTokens.has(token));
    assert.deepEqual(received(answer.text, 'X-Forwarded-User'), []);
    assert.deepEqual(received((await program(site, '/plain/')).text, 'Authorization'), []);
  });

  it('is got once for all requests and processes, and shared by places that ask for the same', async () => {
    site.fake.behave({ service: { delayMs: 300 } });
    await site.reload();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => program(site, i % 2 ? '/service/' : '/twin/')));
    assert.deepEqual([...new Set(answers.map((one) => one.status))], [200]);
    assert.equal(new Set(answers.map((one) => bearer(one.text))).size, 1);
    // It was in the store already: a reload keeps it.
    assert.ok(asked(site).length <= 1);
  });

  it('is asked for with what the place says, and never mixed up with another', async () => {
    const plain = bearer((await program(site, '/service/')).text);
    const scoped = bearer((await program(site, '/scoped/')).text);
    assert.notEqual(scoped, plain);
    assert.deepEqual(site.fake.accessTokens.get(scoped), {
      scope: 'read write', audience: 'https://api.example', resource: 'https://api.example/v1',
    });
  });

  it('goes beside the headers of the signed-in user, and is nobody\'s identity', async () => {
    const browser = await site.signedIn();
    const page = await browser.goto(`${site.url}/both/`);
    assert.deepEqual(page.received('X-Forwarded-User'), ['user-1']);
    const token = bearer(page.text);
    assert.ok(token.startsWith('service-'));
    const answer = await program(site, '/app/', { headers: { Authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 401);
    site.expectLog(/OA-1702/);
  });

  it('reaches neither a page of the module nor the browser', async () => {
    const answer = await program(site, '/service/');
    const token = bearer(answer.text);
    site.backend.on('/service/quiet', (req, res) => res.end('quiet'));
    const quiet = await program(site, '/service/quiet');
    assert.ok(!JSON.stringify([quiet.rawHeaders, quiet.text]).includes(token));
  });

  it('is replaced when the backend refuses it, and the client notices nothing', async () => {
    const old = bearer((await program(site, '/service/')).text);
    guard(site, '/service/guarded', (token) => token && token !== old);
    const before = asked(site).length;
    const answers = await Promise.all(Array.from({ length: 10 }, () => program(site, '/service/guarded?a=b', { headers: { 'X-Forwarded-For': '192.0.2.1' } })));
    for (const answer of answers) {
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['x-answer'], 'yes');
      assert.equal(answer.headers['x-refused'], undefined);
      assert.equal(answer.headers['set-cookie'], undefined);
      assert.equal(answer.headers['www-authenticate'], undefined);
      assert.notEqual(bearer(answer.text), old);
      assert.equal(JSON.parse(answer.text).url, '/service/guarded?a=b');
      assert.deepEqual(received(answer.text, 'X-Forwarded-For'), ['192.0.2.1, 127.0.0.1']);
    }
    assert.equal(asked(site).length, before + 1);
  });

  it('is not to blame when a backend refuses every token', async () => {
    guard(site, '/scoped/never', () => false);
    await program(site, '/scoped/');
    const before = asked(site).length;
    for (let n = 0; n < 4; n += 1) {
      const answer = await program(site, '/scoped/never');
      assert.equal(answer.status, 401, 'the backend\'s own answer');
      assert.equal(answer.headers['x-refused'], 'yes');
    }
    assert.equal(asked(site).length, before + 1);
    assert.equal(site.backend.count('/scoped/never'), 5, 'one of four was sent twice');
  });

  it('is not sent a second time with a body', async () => {
    const old = bearer((await program(site, '/posted/')).text);
    guard(site, '/posted/guarded', (token) => token && token !== old);
    const post = { method: 'POST', body: 'a=b', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } };
    assert.equal((await program(site, '/posted/guarded', post)).status, 401);
    assert.equal(site.backend.count('/posted/guarded'), 1);
    const again = await program(site, '/posted/guarded', post);
    assert.equal(again.status, 200, 'but the token was replaced');
    assert.equal(JSON.parse(again.text).bodyLength, 3);
  });
});

const FAILURES = [
  ['refuses the client', { status: 401, body: { error: 'invalid_client' } }, 'SERVICE_TOKEN'],
  ['refuses the scope', { status: 400, body: { error: 'invalid_scope' } }, 'SERVICE_TOKEN'],
  ['answers with no token', { drop: ['access_token'] }, 'SERVICE_TOKEN'],
  ['answers with a token of another type', { set: { token_type: 'DPoP' } }, 'SERVICE_TOKEN'],
  ['answers with HTML', { raw: '<p>no</p>', type: 'text/html' }, 'SERVICE_TOKEN'],
  ['hangs', { hang: true }, 'SERVICE_UNAVAILABLE'],
];

describe('a service token that lives five seconds', () => {
  const site = useSite({
    provider: 'fake',
    providerOptions: { serviceTokenTtl: 5 },
    config: (s) => s.provider('OAuthTimeout connect=1s total=1s') + s.open('/service', 'OAuthBackendToken service')
      + FAILURES.map((row, i) => s.open(`/failing-${i}`, `OAuthBackendToken service scope=failing-${i}`)).join(''),
  });

  it('is renewed in the background, and no request waits', async () => {
    await program(site, '/service/');
    site.fake.behave({ service: { delayMs: 700 } });
    const tokens = new Set();
    const end = Date.now() + 11000;
    let longest = 0;
    while (Date.now() < end) {
      const began = Date.now();
      const answer = await program(site, '/service/');
      longest = Math.max(longest, Date.now() - began);
      assert.equal(answer.status, 200);
      tokens.add(bearer(answer.text));
      await seconds(0.05);
    }
    assert.ok(longest < 500, `a request took ${longest} ms`);
    assert.ok(tokens.size >= 3 && tokens.size <= 4, `${tokens.size} tokens`);
    assert.equal(asked(site).length, tokens.size);
  });

  it('is renewed by the clock when a request used it', async () => {
    await program(site, '/service/');
    await program(site, '/service/');
    const before = asked(site).length;
    await waitUntil(() => asked(site).length > before, 'a renewal', 6000);
  });

  it('goes on while the provider is down, and is missing when it has expired', async () => {
    await program(site, '/service/');
    await program(site, '/service/');
    await site.fake.pause();
    await seconds(3);
    assert.equal((await program(site, '/service/')).status, 200);
    await seconds(3);
    const seen = site.backend.count('/service/');
    const answer = await program(site, '/service/');
    site.assertError(answer, 'SERVICE_UNAVAILABLE');
    assert.match(answer.headers['retry-after'], /^\d+$/);
    assert.equal(site.backend.count('/service/'), seen, 'nothing is proxied without a token');
    site.expectLog(/OA-1101/);
    await site.fake.resume();
    await waitUntil(async () => {
      const one = await program(site, '/service/');
      if (one.status !== 200) site.expectLog(/OA-1907/);
      return one.status === 200;
    }, 'recovery', 15000);
  });

  FAILURES.forEach(([what, rule, name], i) => {
    it(`is missing when the provider ${what}`, async () => {
      site.fake.behave({ service: rule });
      const answer = await program(site, `/failing-${i}/`);
      site.assertError(answer, name);
      const page = await site.browser().goto(`${site.url}/failing-${i}/`);
      site.assertError(page, name);
      assert.match(page.text, /<html/);
      assert.equal(site.backend.requests.length, 0);
    });
  });
});

describe('a service token of the real provider', () => {
  const site = useSite({
    client: { grant_types: ['authorization_code', 'refresh_token', 'client_credentials'] },
    providerOptions: { resources: { 'https://api.example/': { scope: 'read write' } } },
    config: (s) => s.provider()
      + s.open('/service', 'OAuthBackendToken service')
      + s.open('/jwt', 'OAuthBackendToken service resource=https://api.example/ scope=read')
      + s.open('/unknown', 'OAuthBackendToken service resource=https://other.example/'),
  });

  it('is accepted by that provider', async () => {
    const token = bearer((await program(site, '/service/')).text);
    const answer = await fetch(`${site.op.issuer}/token/introspection`, {
      method: 'POST',
      headers: { Authorization: `Basic ${Buffer.from(`${site.clientId}:${site.secret}`).toString('base64')}` },
      body: new URLSearchParams({ token }),
    });
    const said = await answer.json();
    assert.equal(said.active, true);
    assert.equal(said.client_id, site.clientId);
    assert.equal(said.sub, undefined);
  });

  it('is for the resource that was named', async () => {
    const token = bearer((await program(site, '/jwt/')).text);
    const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
    assert.equal(claims.aud, 'https://api.example/');
    assert.equal(claims.scope, 'read');
    site.assertError(await program(site, '/unknown/'), 'SERVICE_TOKEN');
  });
});
