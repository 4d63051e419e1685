// Who is sent to the login and who is told that a session is needed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { login, rawRequest, useSite } from './harness.mjs';

const CASES = [
  // what, headers that differ from a navigation's, goes to the login under auto
  ['a navigation', {}, true],
  ['an old browser that says only what it accepts', {
    'Sec-Fetch-Mode': undefined, 'Sec-Fetch-Dest': undefined, 'Sec-Fetch-Site': undefined, 'Sec-Fetch-User': undefined,
  }, true],
  ['a script', { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', Accept: '*/*' }, false],
  ['a script that accepts HTML', { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }, false],
  ['an image', { 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image', Accept: 'image/*' }, false],
  ['an old script', {
    'Sec-Fetch-Mode': undefined, 'Sec-Fetch-Dest': undefined, 'Sec-Fetch-Site': undefined, 'Sec-Fetch-User': undefined,
    'X-Requested-With': 'XMLHttpRequest', Accept: 'application/json',
  }, false],
  ['a program', {
    'Sec-Fetch-Mode': undefined, 'Sec-Fetch-Dest': undefined, 'Sec-Fetch-Site': undefined, 'Sec-Fetch-User': undefined,
    Accept: '*/*',
  }, false],
];

const isLogin = (site, page) => [302, 303].includes(page.status) && page.location.startsWith(site.op.issuer);

