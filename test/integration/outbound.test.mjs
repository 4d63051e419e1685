// Calls to providers that hang or are gone: what they cost those who need none, and how logins come
// back.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startFake } from '../provider/fake.mjs';
import { errorRow, useSite, waitUntil } from './harness.mjs';

const TOTAL = 3;
const TIMEOUT = `OAuthTimeout connect=1s total=${TOTAL}s`;
// As Debian configures it.
const USUAL = 'ThreadsPerChild 25\nServerLimit 6\nMaxRequestWorkers 150\nMinSpareThreads 25\nMaxSpareThreads 75';

const id = (name) => errorRow(name).id;

// The pages of logins that failed for want of an answer; each says when to come back.
function assertRefused(site, pages, names) {
  const ids = names.map(id);
  for (const page of pages) {
    assert.ok(ids.includes(page.errorId), `${page.status} ${page.errorId ?? page.text.slice(0, 200)}`);
    assert.equal(page.status, 503);
    assert.match(page.headers['retry-after'] ?? '', /^\d+$/);
  }
  for (const one of new Set(pages.map((page) => page.errorId))) site.expectLog(one);
}

// Asks until done() holds, with what a signed-in user sees meanwhile; the longest request in ms.
async function useMeanwhile(site, browser, done) {
  let longest = 0;
  while (!done()) {
    const began = Date.now();
    assert.equal((await browser.goto(`${site.url}/app/`)).status, 200);
    longest = Math.max(longest, Date.now() - began);
  }
  return longest;
}

function watch(promises) {
  const all = { ended: false };
  all.pages = Promise.all(promises).finally(() => { all.ended = true; });
  return all;
}

const logins = (site, count, path = '/app/') => watch(
  Array.from({ length: count }, () => site.browser().goto(site.url + path)));

// Every attempt that is refused meanwhile says so.
async function comesBack(site, path = '/app/') {
  await waitUntil(async () => {
    const page = await site.browser().goto(site.url + path);
    if (page.status === 200) return true;
    assertRefused(site, [page], ['PROVIDER_PAUSED', 'PROVIDER_TIMEOUT', 'PROVIDER_UNREACHABLE', 'PROVIDER_BUSY']);
    return false;
  }, 'logins to work again', 40000);
}

for (const [mpm, more, count] of [['event', USUAL, 200], ['prefork', '', 12]]) {
  describe(`a token endpoint that hangs, with ${mpm}`, () => {
    const site = useSite({
      provider: 'fake', httpd: { mpm }, config: (s) => more + s.provider(TIMEOUT) + s.place('/app'),
    });

    it('does not hold up those who are signed in', async () => {
      const browser = await site.signedIn();
      site.fake.behave({ token: { hang: true } });
      const pending = logins(site, count);
      await waitUntil(() => site.fake.count('token') > 0, 'a login that waits');
      const longest = await useMeanwhile(site, browser, () => pending.ended);
      assert.ok(longest < TOTAL * 500, `one waited ${longest} ms`);
      assertRefused(site, await pending.pages, ['PROVIDER_TIMEOUT', 'PROVIDER_BUSY', 'PROVIDER_PAUSED']);
    });

    it('is left alone after a while, and logins then fail at once', async () => {
      site.fake.behave({ token: { hang: true } });
      let page;
      await waitUntil(async () => {
        page = await site.browser().goto(`${site.url}/app/`);
        assertRefused(site, [page], ['PROVIDER_TIMEOUT', 'PROVIDER_PAUSED']);
        return page.errorId === id('PROVIDER_PAUSED');
      }, 'the breaker', 30000);
      const asked = site.fake.count('token');
      const pages = await logins(site, 5).pages;
      assertRefused(site, pages, ['PROVIDER_PAUSED', 'PROVIDER_TIMEOUT']);
      assert.ok(site.fake.count('token') - asked <= 1, 'one call tries at most');
    });

    it('serves logins again when it is back', async () => {
      await comesBack(site);
      const pages = await logins(site, 3).pages;
      assert.ok(pages.every((page) => page.status === 200));
    });
  });
}

describe('a provider that cannot be reached', () => {
  const site = useSite({ provider: 'fake', config: (s) => s.provider(TIMEOUT) + s.place('/app') });

  it('is found again, and a login can begin meanwhile', async () => {
    const browser = await site.signedIn();
    const started = await site.browser().goto(`${site.url}/app/`, { follow: false });
    await site.fake.pause();
    const callback = `${site.url}/oauth/callback?code=x&iss=${encodeURIComponent(site.fake.issuer)}&state=${
      new URL(started.location).searchParams.get('state')}`;
    assert.equal((await browser.goto(`${site.url}/app/`)).status, 200);
    // Metadata is known: no call is needed to send somebody there.
    const began = Date.now();
    const page = await site.browser().goto(`${site.url}/app/`, { follow: false });
    assert.equal(page.status, 303);
    assert.ok(Date.now() - began < 1000);
    // Without its cookie the answer leads to a login once more, not to a call.
    assert.equal((await site.browser().goto(callback, { follow: false })).status, 303);
    await site.fake.resume();
    await comesBack(site);
  });
});

describe('a second provider whose metadata never comes', () => {
  let slow;
  before(async () => { slow = await startFake({ rules: { discovery: { hang: true }, metadata: { hang: true } } }); });
  const site = useSite({
    provider: 'fake',
    config: (s) => `${USUAL}
${s.provider(TIMEOUT)}
<OAuthProvider slow>
  OAuthIssuer ${slow.issuer}
  OAuthClientID app
  OAuthClientAuth none
  ${TIMEOUT}
</OAuthProvider>
${s.place('/app')}
${s.place('/slow', 'OAuthUse slow\n  Require valid-user')}`,
  });
  after(() => slow.close());

  it('is asked once, and costs the first provider\'s users a second at most', async () => {
    const browser = await site.signedIn();
    const pending = logins(site, 200, '/slow/');
    await waitUntil(() => slow.requests.length > 0, 'a login that waits');
    const longest = await useMeanwhile(site, browser, () => pending.ended);
    assert.ok(longest < TOTAL * 700, `one waited ${longest} ms`);
    assertRefused(site, await pending.pages, ['PROVIDER_TIMEOUT', 'PROVIDER_BUSY']);
    assert.ok(slow.requests.length <= 3, `asked ${slow.requests.length} times`);

    // Now that it is known for it, not even that second.
    const more = logins(site, 200, '/slow/');
    const again = await useMeanwhile(site, browser, () => more.ended);
    assert.ok(again < TOTAL * 500, `one waited ${again} ms`);
    assertRefused(site, await more.pages, ['PROVIDER_TIMEOUT', 'PROVIDER_BUSY', 'PROVIDER_PAUSED']);
  });

  it('serves logins when it is back', async () => {
    slow.options.rules = {};
    slow.reset();
    await waitUntil(async () => {
      const page = await site.browser().goto(`${site.url}/slow/`, { follow: false });
      if (page.status !== 303) assertRefused(site, [page], ['PROVIDER_TIMEOUT', 'PROVIDER_BUSY', 'PROVIDER_PAUSED']);
      return page.status === 303;
    }, 'the login to begin', 40000);
  });
});
