// Debian's Chromium through playwright-core, one browser for all tests of a file.
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
// Where screenshots go; below the build directory, for a person to look at.
const PICTURES = path.resolve(process.env.BUILD_DIR ?? '.', 'screenshots');

export function launch() {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

// A new profile: no cookies, no history. Fails the test on a script error of a page and on
// anything that a page's Content-Security-Policy had to block.
export async function profile(browser, options = {}) {
  const context = await browser.newContext(options);
  const complaints = [];
  context.on('weberror', (error) => complaints.push(String(error.error())));
  context.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  return {
    context,
    page: () => context.newPage(),
    async close() {
      await context.close();
      if (complaints.length) throw new Error(`the browser complained: ${complaints.join('; ')}`);
    },
  };
}

// Fills in the provider's form.
export async function signIn(page, user = 'alice') {
  await page.fill('input[name=login]', user);
  await page.fill('input[name=password]', user);
  await page.click('button[type=submit], button:not([type])');
}

export async function picture(page, name) {
  fs.mkdirSync(PICTURES, { recursive: true });
  const file = path.join(PICTURES, `${name}.png`);
  await page.screenshot({ path: file, fullPage: true });
  return file;
}
