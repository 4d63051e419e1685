// The life of a session: restarts, expiry, logout, and what forged cookies get.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { login, seconds, useSite } from './harness.mjs';

const SITE = (s) => s.provider() + s.place('/app');

for (const mpm of ['event', 'prefork']) {
  describe(`a session under MPM ${mpm}`, () => {
    const site = useSite({ httpd: { mpm }, config: SITE });

    it('is known to all processes', async () => {
      const browser = await site.signedIn();
      const pages = await Promise.all(Array.from({ length: 40 }, () => browser.goto(`${site.url}/app/`)));
      assert.ok(pages.every((page) => page.status === 200 && page.hops.length === 1));
    });

    it('survives graceful, restart, and stop and start', async () => {
      const browser = await site.signedIn();
      const asked = site.op.requests.length;
      for (const acts of [['graceful'], ['restart'], ['stop', 'start'], ['graceful', 'graceful', 'restart']]) {
        for (const act of acts) await site.httpd[act]();
        const page = await browser.goto(`${site.url}/app/`);
        assert.equal(page.status, 200, acts.join());
        assert.equal(page.hops.length, 1, acts.join());
        assert.deepEqual(page.received('X-Forwarded-User'), ['alice']);
      }
      assert.equal(site.op.requests.length, asked);
    });

    it('survives the end of a child by violence', async () => {
      const browser = await site.signedIn();
      for (const pid of await site.httpd.children()) process.kill(pid, 'SIGKILL');
      for (let n = 0; n < 10; n += 1) {
        const page = await browser.goto(`${site.url}/app/`).catch(() => undefined);
        if (page) assert.equal(page.hops.length, 1);
      }
    });

    it('does not end a login that is under way when httpd restarts', async () => {
      const browser = site.browser();
      const form = await browser.goto(`${site.url}/app/late`);
      await site.httpd.graceful();
      const page = await browser.submit(form, { login: 'alice', password: 'alice' });
      assert.equal(page.json.url, '/app/late');
    });
  });
}

describe('what is kept on disk', () => {
  const site = useSite({ config: SITE });

  it('can be read by the server alone', async () => {
    await site.signedIn();
    assert.equal(fs.statSync(site.httpd.stateDir).mode & 0o777, 0o700);
    for (const name of fs.readdirSync(site.httpd.stateDir)) {
      assert.equal(fs.statSync(`${site.httpd.stateDir}/${name}`).mode & 0o077, 0, name);
    }
  });

  it('holds neither tokens, nor cookies, nor who the user is', async () => {
    const browser = await site.signedIn();
    const secrets = [browser.cookie(site.sessionCookie), 'alice@example.com', ...site.op.secrets()];
    for (const name of fs.readdirSync(site.httpd.stateDir)) {
      const bytes = fs.readFileSync(`${site.httpd.stateDir}/${name}`);
      for (const secret of secrets) assert.ok(!bytes.includes(secret), `${name} holds ${secret.slice(0, 6)}…`);
    }
  });
});

describe('the life of a session', () => {
  const site = useSite({ config: (s) => `${SITE(s)}OAuthSessionLifetime 6s idle=3s\n` });

  it('ends when nothing was asked for the idle time', async () => {
    const browser = await site.signedIn();
    await seconds(3.5);
    await site.assertNoSession(browser);
  });

  it('is prolonged by requests, up to the absolute time', async () => {
    const browser = await site.signedIn();
    for (let n = 0; n < 4; n += 1) {
      await seconds(1.2);
      assert.equal((await browser.goto(`${site.url}/app/`)).hops.length, 1, `request ${n + 1}`);
    }
    await seconds(2);
    await site.assertNoSession(browser);
  });

  it('starts anew with a new login', async () => {
    const browser = await site.signedIn();
    const old = browser.cookie(site.sessionCookie);
    await seconds(3.5);
    assert.equal((await login(browser, `${site.url}/app/`)).status, 200);
    assert.notEqual(browser.cookie(site.sessionCookie), old);
  });
});

describe('a shorter life for one place', () => {
  const site = useSite({
    config: (s) => s.provider() + s.place('/app') + s.place('/strict', 'OAuthSessionLifetime 2s\n Require valid-user'),
  });
  it('asks for a new login there and not elsewhere', async () => {
    const browser = await site.signedIn();
    await seconds(2.5);
    await site.assertNoSession(browser, '/strict/');
    assert.equal((await browser.fetch(`${site.url}/app/`)).status, 200);
  });
});

describe('a logout', () => {
  const site = useSite({ config: SITE });
  const slow = { headers: { 'Sec-Fetch-Site': 'same-origin' } };

  it('wins over requests that are under way', async () => {
    const browser = await site.signedIn();
    const thief = site.browser();
    thief.jar = browser.jar.copy();
    let release;
    site.backend.on('/app/slow', (req, res) => { release = () => res.end('done'); });
    const pending = thief.goto(`${site.url}/app/slow`);
    while (!release) await seconds(0.02);
    await browser.goto(`${site.url}/oauth/logout`, { form: {}, follow: false, from: `${site.url}/app/` });
    release();
    assert.equal((await pending).text, 'done');
    await site.assertNoSession(thief);
    await site.assertNoSession(browser);
  });

  it('stays in force after a restart', async () => {
    const browser = await site.signedIn();
    const kept = browser.jar.copy();
    await browser.goto(`${site.url}/oauth/logout`, { form: {}, follow: false, from: `${site.url}/app/`, ...slow });
    await site.httpd.stop();
    await site.httpd.start();
    const thief = site.browser();
    thief.jar = kept;
    await site.assertNoSession(thief);
  });
});

