// The Require words, alone, together, and in <Limit> and <If>.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seconds, useSite } from './harness.mjs';

// lines of the place, whether alice (staff, admins) and bob (staff) may enter
const ROWS = [
  ['Require valid-user', true, true],
  ['Require user alice', true, false],
  ['Require user carol alice', true, false],
  ['Require user ALICE', false, false],
  ['Require user "alice bob"', false, false],
  ['Require oauth-claim groups admins', true, false],
  ['Require oauth-claim groups nobody admins', true, false],
  ['Require oauth-claim groups admin', false, false],
  ['Require oauth-claim groups staff,admins', false, false],
  ['Require oauth-claim groups ~ ^adm', true, false],
  ['Require oauth-claim groups ~ "^(root|staff)$"', true, true],
  ['Require oauth-claim email alice@example.com', true, false],
  ['Require oauth-claim email example.com', false, false],
  ['Require oauth-claim email ~ @example\\.com$', true, true],
  ['Require oauth-claim email_verified true', true, true],
  ['Require oauth-claim no_such_claim x', false, false],
  ['Require oauth-claim no_such_claim ~ .*', false, false],
  ['Require oauth-claim address.country NO', true, false],
  ['Require oauth-claim address NO', false, false],
  ['Require oauth-claim level 3', true, false],
  ['Require oauth-scope openid', true, true],
  ['Require oauth-scope openid profile', true, true],
  ['Require oauth-scope openid admin', false, false],
  ['Require oauth-acr urn:gold', true, false],
  ['Require oauth-acr urn:silver urn:gold', true, true],
  ['Require oauth-fresh 1h', true, true],
  ['Require oauth-provider corp', false, false],
  ['<RequireAll>\nRequire not user alice\nRequire valid-user\n</RequireAll>', false, true],
  ['<RequireAny>\nRequire user bob\nRequire oauth-claim groups admins\n</RequireAny>', true, true],
  ['<RequireAll>\nRequire valid-user\nRequire oauth-claim groups admins\n</RequireAll>', true, false],
  ['<RequireAll>\nRequire valid-user\n<RequireNone>\nRequire oauth-claim groups admins\n</RequireNone>\n</RequireAll>', false, true],
  ['<RequireAll>\nRequire ip 127.0.0.1\nRequire oauth-claim groups staff\n</RequireAll>', true, true],
  ['Require expr "%{oauth_claim:email} == \'bob@example.com\'"', false, true],
  ['Require expr "oauth_claim(\'preferred_username\') == \'alice\'"', true, false],
];

const USERS = {
  alice: { sub: 'alice', email: 'alice@example.com', email_verified: true, preferred_username: 'alice',
    groups: ['staff', 'admins'], address: { country: 'NO' }, level: 3, acr: 'urn:gold' },
  bob: { sub: 'bob', email: 'bob@example.com', email_verified: true, preferred_username: 'bob',
    groups: ['staff'], address: { country: 'SE' }, level: 30, acr: 'urn:silver' },
};

describe('Require', () => {
  const site = useSite({
    provider: 'fake',
    config: (s) => s.provider('OAuthScope openid profile email') + s.place('/app')
      + ROWS.map(([lines], n) => s.place(`/row${n}`, lines)).join(''),
  });
  const browsers = {};
  const as = async (name) => {
    if (!browsers[name]) {
      site.fake.user = USERS[name];
      browsers[name] = await site.signedIn();
    }
    return browsers[name];
  };

  ROWS.forEach(([lines, ...wanted], n) => {
    it(`${lines.replace(/\n/g, ' ')} lets in ${['alice', 'bob'].filter((_, i) => wanted[i]).join(' and ') || 'neither'}`, async () => {
      for (const [i, name] of ['alice', 'bob'].entries()) {
        const browser = await as(name);
        const page = await browser.goto(`${site.url}/row${n}/`);
        if (wanted[i]) assert.equal(page.status, 200, `${name}: ${page.errorId}`);
        else site.assertError(page, 'FORBIDDEN');
        assert.equal(page.hops.length, 1, 'never a login for somebody who is signed in');
      }
      assert.equal(site.backend.count(`/row${n}/`), wanted.filter(Boolean).length);
    });
  });

  it('keeps everybody out who is not signed in', async () => {
    for (let n = 0; n < ROWS.length; n += 1) {
      const answer = await site.browser().fetch(`${site.url}/row${n}/`);
      assert.ok([401, 403].includes(answer.status), `${ROWS[n][0]}: ${answer.status}`);
    }
    assert.equal(site.backend.requests.length, 0);
    assert.deepEqual([...site.fake.requests], []);
  });

  it('answers a program with 403 in plain words', async () => {
    const answer = await (await as('bob')).fetch(`${site.url}/row1/`);
    assert.equal(answer.status, 403);
  });
});

