// Shared memory that is too small says so: once a minute, whatever happens in between.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorRow, seconds, useSite, waitUntil } from './harness.mjs';

describe('shared memory that is full', () => {
  const site = useSite({
    provider: 'fake',
    config: (s) => `${s.provider()}${s.place('/app')}OAuthSessionStore shm:size=1M\n`,
  });
  const lines = () => site.httpd.log.whole().split('\n').filter((line) => line.includes(errorRow('STORE_FULL').id));

  // A long address is kept until the login is done; nobody comes back for these.
  async function startLogins(count) {
    const browser = site.browser();
    for (let n = 0; n < count; n += 1) {
      const hop = await browser.goto(`${site.url}/app/${'x'.repeat(4000)}?n=${n}`, { follow: false });
      assert.ok([302, 303].includes(hop.status), `${hop.status}`);
    }
  }

  it('is a warning that says what to do, at most once a minute, and refuses no login', async () => {
    await site.signedIn();
    await startLogins(3);
    await seconds(11);
    assert.deepEqual(lines(), [], 'nothing was pushed out');

    await startLogins(80);
    site.expectLog(errorRow('STORE_FULL').id);
    const [line] = await waitUntil(() => lines().length && lines(), 'the warning', 25000);
    assert.match(line, /auth_oauth:warn\].*STORE_FULL.* 0 of sessions, [1-9]\d* of pending logins, 0 of ended sessions\..*shm:size=/);

    await startLogins(80);
    await seconds(11);
    assert.equal(lines().length, 1);
    await site.signedIn();
  });
});
