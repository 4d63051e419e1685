// The same results over HTTP/2, clear and encrypted.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { h2Connect, login, received, seconds, useSite } from './harness.mjs';

for (const tls of [false, true]) {
  describe(`HTTP/2 ${tls ? 'over TLS' : 'in clear text'}`, () => {
    const site = useSite({
      provider: 'fake',
      providerOptions: { accessTokenTtl: 2 },
      httpd: { http2: true, tls },
      config: (s) => s.provider() + s.place('/app', 'OAuthBackendToken user\n Require valid-user') + s.place('/plain') + s.open('/public'),
    });
    const connect = () => h2Connect(site.url, { ca: site.httpd.ca });
    const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

    it('leads a navigation to the login and answers a program with 401', async () => {
      const h2 = await connect();
      const page = await h2.request('/app/', navigation);
      assert.equal(page.status, 303);
      assert.ok(page.headers.location.startsWith(site.fake.issuer));
      assert.equal((await h2.request('/app/', { accept: '*/*' })).status, 401);
      await h2.close();
    });

    it('finds the cookie among crumbs, and keeps it from the backend', async () => {
      const browser = site.browser();
      await login(browser, `${site.url}/plain/`);
      const h2 = await connect();
      const cookie = ['a=1', `${site.sessionCookie}=${browser.cookie(site.sessionCookie)}`, 'b=2'];
      const page = await h2.request('/plain/', { ...navigation, cookie });
      assert.equal(page.status, 200);
      assert.deepEqual(received(page.text, 'X-Forwarded-User'), ['user-1']);
      assert.deepEqual(received(page.text, 'Cookie').join().split(/; ?/), ['a=1', 'b=2']);
      await h2.close();
    });

    it('removes what a client writes', async () => {
      const h2 = await connect();
      const page = await h2.request('/public/', { 'x-forwarded-user': 'evil', 'x_forwarded_email': 'evil' });
      assert.ok(!page.text.includes('evil'));
      await h2.close();
    });

    it('refreshes once for many streams', async () => {
      const browser = await site.signedIn('alice', '/plain/');
      await seconds(2.5);
      const h2 = await connect();
      const cookie = `${site.sessionCookie}=${browser.cookie(site.sessionCookie)}`;
      const pages = await Promise.all(Array.from({ length: 30 }, () => h2.request('/app/', { cookie })));
      assert.deepEqual([...new Set(pages.map((page) => page.status))], [200]);
      assert.equal(new Set(pages.flatMap((page) => received(page.text, 'Authorization'))).size, 1);
      assert.equal(site.fake.requests.filter((one) => one.form.get('grant_type') === 'refresh_token').length, 1);
      await h2.close();
    });
  });
}
