// The module's own pages as a person sees them: both colour schemes, a phone, no script.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { useSite } from '../integration/harness.mjs';
import { launch, picture, profile } from './chromium.mjs';

const SITE = (s) => `
<OAuthProvider employees>
  ${s.provider('OAuthDisplayName "Example employees"')}
</OAuthProvider>
<OAuthProvider customers>
  ${s.provider('OAuthDisplayName "Customer account"').replace('OAuthClientID app', 'OAuthClientID other')}
</OAuthProvider>
` + s.place('/app', 'Require valid-user\nOAuthUse employees customers');

const VIEWS = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true }],
  ['without script', { javaScriptEnabled: false }],
];

// Brightness of a CSS colour, 0 to 255.
const brightness = (color) => {
  const [r, g, b] = color.match(/[\d.]+/g).map(Number);
  return (r + g + b) / 3;
};

describe('a page of the module', () => {
  const site = useSite({ config: SITE });
  let browser;
  before(async () => { browser = await launch(); });
  after(() => browser.close());

  const PAGES = [
    ['choice', '/app/', null],
    ['error', '/oauth/callback?code=x&state=garbage', 'STATE_INVALID'],
    ['unknown', '/oauth/nothing', 'ENDPOINT_UNKNOWN'],
    ['logout', '/oauth/logout', null],
  ];
  for (const [name, path, error] of PAGES) {
    for (const [view, options] of VIEWS) {
      it(`(${name}) is readable: ${view}`, async () => {
        const one = await profile(browser, options);
        try {
          const page = await one.page();
          await page.goto(site.url + path);
          if (error) site.expectLog(new RegExp(error));
          await picture(page, `${name}-${view.replace(' ', '-')}`);
          assert.equal(await page.locator('h1').count(), 1);
          if (options.javaScriptEnabled === false) return;
          const look = await page.evaluate(() => ({
            text: getComputedStyle(document.querySelector('h1')).color,
            page: getComputedStyle(document.body).backgroundColor,
            wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
            outside: performance.getEntriesByType('resource').map((entry) => entry.name)
              .filter((url) => !url.endsWith('/favicon.ico')),
          }));
          assert.deepEqual(look.outside, [], 'nothing is loaded besides the page');
          assert.equal(look.wide, false, 'no sideways scrolling');
          const dark = options.colorScheme === 'dark';
          assert.equal(brightness(look.page) < brightness(look.text), dark);
          assert.ok(Math.abs(brightness(look.page) - brightness(look.text)) > 120, 'enough contrast');
        } finally {
          await one.close();
        }
      });
    }
  }

  it('(choice) names the providers and leads to each', async () => {
    const one = await profile(browser);
    try {
      const page = await one.page();
      await page.goto(`${site.url}/app/x?y=1`);
      await page.click('text=Example employees');
      await page.waitForURL(`${site.op.issuer}/**`);
    } finally {
      await one.close();
    }
  });
});
