// Protected places that are no proxy: CGI, static files, .htaccess, and what httpd does inside a
// request (subrequests, internal redirects, error documents).
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorId, login, rawRequest, useSite } from './harness.mjs';

const CGI = { content: '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"; env; cat\n', mode: 0o755 };
const FILES = {
  'htdocs/app/env.cgi': CGI,
  'htdocs/app/page.html': 'the protected page',
  'htdocs/public/env.cgi': CGI,
  'htdocs/public/ssi.shtml': 'before <!--#include virtual="/app/page.html" --> after',
  'htdocs/app/ssi.shtml': 'user <!--#echo var="REMOTE_USER" --> <!--#include virtual="/app/page.html" -->',
  'htdocs/private/.htaccess': 'AuthType OAuth\nRequire valid-user\nOAuthUser preferred_username\n',
  'htdocs/private/page.html': 'the page with an .htaccess',
  'htdocs/private/env.cgi': CGI,
  'htdocs/admins/.htaccess': 'AuthType OAuth\nRequire oauth-claim groups admins\n',
  'htdocs/admins/page.html': 'for admins',
  'htdocs/broken/.htaccess': 'AuthType OAuth\nOAuthUse nobody\nRequire valid-user\n',
  'htdocs/broken/page.html': 'must not be seen',
  'htdocs/directory/env.cgi': CGI,
  'htdocs/index.html': 'home',
};
const SITE = (s) => `${s.provider('OAuthScope openid profile email groups')}
<Location /app>
  AuthType OAuth
  Require valid-user
</Location>
${s.place('/only-bob', 'Require user bob\n ErrorDocument 403 /public/denied')}
${s.place('/only-nobody', 'Require user nobody\n ErrorDocument 401 /public/login')}
${s.place('/proxied')}
<Location "/public/denied">
  ProxyPass ${s.backend.url}/public/denied
</Location>
<Location "/public/login">
  ProxyPass ${s.backend.url}/public/login
</Location>
<Directory "${s.httpd.root}/htdocs/directory">
  AuthType OAuth
  Require valid-user
  OAuthUser email
</Directory>
RewriteEngine on
RewriteRule ^/public/inside$ /app/page.html [PT]
`;

const variables = (text) => Object.fromEntries(text.split('\n').filter((line) => line.includes('='))
  .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));

for (const mpm of ['event', 'prefork']) {
  describe(`a CGI script under MPM ${mpm}`, () => {
    const site = useSite({ httpd: { mpm, files: FILES }, config: SITE });

    it('learns who the user is from its environment', async () => {
      const page = await login(site.browser(), `${site.url}/app/env.cgi`);
      const env = variables(page.text);
      assert.equal(env.REMOTE_USER, 'alice');
      assert.equal(env.AUTH_TYPE, 'OAuth');
      assert.equal(env.OAUTH_ISSUER, site.op.issuer);
      assert.equal(env.OAUTH_CLAIM_sub, 'alice');
      assert.equal(env.OAUTH_CLAIM_email, 'alice@example.com');
      assert.equal(env.OAUTH_CLAIM_name, 'Alice Example');
      assert.equal(env.HTTP_X_FORWARDED_USER, 'alice');
      assert.equal(env.HTTP_COOKIE?.includes(site.sessionCookie) ?? false, false);
    });

    it('is told nothing by the client', async () => {
      const browser = await site.signedIn('alice', '/app/page.html');
      const headers = {
        'OAuth-Claim-Sub': 'evil', OAUTH_CLAIM_sub: 'evil', 'X-Forwarded-User': 'evil', 'X-Forwarded-Email': 'evil',
        'Remote-User': 'evil', REMOTE_USER: 'evil', 'Auth-Type': 'evil',
      };
      const env = variables((await browser.goto(`${site.url}/app/env.cgi`, { headers })).text);
      for (const name of ['REMOTE_USER', 'AUTH_TYPE', 'OAUTH_CLAIM_sub', 'HTTP_X_FORWARDED_USER', 'HTTP_X_FORWARDED_EMAIL']) {
        assert.notEqual(env[name], 'evil', name);
      }
      const open = variables((await site.browser().goto(`${site.url}/public/env.cgi`, { headers })).text);
      for (const name of ['REMOTE_USER', 'AUTH_TYPE', 'OAUTH_CLAIM_sub', 'HTTP_X_FORWARDED_USER']) {
        assert.equal(open[name], undefined, name);
      }
    });
  });
}