describe('Require in sections', () => {
  const site = useSite({
    provider: 'fake',
    config: (s) => s.provider() + s.place('/app') + s.place('/limited', [
      '<Limit POST>', 'Require user nobody', '</Limit>', '<LimitExcept POST>', 'Require valid-user', '</LimitExcept>'].join('\n'))
      + s.place('/if', 'Require valid-user',
        '<If "%{QUERY_STRING} == \'strict\'">\n  Require user nobody\n</If>')
      + s.place('/satisfy', 'Require valid-user\nOrder deny,allow\nDeny from all\nSatisfy any')
      + s.place('/mixed', '<RequireAny>\nRequire ip 127.0.0.1\nRequire valid-user\n</RequireAny>'),
  });

  it('follows <LimitExcept> and <Limit>', async () => {
    const browser = await site.signedIn();
    assert.equal((await browser.goto(`${site.url}/limited/`)).status, 200);
    assert.equal((await browser.goto(`${site.url}/limited/`, { form: {} })).status, 403);
    assert.equal((await site.browser().fetch(`${site.url}/limited/`)).status, 401);
    site.expectLog('OA-1701');
  });

  it('follows <If>', async () => {
    const browser = await site.signedIn();
    assert.equal((await browser.goto(`${site.url}/if/`)).status, 200);
    assert.equal((await browser.goto(`${site.url}/if/?strict`)).status, 403);
    site.expectLog('OA-1701');
  });

  it('lets in by address without a name, and with the name once signed in', async () => {
    const open = await site.browser().goto(`${site.url}/mixed/`, { headers: { 'X-Forwarded-User': 'evil' } });
    assert.equal(open.status, 200);
    assert.deepEqual(open.received('X-Forwarded-User'), []);
  });

  it('follows Satisfy any', async () => {
    assert.equal((await site.browser().fetch(`${site.url}/satisfy/`)).status, 401);
    site.expectLog('AH01797'); // mod_access_compat says whom it denied
    assert.equal((await (await site.signedIn()).goto(`${site.url}/satisfy/`)).status, 200);
  });
});

describe('Require oauth-fresh', () => {
  const site = useSite({
    provider: 'fake', config: (s) => s.provider() + s.place('/app') + s.place('/fresh', 'Require oauth-fresh 2s'),
  });
  it('closes with time', async () => {
    const browser = await site.signedIn();
    assert.equal((await browser.goto(`${site.url}/fresh/`)).status, 200);
    await seconds(3);
    assert.equal((await browser.goto(`${site.url}/fresh/`)).status, 403);
    site.expectLog('OA-1701');
  });
});

describe('OAuthUser', () => {
  const place = (s, path, user) => s.place(path, `OAuthUser ${user}\n Require valid-user`);
  const site = useSite({
    provider: 'fake',
    config: (s) => s.provider() + s.place('/app') + place(s, '/email', 'email') + place(s, '/expr', '"%{oauth_claim:preferred_username}@corp"')
      + place(s, '/absent', 'no_such_claim') + place(s, '/number', 'level'),
  });
  const user = async (path) => {
    const browser = await site.signedIn();
    return browser.goto(site.url + path);
  };

  it('may be a claim', async () => {
    assert.deepEqual((await user('/email/')).received('X-Forwarded-User'), ['uma@example.com']);
  });
  it('may be an expression', async () => {
    assert.deepEqual((await user('/expr/')).received('X-Forwarded-User'), ['uma@corp']);
  });
  it('is refused when the claim is absent', async () => {
    site.assertError(await user('/absent/'), 'USER_CLAIM');
  });
  for (const verified of [false, 'true', undefined, 1, null]) {
    it(`is refused when email_verified is ${JSON.stringify(verified)}`, async () => {
      const rule = { drop: ['email_verified'] }; // said nowhere else either
      site.fake.behave({ userinfo: rule, idToken: verified === undefined ? rule : { claims: { email_verified: verified } } });
      site.assertError(await user('/email/'), 'EMAIL_UNVERIFIED');
      assert.equal(site.backend.count('/email/'), 0);
    });
  }
  for (const value of ['', ' ', 'x\u0001y', 'a\nb', { a: 1 }, ['a', 'b'], null]) {
    it(`is refused when the claim is ${JSON.stringify(value)}`, async () => {
      site.fake.behave({ idToken: { claims: { level: value } } });
      const page = await user('/number/');
      site.assertError(page, 'USER_CLAIM');
    });
  }
});
