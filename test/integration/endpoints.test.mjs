// The endpoints below OAuthPath: logout, session, and what is not there.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorId, login, useSite, waitUntil } from './harness.mjs';

const SITE = (s) => s.provider('OAuthScope openid profile email') + s.place('/app') + s.open('/public');
const isEnded = (cookies, name) => cookies.some((line) => line.startsWith(`${name}=;`) || /max-age=0|expires=thu, 01 jan 1970/i.test(line));

describe('a logout', () => {
  const site = useSite({ provider: 'fake', config: SITE });
  const logout = (browser, options = {}) => browser.goto(`${site.url}/oauth/logout`, {
    form: {}, follow: false, from: `${site.url}/app/`, ...options });

  it('ends the session, revokes the tokens and goes on to the provider', async () => {
    const browser = await site.signedIn();
    const page = await logout(browser);
    assert.equal(page.status, 303);
    assert.ok(isEnded(page.setCookies, site.sessionCookie));
    assert.equal(browser.cookie(site.sessionCookie), undefined);
    const to = new URL(page.location);
    assert.equal(to.origin + to.pathname, `${site.fake.issuer}/end_session`);
    assert.ok(site.fake.issued.has(to.searchParams.get('id_token_hint')));
    assert.equal(to.searchParams.get('client_id'), 'app');
    // The browser does not wait for the provider to answer that.
    const revoked = await waitUntil(() => {
      const seen = site.fake.requests.filter((one) => one.path === '/revoke');
      return seen.length >= 2 && seen;
    });
    assert.ok(revoked.every((one) => one.method === 'POST' && one.headers.authorization?.startsWith('Basic ')));
    assert.equal(site.fake.refreshTokens.has(revoked[0].form.get('token')), false);
    await site.assertNoSession(browser);
  });

  it('works while the provider is down', async () => {
    const browser = await site.signedIn();
    const kept = browser.jar.copy();
    await site.fake.pause();
    const page = await logout(browser);
    assert.ok(page.status < 400);
    await waitUntil(() => site.httpd.log.fresh().includes(errorId('REVOCATION')), 'the revocation to fail');
    await site.fake.resume();
    const thief = site.browser();
    thief.jar = kept;
    await site.assertNoSession(thief);
    site.expectLog(errorId('REVOCATION'));
  });

  it('without a session is no error', async () => {
    const page = await logout(site.browser());
    assert.ok(page.status < 400, String(page.status));
  });

  it('by GET from the same site is done', async () => {
    const browser = await site.signedIn();
    await browser.goto(`${site.url}/oauth/logout`, { from: `${site.url}/app/`, follow: false });
    await site.assertNoSession(browser);
  });

  it('by GET from another site is confirmed first', async () => {
    const browser = await site.signedIn();
    const page = await browser.goto(`${site.url}/oauth/logout`, { from: 'https://evil.example/' });
    assert.equal(page.status, 200);
    assert.equal(page.forms.length, 1);
    assert.equal((await browser.fetch(`${site.url}/app/`)).status, 200, 'still signed in');
    const done = await browser.submit(page, {}, { follow: false });
    assert.ok(done.status < 400);
    await site.assertNoSession(browser);
  });

  it('by an image of another site does not happen', async () => {
    const browser = await site.signedIn();
    for (const headers of [{ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' },
      { 'Sec-Fetch-Site': undefined, 'Sec-Fetch-Mode': undefined, 'Sec-Fetch-Dest': undefined, Referer: 'https://evil.example/' }]) {
      await browser.fetch(`${site.url}/oauth/logout`, { headers });
      assert.equal((await browser.fetch(`${site.url}/app/`)).status, 200);
    }
  });

  it('by POST from another site is refused', async () => {
    const browser = await site.signedIn();
    // The cookie is given by hand, as a browser without SameSite would.
    const page = await site.browser().goto(`${site.url}/oauth/logout`, {
      form: {}, follow: false, from: 'https://evil.example/', headers: { Cookie: browser.jar.header(new URL(site.url)) } });
    site.assertError(page, 'LOGOUT_CROSS_SITE');
    assert.equal((await browser.fetch(`${site.url}/app/`)).status, 200);
  });

  for (const target of ['//evil.example', 'https://evil.example/', '/\\evil.example', 'javascript:alert(1)', 'https:evil.example']) {
    it(`does not lead to ${target}`, async () => {
      const browser = await site.signedIn();
      const page = await logout(browser, { form: { return_to: target } });
      if (page.status >= 400) return site.assertError(page, ['RETURN_URL', 'ENDPOINT_PARAMETERS']);
      return assert.ok(!decodeURIComponent(page.location).includes('evil') && !page.location.includes('javascript'));
    });
  }
});

describe('a logout at the real provider', () => {
  const site = useSite({ httpd: { files: { 'htdocs/index.html': 'home' } }, config: SITE });

  it('asks there too, and comes back', async () => {
    const browser = await site.signedIn();
    const page = await browser.goto(`${site.url}/oauth/logout`, { form: { return_to: '/public/bye' }, from: `${site.url}/app/` });
    assert.equal(page.url.startsWith(site.op.issuer), true);
    assert.match(page.text, /sign out/i);
    const end = await browser.submit(page);
    assert.equal(end.status, 200);
    assert.ok(end.url.startsWith(site.url), 'back at the application');
    const again = await browser.goto(`${site.url}/app/`);
    assert.ok(again.forms.some((form) => 'password' in form.fields), 'the provider asks who it is');
  });

  it('revokes what was granted', async () => {
    const browser = await site.signedIn();
    const before = site.op.store.count('RefreshToken');
    await browser.goto(`${site.url}/oauth/logout`, { form: {}, follow: false, from: `${site.url}/app/` });
    await waitUntil(() => site.op.store.count('RefreshToken') < before);
  });

  it('lands safely whatever state comes back', async () => {
    for (const query of ['', '?state=', '?state=wrong', `?state=${'x'.repeat(3000)}`, '?state=a&state=b']) {
      const page = await site.browser().goto(`${site.url}/oauth/logout${query}`, { from: `${site.op.issuer}/`, follow: false });
      assert.ok(page.status < 500);
      assert.ok(!page.location || page.location.startsWith('/') || page.location.startsWith(site.url));
      if (page.status >= 400) site.expectLog('OA-1805');
    }
  });
});

describe('OAuthLogout', () => {
  const site = useSite({ provider: 'fake', config: (s) => `${SITE(s)}OAuthLogout return=/public/bye revoke=off\n` });
  it('says where to go, and that tokens are kept', async () => {
    const browser = await site.signedIn();
    const page = await browser.goto(`${site.url}/oauth/logout`, { form: {}, follow: false, from: `${site.url}/app/` });
    assert.equal(site.fake.count('revoke'), 0);
    assert.ok(page.location);
  });
});

describe('a provider without an end_session endpoint', () => {
  const rule = { drop: ['end_session_endpoint', 'revocation_endpoint'] };
  const site = useSite({
    provider: 'fake', providerOptions: { rules: { discovery: rule, metadata: rule } }, config: SITE });
  it('still allows a logout here', async () => {
    const browser = await site.signedIn();
    const page = await browser.goto(`${site.url}/oauth/logout`, { form: {}, from: `${site.url}/app/` });
    assert.ok(page.status < 400);
    assert.ok(page.url.startsWith(site.url));
    await site.assertNoSession(browser);
    assert.equal(site.fake.count('revoke') + site.fake.count('end_session'), 0);
  });
});

describe('the session endpoint', () => {
  const site = useSite({ config: SITE });

  it('tells a signed-in user about the own session, and no token', async () => {
    const browser = await site.signedIn();
    const page = await browser.fetch(`${site.url}/oauth/session`);
    assert.equal(page.status, 200);
    assert.match(page.headers['content-type'], /^application\/json/);
    assert.match(page.headers['cache-control'], /no-store/);
    assert.equal(page.headers['x-content-type-options'], 'nosniff');
    const told = page.json;
    assert.equal(told.user, 'alice');
    assert.equal(told.claims.email, 'alice@example.com');
    assert.match(JSON.stringify(told), /expire|expiry/);
    for (const secret of [...site.op.secrets(), browser.cookie(site.sessionCookie)]) assert.ok(!page.text.includes(secret));
  });

  it('tells others nothing', async () => {
    const page = await site.browser().fetch(`${site.url}/oauth/session`);
    assert.equal(page.status, 401);
    assert.ok(!page.text.includes('alice'));
  });
});

describe('the paths below OAuthPath', () => {
  const site = useSite({ config: (s) => `${SITE(s)}OAuthPath /auth/x\n`, client: {}, redirectUris: [] });

  it('are where OAuthPath says', async () => {
    const page = await site.browser().goto(`${site.url}/app/`, { follow: false });
    assert.equal(new URL(page.location).searchParams.get('redirect_uri'), `${site.url}/auth/x/callback`);
    assert.equal((await site.browser().fetch(`${site.url}/oauth/session`)).status, 404);
  });

  for (const path of ['/auth/x/nothing', '/auth/x/', '/auth/x/callback/more', '/auth/x/callback.php', '/auth/x/CALLBACK',
    '/auth/x/login/', '/auth/x/jwks']) {
    it(`hold nothing at ${path}`, async () => {
      site.assertError(await site.browser().goto(site.url + path), 'ENDPOINT_UNKNOWN');
    });
  }

  for (const [path, methods] of [['login', ['PUT', 'DELETE', 'FOO']], ['logout', ['PUT', 'DELETE']], ['session', ['POST', 'PUT', 'DELETE']]]) {
    it(`refuse other methods than those of ${path}`, async () => {
      for (const method of methods) {
        const page = await site.browser().goto(`${site.url}/auth/x/${path}`, { method, follow: false });
        site.assertError(page, 'ENDPOINT_METHOD');
        assert.ok(page.headers.allow);
      }
    });
  }
});

describe('the pages of the module', () => {
  const site = useSite({ config: SITE });
  it('are strict with browsers and with caches', async () => {
    const page = await site.browser().goto(`${site.url}/oauth/nothing`);
    site.assertError(page, 'ENDPOINT_UNKNOWN');
    assert.match(page.headers['content-security-policy'], /default-src 'none'/);
    assert.match(page.headers['content-security-policy'], /frame-ancestors 'none'/);
    assert.equal(page.headers['x-content-type-options'], 'nosniff');
    assert.equal(page.headers['referrer-policy'], 'no-referrer');
    assert.match(page.headers['content-type'], /text\/html; *charset=utf-8/i);
    assert.ok(!/<script|javascript:|https?:\/\/(?!localhost)/i.test(page.text));
    assert.match(page.text, /prefers-color-scheme|color-scheme/);
    assert.match(page.text, /name="?viewport/);
  });

  it('do not repeat what the request said', async () => {
    const evil = '"><script>alert(1)</script>';
    for (const path of [`/oauth/${encodeURIComponent(evil)}`, `/oauth/callback?error=${encodeURIComponent(evil)}`,
      `/oauth/callback?error=x&state=x&error_description=${encodeURIComponent(evil)}`, `/oauth/login?return_to=${encodeURIComponent(evil)}`]) {
      const page = await site.browser().goto(site.url + path, { follow: false });
      assert.ok(!page.text.includes('alert(1)'), path);
    }
    site.expectLog(/OA-1\d{3}/);
  });
});

describe('OAuthTemplate', () => {
  const template = '<!DOCTYPE html><title>ours</title><p class="ours">{{id}} {{reference}} {{message}}</p>';
  const site = useSite({
    httpd: { files: { 'conf/error.html': template } },
    config: (s) => `${SITE(s)}OAuthTemplate error ${s.httpd.root}/conf/error.html\n`,
  });
  it('replaces the error page', async () => {
    const page = await site.browser().goto(`${site.url}/oauth/nothing`);
    assert.match(page.text, /class="ours"/);
    site.assertError(page, 'ENDPOINT_UNKNOWN');
  });
});

describe('several providers at one place', () => {
  const site = useSite({
    config: (s) => `
<OAuthProvider corp>
${s.provider()}
OAuthDisplayName "Corporate <login>"
</OAuthProvider>
<OAuthProvider other>
${s.provider()}
OAuthDisplayName Other
</OAuthProvider>
${s.place('/app', 'OAuthUse corp other\n Require valid-user')}
${s.place('/corp', 'OAuthUse corp\n Require valid-user')}
${s.place('/only', 'OAuthUse corp other\n Require oauth-provider corp')}
`,
  });

  it('are offered for choice', async () => {
    const browser = site.browser();
    const page = await browser.goto(`${site.url}/app/x?y=1`);
    assert.equal(page.status, 200);
    assert.match(page.text, /Corporate &lt;login&gt;/);
    const links = [...page.text.matchAll(/href="([^"]*\/oauth\/login[^"]*)"/g)].map(([, link]) => link.replaceAll('&amp;', '&'));
    assert.equal(links.length, 2);
    const link = links.find((one) => one.includes('corp'));
    const end = await login(browser, new URL(link, page.url).href);
    assert.equal(end.json.url, '/app/x?y=1');
    assert.equal((await browser.goto(`${site.url}/only/`)).status, 200);
  });

  it('are gone straight to when there is one', async () => {
    const page = await site.browser().goto(`${site.url}/corp/`, { follow: false });
    assert.ok(page.location.startsWith(site.op.issuer));
  });

  it('cannot be chosen by another name', async () => {
    const page = await site.browser().goto(`${site.url}/oauth/login?provider=nobody&return_to=/app/`, { follow: false });
    site.assertError(page, 'PROVIDER_CHOICE');
  });
});