describe('a request without a session', () => {
  const site = useSite({
    config: (s) => s.provider() + s.place('/app')
      + s.place('/always', 'OAuthUnauthenticated login\n Require valid-user')
      + s.place('/never', 'OAuthUnauthenticated challenge\n Require valid-user')
      + s.place('/pass', 'OAuthUnauthenticated pass\n Require all granted'),
  });

  for (const [who, headers, wanted] of CASES) {
    it(`of ${who} ${wanted ? 'goes to the login' : 'is answered 401'}`, async () => {
      const page = await site.browser().goto(`${site.url}/app/`, { headers, follow: false });
      assert.equal(isLogin(site, page), wanted);
      if (!wanted) {
        assert.equal(page.status, 401);
        assert.ok(page.headers['www-authenticate']);
        assert.deepEqual(page.setCookies, []);
      }
      assert.equal(site.backend.count('/app/'), 0);
    });
  }

  it('goes to the login always, if that is configured', async () => {
    assert.ok(isLogin(site, await site.browser().fetch(`${site.url}/always/`)));
  });

  it('is answered 401 always, if that is configured', async () => {
    assert.equal((await site.browser().goto(`${site.url}/never/`)).status, 401);
  });

  it('passes without a name, if that is configured', async () => {
    const page = await site.browser().goto(`${site.url}/pass/`, { headers: { 'X-Forwarded-User': 'evil' } });
    assert.equal(page.status, 200);
    assert.deepEqual(page.received('X-Forwarded-User'), []);
  });

  it('passes with the name once signed in', async () => {
    const browser = await site.signedIn();
    assert.deepEqual((await browser.goto(`${site.url}/pass/`)).received('X-Forwarded-User'), ['alice']);
  });

  it('never reaches the backend with another method either', async () => {
    for (const method of ['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'FOO']) {
      const page = await site.browser().goto(`${site.url}/app/`, { method, follow: false });
      assert.ok(page.status >= 300 && page.status < 500, `${method}: ${page.status}`);
    }
    assert.equal(site.backend.requests.length, 0);
  });

  it('with a body leaves the connection in order for the next one', async () => {
    const answer = await rawRequest(site.port, [
      'POST /app/ HTTP/1.1', 'Host: localhost', 'Content-Length: 5', '', 'GET /',
    ].join('\r\n') + ['GET /pass/ HTTP/1.1', 'Host: localhost', 'Connection: close', '', ''].join('\r\n'));
    assert.equal(answer.statuses.length, 2);
    assert.equal(answer.statuses[1], 200);
    assert.equal(site.backend.count('/pass/'), 1);
  });

  it('works without a Host, as HTTP/1.0 has it', async () => {
    const answer = await rawRequest(site.port, 'GET /app/ HTTP/1.0\r\nAccept: text/html\r\n\r\n');
    assert.ok([302, 303, 400, 401].includes(answer.status), answer.text.slice(0, 200));
    assert.equal(site.backend.requests.length, 0);
  });
});

describe('the address of the site', () => {
  const site = useSite({ config: (s) => s.provider() + s.place('/app') });

  for (const [what, headers] of [
    ['a foreign Host', { Host: 'evil.example' }],
    ['X-Forwarded-Host', { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https' }],
    ['Forwarded', { Forwarded: 'host=evil.example;proto=https' }],
  ]) {
    it(`is not taken from ${what}`, async () => {
      const page = await site.browser().goto(`${site.url}/app/`, { headers, follow: false });
      if (page.status === 400) return site.assertError(page, 'HOST');
      assert.ok(isLogin(site, page));
      return assert.equal(new URL(page.location).searchParams.get('redirect_uri'), site.callback);
    });
  }
});

describe('OAuthTrustedProxy', () => {
  const site = useSite({
    config: (s) => s.provider() + s.place('/app')
      + 'OAuthTrustedProxy 127.0.0.1\nOAuthBaseURL https://app.example.com\n',
    redirectUris: ['https://app.example.com/oauth/callback'],
  });
  it('makes the outer address the one that counts', async () => {
    const headers = { 'X-Forwarded-Host': 'app.example.com', 'X-Forwarded-Proto': 'https' };
    const page = await site.browser().goto(`${site.url}/app/`, { headers, follow: false });
    assert.equal(new URL(page.location).searchParams.get('redirect_uri'), 'https://app.example.com/oauth/callback');
    assert.match(page.setCookies.join('\n'), /Secure/i);
  });
});

describe('the login endpoint', () => {
  const site = useSite({
    httpd: { files: { 'htdocs/index.html': 'home' } },
    config: (s) => `${s.provider()}${s.place('/app')}${s.open('/public')}OAuthReturnTo https://other.example\n`,
  });
  const start = (target) => site.browser().goto(
    `${site.url}/oauth/login?${new URLSearchParams({ return_to: target })}`, { follow: false });

  it('leads to the path that was asked for', async () => {
    const page = await login(site.browser(), `${site.url}/oauth/login?return_to=%2Fapp%2Fx%3Fy%3D1`);
    assert.equal(page.json.url, '/app/x?y=1');
  });

  it('accepts the own origin and the listed ones', async () => {
    for (const target of [`${site.url}/app/`, 'https://other.example/page', 'https://other.example']) {
      assert.ok(isLogin(site, await start(target)), target);
    }
  });

  for (const target of [
    '//evil.example', '///evil.example', '/\\evil.example', '\\\\evil.example', '/\t/evil.example', '/\n/evil.example',
    'https:evil.example', 'https:/evil.example', 'https://other.example@evil.example/', 'https://evil.example',
    'https://other.example.evil.example/', 'https://evilother.example/', 'http://other.example/', 'javascript:alert(1)',
    'data:text/html,x', 'https://other.example:444/', ' //evil.example', '/app\r\nSet-Cookie: x=1', 'app/', '',
    'https://0x7f000001/', 'https://other.example\\@evil.example/', 'https://[::1]/', '/%09/evil.example\u0000',
    '/.//evil.example', '/..//evil.example', 'https://other.example\u3002evil.example/',
  ]) {
    it(`does not lead to ${JSON.stringify(target)}`, async () => {
      const page = await start(target);
      if (isLogin(site, page)) {
        // Accepted in a canonical form: then it must stay at home.
        const end = await login(site.browser(), `${site.url}/oauth/login?${new URLSearchParams({ return_to: target })}`);
        const last = end.hops.filter((hop) => hop.url.startsWith(site.callback)).pop();
        const to = new URL(last.location, last.url);
        assert.equal(to.origin, site.url);
        assert.ok(!/evil/.test(to.host) && !to.pathname.startsWith('//'));
      } else {
        site.assertError(page, ['RETURN_URL', 'ENDPOINT_PARAMETERS']);
      }
    });
  }
});
