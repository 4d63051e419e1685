// What a person with a browser goes through.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { useSite } from '../integration/harness.mjs';
import { launch, picture, profile, signIn } from './chromium.mjs';

const SITE = (s) => s.provider('OAuthScope openid profile email groups\nOAuthUser preferred_username')
  + s.place('/app') + s.place('/kept', 'Require valid-user\nOAuthPreservePost on')
  + s.place('/admins', 'Require oauth-claim groups admins') + s.open('/public');

const json = async (page) => JSON.parse(await page.evaluate(() => document.body.innerText));
const user = (echo) => echo.headers.find(([name]) => name.toLowerCase() === 'x-forwarded-user')?.[1];

describe('in a browser', () => {
  const site = useSite({ config: SITE });
  let browser;
  before(async () => { browser = await launch(); });
  after(() => browser.close());

  // Runs with a fresh profile, which is closed whatever happens.
  const person = (run, options) => async () => {
    const one = await profile(browser, options);
    try {
      await run(one);
    } finally {
      await one.close();
    }
  };

  const signOutAtProvider = async (page) => {
    await page.waitForURL(`${site.op.issuer}/**`);
    await page.click('button[name=logout]');
    await page.waitForURL(`${site.url}/**`);
  };

  it('a person signs in and reaches the page asked for', person(async (one) => {
    const page = await one.page();
    await page.goto(`${site.url}/app/deep/link?a=1#part`);
    await signIn(page);
    await page.waitForURL(`${site.url}/app/deep/link?a=1*`);
    const echo = await json(page);
    assert.equal(echo.url, '/app/deep/link?a=1');
    assert.equal(user(echo), 'alice');
  }));

  it('three tabs opened at once all end where they were going', person(async (one) => {
    const pages = await Promise.all([1, 2, 3].map(() => one.page()));
    await Promise.all(pages.map((page, n) => page.goto(`${site.url}/app/tab${n}`)));
    for (const [n, page] of pages.entries()) {
      if (await page.$('input[name=password]')) await signIn(page);
      await page.waitForURL(`${site.url}/app/tab${n}`);
      assert.equal((await json(page)).url, `/app/tab${n}`);
    }
  }));

  it('the back button after a login leads to no error', person(async (one) => {
    const page = await one.page();
    await page.goto(`${site.url}/public/start`);
    await page.goto(`${site.url}/app/first`);
    await signIn(page);
    await page.waitForURL(`${site.url}/app/first`);
    await page.goto(`${site.url}/app/second`);
    await page.goBack();
    assert.equal((await json(page)).url, '/app/first');
    // Back once more is the provider's form, which is of no use any more, or what came before.
    await page.goBack();
    await page.goto(`${site.url}/app/third`);
    assert.equal(user(await json(page)), 'alice');
  }));

  it('the back button after a logout shows nothing that was protected', person(async (one) => {
    const page = await one.page();
    await page.goto(`${site.url}/app/secret`);
    await signIn(page);
    await page.waitForURL(`${site.url}/app/secret`);
    await page.goto(`${site.url}/oauth/logout`);
    await signOutAtProvider(page);
    const before = site.backend.count('/app/');
    const answer = await page.goto(`${site.url}/app/secret`);
    assert.equal(site.backend.count('/app/'), before, 'the backend was not asked');
    assert.notEqual(answer.url(), `${site.url}/app/secret`);
  }));

  it('a link to logout on a page of the site signs out without a question', person(async (one) => {
    const page = await one.page();
    await page.goto(`${site.url}/app/`);
    await signIn(page);
    await page.waitForURL(`${site.url}/app/`);
    await page.evaluate((url) => {
      const link = document.createElement('a');
      link.href = url;
      link.id = 'out';
      link.textContent = 'out';
      document.body.append(link);
    }, `${site.url}/oauth/logout`);
    await page.click('#out');
    await page.waitForLoadState();
    await signOutAtProvider(page);
    const cookies = await one.context.cookies(site.url);
    assert.ok(!cookies.some((cookie) => cookie.name === site.sessionCookie));
    await picture(page, 'signed-out');
  }));

  it('a form that was sent after the session ended is kept where that is on', person(async (one) => {
    const page = await one.page();
    await page.goto(`${site.url}/kept/form`);
    await signIn(page);
    await page.waitForURL(`${site.url}/kept/form`);
    await page.setContent('');
    await page.goto(`${site.url}/public/`);
    await page.evaluate(() => {
      document.body.innerHTML = '<form method="post" action="/kept/save"><textarea name="text"></textarea>'
        + '<button>send</button></form>';
    });
    await page.fill('textarea', 'written <for> "an hour" & more');
    await one.context.clearCookies({ name: site.sessionCookie });
    await page.click('button');
    await page.waitForURL(/\/oauth\/resume|\/interaction|\/kept\/save/);
    if (await page.$('input[name=password]')) await signIn(page);
    await page.waitForURL(`${site.url}/oauth/resume**`);
    await picture(page, 'resume');
    const before = site.backend.count('/kept/save');
    await page.click('form button');
    await page.waitForURL(`${site.url}/kept/save`);
    assert.equal(site.backend.count('/kept/save'), before + 1);
    const echo = await json(page);
    assert.equal(echo.method, 'POST');
    assert.equal(user(echo), 'alice');
  }));

  it('a form that was sent after the session ended gets an explanation elsewhere', person(async (one) => {
    const page = await one.page();
    await page.goto(`${site.url}/public/`);
    await page.evaluate(() => {
      document.body.innerHTML = '<form method="post" action="/app/save"><button>send</button></form>';
    });
    const [answer] = await Promise.all([page.waitForNavigation(), page.click('button')]);
    assert.equal(answer.status(), 401);
    assert.match(await page.innerText('body'), /sign in/i);
  }));

  it('who is not allowed is told so, and is not asked to sign in again', person(async (one) => {
    const page = await one.page();
    await page.goto(`${site.url}/admins/`);
    await signIn(page, 'bob');
    await page.waitForURL(`${site.url}/admins/`);
    assert.match(await page.innerText('body'), /not allowed/);
    await picture(page, 'forbidden');
  }));
});