describe('a session cookie', () => {
  const site = useSite({ config: SITE });
  const ask = (cookie) => site.browser().fetch(`${site.url}/app/`, { headers: { Cookie: cookie } });

  it('that was forged opens nothing', async () => {
    const browser = await site.signedIn();
    const value = browser.cookie(site.sessionCookie);
    const flipped = (value[5] === 'A' ? 'B' : 'A');
    for (const forged of [
      '', 'x', 'A'.repeat(43), `${value}A`, value.slice(0, -1), value.slice(0, 5) + flipped + value.slice(6),
      value.toUpperCase(), `${value}%00`, '..%2f..%2fetc', 'A'.repeat(4000), '"', `"${value}"x`, '\u00ff\u00fe',
    ]) {
      const answer = await ask(`${site.sessionCookie}=${forged}`);
      assert.ok([400, 401].includes(answer.status), `${answer.status} for ${forged.length} characters`);
      if (answer.status === 400) site.expectLog(/OA-\d{4}/);
    }
    assert.equal(site.backend.requests.length, 1, 'only the login reached the backend');
  });

  it('is found among others, and by its exact name only', async () => {
    const browser = await site.signedIn();
    const value = browser.cookie(site.sessionCookie);
    const name = site.sessionCookie;
    for (const line of [`a=1; ${name}=${value}; b=2`, `;;${name}=${value};`, `x;  ${name}=${value}`]) {
      assert.equal((await ask(line)).status, 200, line.replace(value, '…'));
    }
    for (const other of [`${name}2`, `x${name}`, name.toUpperCase(), `${name} x`]) {
      assert.equal((await ask(`${other}=${value}`)).status, 401, other);
    }
  });

  it('that comes twice with different values is refused or opens the genuine session alone', async () => {
    const alice = (await site.signedIn('alice')).cookie(site.sessionCookie);
    const bob = (await site.signedIn('bob')).cookie(site.sessionCookie);
    const answer = await ask(`${site.sessionCookie}=${alice}; ${site.sessionCookie}=${bob}`);
    site.assertError(answer, 'COOKIE_AMBIGUOUS');
  });

  it('that comes twice with the same value works', async () => {
    const value = (await site.signedIn()).cookie(site.sessionCookie);
    assert.equal((await ask(`${site.sessionCookie}=${value}; ${site.sessionCookie}=${value}`)).status, 200);
  });
});

describe('a virtual host', () => {
  const site = useSite({
    httpd: { listeners: 2 },
    config: (s) => {
      const [one, two] = s.httpd.ports;
      const host = (port) => `<VirtualHost 127.0.0.1:${port}>
ServerName localhost:${port}
${s.provider()}
${s.place('/app')}
</VirtualHost>`;
      return `${host(one)}\n${host(two)}\n`;
    },
  });

  it('does not honour the session of another one', async () => {
    const browser = await site.signedIn();
    const other = `http://localhost:${site.httpd.ports[1]}/app/`;
    const answer = await browser.fetch(other);
    assert.equal(answer.status, 401);
  });

  it('does not honour the login of another one', async () => {
    const browser = site.browser();
    const page = await browser.goto(`${site.url}/app/`, { stopAt: (hop) => hop.location?.includes('code=') });
    const back = await browser.submit(page, { login: 'alice', password: 'alice' }, {
      stopAt: (hop) => hop.location?.includes('code='),
    });
    const moved = back.location.replace(site.url, `http://localhost:${site.httpd.ports[1]}`);
    const asked = site.op.count('/token');
    site.assertError(await browser.goto(moved, { follow: false }), 'STATE_INVALID');
    assert.equal(site.op.count('/token'), asked);
  });
});

describe('OAuthSecret', () => {
  const secrets = (list) => (s) => `${SITE(s)}OAuthSecret ${list}\n`;
  const site = useSite({
    config: secrets('env:OLD_SECRET'),
    httpd: { env: { OLD_SECRET: 'o'.repeat(32), NEW_SECRET: 'n'.repeat(32) } },
  });

  it('is a ring: a new first secret keeps sessions, and without the old one they end', async () => {
    const browser = await site.signedIn();
    await site.reload(secrets('env:NEW_SECRET env:OLD_SECRET'));
    assert.equal((await browser.goto(`${site.url}/app/`)).hops.length, 1);
    const later = await site.signedIn();
    await site.reload(secrets('env:NEW_SECRET'));
    await site.assertNoSession(browser);
    assert.equal((await later.goto(`${site.url}/app/`)).hops.length, 1);
  });
});
