// The tools of the other tests, tried on an httpd without the module: a harness that sees nothing
// would let everything pass.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addSecret, Browser, CookieJar, errorRows, formsOf, h2Connect, prepareHttpd, rawRequest, useSite, waitUntil,
} from './harness.mjs';

const PLAIN = (s) => `
ProxyPass /app ${s.backend.url}/app
Alias /cgi/ ${s.httpd.root}/htdocs/
`;
const FILES = {
  'htdocs/index.html': '<h1>hello</h1>',
  'htdocs/env.cgi': { content: '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"; env\n', mode: 0o755 },
};

for (const variant of [
  { mpm: 'event' }, { mpm: 'prefork' }, { mpm: 'event', http2: true }, { mpm: 'event', http2: true, tls: true },
]) {
  describe(`httpd with ${JSON.stringify(variant)}`, () => {
    const site = useSite({ provider: false, httpd: { ...variant, oauth: false, files: FILES }, config: PLAIN });

    it('serves files, scripts and the backend', async () => {
      const browser = site.browser();
      assert.match((await browser.goto(`${site.url}/`)).text, /hello/);
      assert.match((await browser.goto(`${site.url}/cgi/env.cgi`)).text, /^REQUEST_METHOD=GET$/m);
      const echo = await browser.goto(`${site.url}/app/x?y=1`, { form: { a: 'b' } });
      assert.equal(echo.json.method, 'POST');
      assert.equal(echo.json.url, '/app/x?y=1');
      assert.equal(echo.json.bodyLength, 3);
      assert.deepEqual(echo.received('sec-fetch-mode'), ['navigate']);
    });

    it('keeps serving after graceful, restart, and stop and start', async () => {
      const browser = site.browser();
      for (const act of ['graceful', 'restart', 'stop', 'start']) {
        await site.httpd[act]();
        if (act !== 'stop') assert.equal((await browser.goto(`${site.url}/`)).status, 200);
      }
    });

    if (variant.http2) {
      it('speaks HTTP/2', async () => {
        const h2 = await h2Connect(site.url, { ca: site.httpd.ca });
        const answers = await Promise.all([1, 2, 3].map((n) => h2.request(`/app/${n}`)));
        assert.deepEqual(answers.map((one) => JSON.parse(one.text).url), ['/app/1', '/app/2', '/app/3']);
        await h2.close();
      });
    }
  });
}

describe('the log watch', () => {
  const site = useSite({
    provider: false,
    httpd: { oauth: false, files: { 'htdocs/fail.cgi': { content: '#!/bin/sh\nexit 1\n', mode: 0o755 } } },
    config: '',
  });
  const fail = () => site.browser().goto(`${site.url}/fail.cgi`);

  it('lets an announced error pass', async () => {
    site.expectLog(/fail\.cgi/);
    assert.equal((await fail()).status, 500);
  });

  it('refuses an error that was not announced', async () => {
    await fail();
    await assert.rejects(site.httpd.log.check(), /not announced: .*fail\.cgi/);
  });

  it('refuses an announced error that did not come', async () => {
    site.expectLog('OA-9999');
    await assert.rejects(site.httpd.log.check(), /announced, but not in the log: OA-9999/);
  });

  it('refuses a secret in the log', async () => {
    addSecret('a-very-secret-value-0123456789');
    site.httpd.file('htdocs/x', '');
    await site.browser().goto(`${site.url}/nothing/a-very-secret-value-0123456789.cgi`);
    await assert.rejects(site.httpd.log.check(), /a secret is in the log: a-very-s/);
  });

  it('refuses a crashed child', async () => {
    const [pid] = await site.httpd.children();
    process.kill(pid, 'SIGSEGV');
    await waitUntil(() => site.httpd.log.fresh().includes('exit signal'), 'the parent to notice');
    await assert.rejects(site.httpd.log.check(), /exit signal/);
  });
});

describe('the harness', () => {
  it('tells what a configuration test says', async () => {
    const httpd = await prepareHttpd({ oauth: false });
    assert.equal(httpd.configTest('').code, 0);
    const wrong = httpd.configTest('NoSuchDirective on');
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.stderr, /NoSuchDirective/);
    await httpd.end();
  });

  it('sends bytes as they are', async () => {
    const site = await prepareHttpd({ oauth: false });
    site.write('');
    await site.start();
    const answer = await rawRequest(site.port, 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n');
    assert.equal(answer.status, 400);
    await site.end();
  });

  it('reads every row of the error table', () => {
    assert.ok(errorRows().size > 50);
    for (const row of errorRows().values()) assert.match(row.id, /^OA-1\d{3}$/);
  });

  it('reads forms as a browser does', () => {
    const [form] = formsOf('<form id="f" method=post action="/a?b=1&amp;c=2"><input name=x value="&lt;1"></form>'
      + '<button form="f" name="go" value="1">go</button>');
    assert.deepEqual(form, {
      action: '/a?b=1&c=2', method: 'POST', fields: { x: '<1' }, buttons: [{ name: 'go', value: '1' }],
    });
  });
});

describe('the cookie jar', () => {
  const http = new URL('http://localhost:1/app/x');
  const https = new URL('https://localhost:1/app/x');
  const cases = [
    ['keeps a plain cookie', http, 'a=1; Path=/', {}, 'a=1'],
    ['sends Lax cookies with a navigation from another site', https, 'a=1; Path=/; SameSite=Lax', { crossSite: true }, 'a=1'],
    ['keeps Lax cookies from a cross-site POST', https, 'a=1; Path=/; SameSite=Lax', { crossSite: true, topLevelGet: false }, ''],
    ['takes Lax for the default', https, 'a=1; Path=/', { crossSite: true, topLevelGet: false }, ''],
    ['sends None cookies with a cross-site POST', https, 'a=1; Path=/; SameSite=None; Secure', { crossSite: true, topLevelGet: false }, 'a=1'],
    ['refuses None without Secure', https, 'a=1; Path=/; SameSite=None', {}, ''],
    ['refuses __Host- without Secure', https, '__Host-a=1; Path=/', {}, ''],
    ['refuses __Host- with another path', https, '__Host-a=1; Path=/app; Secure', {}, ''],
    ['keeps cookies of other paths back', http, 'a=1; Path=/other', {}, ''],
    ['forgets what Max-Age=0 ends', http, 'a=1; Path=/; Max-Age=0', {}, ''],
    ['refuses the domain of somebody else', http, 'a=1; Domain=example.com', {}, ''],
  ];
  for (const [name, url, line, context, wanted] of cases) {
    it(name, () => {
      const jar = new CookieJar();
      jar.store(line, url);
      assert.equal(jar.header(url, context), wanted);
    });
  }

  it('says where a request comes from', async () => {
    const site = await prepareHttpd({ oauth: false, files: { 'htdocs/x.txt': 'x' } });
    site.write('');
    await site.start();
    const browser = new Browser();
    const sent = async (from) => (await browser.goto(`${site.url}/x.txt`, { from })).sent['Sec-Fetch-Site'];
    assert.equal(await sent(undefined), 'none');
    assert.equal(await sent(`${site.url}/x`), 'same-origin');
    assert.equal(await sent('http://localhost:9/x'), 'same-site');
    assert.equal(await sent('http://127.0.0.1:9/x'), 'cross-site');
    await site.end();
  });
});
