// The module's cookies never reach an application; everybody else's do.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rawRequest, received, useSite } from './harness.mjs';

const SITE = (s) => s.provider() + s.place('/app') + s.open('/public');

describe('the Cookie header that the backend gets', () => {
  const site = useSite({ provider: 'fake', config: SITE });
  let browser;
  const values = async () => {
    browser = browser ?? await site.signedIn();
    return { n: site.sessionCookie, v: browser.cookie(site.sessionCookie) };
  };
  const ask = (path, lines) => rawRequest(site.port, [
    `GET ${path} HTTP/1.1`, 'Host: localhost', ...lines, 'Connection: close', '', '']);

  // cookie lines of the request (S stands for the session cookie), what the backend may see
  const rows = [
    [['S'], null],
    [['S; a=1'], 'a=1'],
    [['a=1; S'], 'a=1'],
    [['a=1; S; b=2'], 'a=1; b=2'],
    [['a=1;S;b=2'], 'a=1; b=2'],
    [['a=1; S; S; b=2'], 'a=1; b=2'],
    [['S;'], null],
    [['; ;S; ; '], null],
    [['S', 'a=1'], 'a=1'],
    [['S', 'S'], null],
    [['a=x=y; S; b="q; r"'], null, /a=x=y/],
    [['a; S; =b; c='], null, /^a/],
  ];
  for (const [lines, wanted, pattern] of rows) {
    it(`is ${wanted === null && !pattern ? 'absent' : JSON.stringify(wanted ?? String(pattern))} for ${JSON.stringify(lines)}`, async () => {
      const { n, v } = await values();
      const answer = await ask('/app/', lines.map((line) => `Cookie: ${line.replaceAll('S', `${n}=${v}`)}`));
      assert.equal(answer.status, 200, answer.text.slice(0, 300).replaceAll(v, '…'));
      const got = received(answer.body, 'Cookie');
      assert.ok(!got.join().includes(v), 'the session cookie got through');
      if (pattern) assert.match(got.join(), pattern);
      else if (wanted === null) assert.deepEqual(got, []);
      else assert.equal(got.join('; ').replace(/;\s*/g, '; '), wanted);
    });
  }

  it('keeps names that only look like the module\'s', async () => {
    const { n, v } = await values();
    const others = [`${n}2=1`, `x${n}=1`, `${n.toUpperCase()}=1`, `${n}.x=1`];
    const [got] = received((await ask('/app/', [`Cookie: ${others.join('; ')}; ${n}=${v}`])).body, 'Cookie');
    for (const other of others) assert.ok(got.includes(other), other);
    assert.ok(!got.includes(v));
  });

  it('is clean at a public place and with 500 cookies as well', async () => {
    const { n, v } = await values();
    const many = Array.from({ length: 500 }, (_, i) => `c${i}=${i}`).join('; ');
    const open = await ask('/public/', [`Cookie: a=1; ${n}=${v}`]);
    assert.deepEqual(received(open.body, 'Cookie'), ['a=1']);
    const [got] = received((await ask('/app/', [`Cookie: ${n}=${v}; ${many}`])).body, 'Cookie');
    assert.equal(got.split('; ').length, 500);
  });

  it('does not hold the cookie of a login that is under way', async () => {
    const starting = site.browser();
    await starting.goto(`${site.url}/app/`, { follow: false });
    assert.equal(starting.jar.cookies.length, 1);
    starting.jar.store('other=1; Path=/', new URL(site.url));
    const page = await starting.goto(`${site.url}/public/`);
    assert.deepEqual(page.received('Cookie'), ['other=1']);
  });
});