describe('claims named like environment variables', () => {
  const site = useSite({ provider: 'fake', httpd: { files: FILES }, config: SITE });
  it('stay behind their prefix', async () => {
    site.fake.behave({ idToken: { claims: { LD_PRELOAD: '/evil.so', PATH: '/evil', 'http://x/a-b.c': 'v', HTTP_PROXY: 'evil' } } });
    const env = variables((await site.browser().goto(`${site.url}/app/env.cgi`)).text);
    assert.equal(env.LD_PRELOAD, undefined);
    assert.equal(env.HTTP_PROXY, undefined);
    assert.notEqual(env.PATH, '/evil');
    assert.equal(env.OAUTH_CLAIM_LD_PRELOAD, '/evil.so');
    assert.equal(env.OAUTH_CLAIM_http___x_a_b_c, 'v');
  });
});

describe('places inside httpd', () => {
  const site = useSite({ httpd: { files: FILES }, config: SITE });

  it('can be a <Directory>', async () => {
    assert.equal((await site.browser().fetch(`${site.url}/directory/env.cgi`)).status, 401);
    const page = await login(site.browser(), `${site.url}/directory/env.cgi`);
    assert.equal(variables(page.text).REMOTE_USER, 'alice@example.com');
  });

  it('serve static files to those who are signed in, and nothing to others', async () => {
    assert.equal((await site.browser().fetch(`${site.url}/app/page.html`)).status, 401);
    const browser = site.browser();
    const page = await login(browser, `${site.url}/app/page.html`);
    assert.equal(page.text, 'the protected page');
    assert.match(page.headers['cache-control'], /private/);
  });

  it('answer conditional and partial requests only after the check', async () => {
    const browser = await site.signedIn('alice', '/app/page.html');
    const full = await browser.goto(`${site.url}/app/page.html`);
    for (const headers of [{ 'If-None-Match': full.headers.etag }, { Range: 'bytes=0-2' }]) {
      assert.ok([206, 304].includes((await browser.fetch(`${site.url}/app/page.html`, { headers })).status));
      const other = await site.browser().fetch(`${site.url}/app/page.html`, { headers });
      assert.equal(other.status, 401);
      assert.ok(!other.text.includes('pro'.concat('tected page')));
    }
  });

  it('can be protected by .htaccess alone', async () => {
    assert.equal((await site.browser().fetch(`${site.url}/private/page.html`)).status, 401);
    const browser = site.browser();
    assert.equal((await login(browser, `${site.url}/private/page.html`)).text, 'the page with an .htaccess');
    assert.equal(variables((await browser.goto(`${site.url}/private/env.cgi`)).text).REMOTE_USER, 'alice');
  });

  it('can be authorized by .htaccess', async () => {
    assert.equal((await login(site.browser(), `${site.url}/admins/page.html`, 'alice')).text, 'for admins');
    site.assertError(await login(site.browser(), `${site.url}/admins/page.html`, 'bob'), 'FORBIDDEN');
  });

  it('are closed when an .htaccess names an unknown provider', async () => {
    const page = await site.browser().goto(`${site.url}/broken/page.html`, { follow: false });
    assert.equal(page.status, 500);
    assert.ok(!page.text.includes('must not'));
    site.expectLog(errorId('PROVIDER_NONE'));
  });

  it('do not show a protected page through a server-side include', async () => {
    const page = await site.browser().goto(`${site.url}/public/ssi.shtml`);
    assert.equal(page.status, 200);
    assert.ok(!page.text.includes('the protected page'));
    assert.deepEqual(page.setCookies, []);
    site.expectLog(/\[include:error\]|OA-1702/);
  });

  it('show it through one to those who are signed in', async () => {
    const browser = await site.signedIn('alice', '/app/page.html');
    const page = await browser.goto(`${site.url}/app/ssi.shtml`);
    assert.equal(page.text, 'user alice the protected page');
    assert.deepEqual(page.setCookies, []);
  });

  it('are checked when a rewrite leads inside', async () => {
    const page = await site.browser().goto(`${site.url}/public/inside`, { follow: false });
    assert.ok([302, 303].includes(page.status));
    const browser = await site.signedIn('alice', '/app/page.html');
    assert.equal((await browser.goto(`${site.url}/public/inside`)).text, 'the protected page');
  });

  for (const [path, document] of [['/only-bob/', '/public/denied'], ['/only-nobody/', '/public/login']]) {
    it(`keep identity and cookies from the error document of ${path}`, async () => {
      const browser = await site.signedIn('alice', '/app/page.html');
      await browser.goto(`${site.url}${path}`, { headers: { 'X-Forwarded-User': 'evil' } });
      for (const record of site.backend.requests.filter((one) => one.url.startsWith(document))) {
        const names = record.headers.map(([name]) => name.toLowerCase());
        assert.ok(!names.some((name) => /^x-forwarded-(user|email|groups|preferred)/.test(name)), names.join(' '));
        const cookies = record.headers.filter(([name]) => name.toLowerCase() === 'cookie').map(([, value]) => value);
        assert.ok(!cookies.join().includes(`${site.sessionCookie}=`));
      }
      assert.equal(site.backend.count(path), 0);
    });
  }

  for (const path of ['/proxied/x', '/app/page.html', '/private/page.html']) {
    it(`refuse TRACE of ${path}`, async () => {
      const browser = await site.signedIn('alice', '/app/page.html');
      const cookie = `Cookie: ${site.sessionCookie}=${browser.cookie(site.sessionCookie)}`;
      for (const more of [[], ['Max-Forwards: 0']]) {
        const answer = await rawRequest(site.port, [
          `TRACE ${path} HTTP/1.1`, 'Host: localhost', cookie, ...more, 'Connection: close', '', '']);
        assert.equal(answer.status, 405);
        assert.ok(!/alice/.test(answer.text));
      }
      site.expectLog(errorId('TRACE'));
    });
  }

  it('are the same whatever the path is written like', async () => {
    for (const path of ['/app/page.html', '//app/page.html', '/./app/page.html', '/x/../app/page.html', '/%61pp/page.html',
      '/app//page.html', '/app/./page.html', '/app/page.html?x', '/app/page.html%3fx', '/app/page.html/', '/app/..%2fapp/page.html',
      '/app;x/page.html', '/APP/page.html', '/app/page.html%00']) {
      const answer = await rawRequest(site.port, [`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', '', '']);
      assert.ok(!answer.text.includes('the protected page'), path);
      assert.notEqual(answer.status, 200, path);
    }
    site.expectLog(/./);
  });

  it('do not care about User-Agent, method case, or a path in a header', async () => {
    for (const lines of [['User-Agent: ELB-HealthChecker/2.0'], ['X-Original-URL: /public/'], ['X-Rewrite-URL: /public/'],
      ['X-HTTP-Method-Override: OPTIONS'], ['Authorization: Bearer x'], ['Authorization: Basic eDp5']]) {
      const answer = await rawRequest(site.port, ['GET /proxied/ HTTP/1.1', 'Host: localhost', ...lines, 'Connection: close', '', '']);
      assert.equal(answer.status, 401, lines[0]);
    }
    assert.equal(site.backend.requests.length, 0);
  });
});
