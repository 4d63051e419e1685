// What comes back to the callback: wrong answers of the provider, and browsers (or somebody else)
// that make them up. No code is exchanged for any of them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rawRequest, useSite } from './harness.mjs';

const SITE = (s) => s.provider() + s.place('/app');

// what the provider's answer is like, the rule, the error
const ANSWERS = [
  ['another iss', { params: { iss: 'https://evil.example' } }, 'ISSUER_MISMATCH'],
  ['no iss, though it was announced', { drop: ['iss'] }, 'ISSUER_MISMATCH'],
  ['an empty iss', { params: { iss: '' } }, ['ISSUER_MISMATCH', 'CALLBACK_PARAMETERS']],
  ['two issuers', { duplicate: ['iss'] }, 'CALLBACK_PARAMETERS'],
  ['two codes', { duplicate: ['code'] }, 'CALLBACK_PARAMETERS'],
  ['two states', { duplicate: ['state'] }, 'CALLBACK_PARAMETERS'],
  ['no code', { drop: ['code'] }, 'CALLBACK_PARAMETERS'],
  ['an empty code', { params: { code: '' } }, 'CALLBACK_PARAMETERS'],
  ['a code of 5,000 characters', { params: { code: 'c'.repeat(5000) } }, 'CALLBACK_PARAMETERS'],
  ['a code with a newline', { params: { code: 'a\r\nb' } }, 'CALLBACK_PARAMETERS'],
  ['no state', { drop: ['state'] }, 'STATE_MISSING'],
  ['another state', { params: { state: 'made-up' } }, 'STATE_INVALID'],
  ['a state of 5,000 characters', { params: { state: 'A'.repeat(5000) } }, ['STATE_INVALID', 'CALLBACK_PARAMETERS']],
  ['access_denied', { error: 'access_denied' }, 'PROVIDER_DENIED'],
  ['login_required', { error: 'login_required' }, 'PROVIDER_INTERACTION'],
  ['interaction_required', { error: 'interaction_required' }, 'PROVIDER_INTERACTION'],
  ['server_error', { error: 'server_error', params: { error_description: '<script>alert(1)</script>', error_uri: 'javascript:alert(1)' } }, 'PROVIDER_ERROR'],
  ['an error that nobody knows', { error: 'what_is_this' }, 'PROVIDER_ERROR'],
  ['an error of another issuer', { error: 'server_error', params: { iss: 'https://evil.example' } }, 'ISSUER_MISMATCH'],
  ['an error and a code', { params: { error: 'server_error' } }, ['PROVIDER_ERROR', 'CALLBACK_PARAMETERS']],
  ['form_post, which was not asked for', { mode: 'form_post' }, 'CALLBACK_METHOD'],
];

describe('an authorization response with', () => {
  const site = useSite({ provider: 'fake', config: SITE });
  for (const [what, rule, errors] of ANSWERS) {
    it(`${what} signs nobody in`, async () => {
      site.fake.behave({ authorize: rule });
      const browser = site.browser();
      const page = await browser.goto(`${site.url}/app/`);
      site.assertError(page, errors);
      assert.equal(site.fake.count('token'), 0, 'no code was exchanged');
      assert.equal(site.fake.count('authorize'), 1, 'no loop');
      assert.ok(!page.text.includes('alert(1)'));
      await site.assertNoSession(browser);
    });
  }

  it('parameters that nobody knows is accepted', async () => {
    site.fake.behave({ authorize: { params: { session_state: 'x.y', foo: 'bar' } } });
    await site.signedIn();
  });
});

describe('a provider that does not announce iss', () => {
  const rule = { drop: ['authorization_response_iss_parameter_supported'] };
  const site = useSite({
    provider: 'fake', providerOptions: { rules: { discovery: rule, metadata: rule } }, config: SITE });

  it('may leave it out', async () => {
    site.fake.behave({ authorize: { drop: ['iss'] } });
    await site.signedIn();
  });

  it('is held to it all the same', async () => {
    site.fake.behave({ authorize: { params: { iss: 'https://evil.example' } } });
    site.assertError(await site.browser().goto(`${site.url}/app/`), 'ISSUER_MISMATCH');
    assert.equal(site.fake.count('token'), 0);
  });
});

// what a browser brings, query; none of them has been at the provider
const MADE_UP = [
  ['nothing', '', ['STATE_MISSING', 'CALLBACK_PARAMETERS']],
  ['a code alone', 'code=abc', 'STATE_MISSING'],
  ['a state alone', 'state=abc', ['STATE_INVALID', 'CALLBACK_PARAMETERS']],
  ['an empty state', 'code=abc&state=', ['STATE_MISSING', 'STATE_INVALID', 'CALLBACK_PARAMETERS']],
  ['a made-up state', 'code=abc&state=abc', 'STATE_INVALID'],
  ['a long state', `code=abc&state=${'A'.repeat(4000)}`, 'STATE_INVALID'],
  ['a state of wrong characters', 'code=abc&state=%00%ff%0a', ['STATE_INVALID', 'CALLBACK_PARAMETERS']],
  ['broken percent signs', 'code=%zz&state=%', ['STATE_INVALID', 'CALLBACK_PARAMETERS']],
  ['an error', 'error=access_denied', ['STATE_MISSING', 'CALLBACK_PARAMETERS']],
  ['an error with a made-up state', 'error=access_denied&state=abc', 'STATE_INVALID'],
  ['a thousand parameters', `code=a&state=b&${'x=1&'.repeat(1000)}`, 'CALLBACK_PARAMETERS'],
  ['semicolons', 'code=abc;state=abc', ['STATE_MISSING', 'STATE_INVALID', 'CALLBACK_PARAMETERS']],
  ['a fragment of tokens', 'access_token=x&id_token=y&state=abc', ['STATE_INVALID', 'CALLBACK_PARAMETERS']],
];

describe('a browser at the callback with', () => {
  const site = useSite({ provider: 'fake', config: SITE });
  for (const [what, query, errors] of MADE_UP) {
    it(`${what} is refused`, async () => {
      const browser = site.browser();
      site.assertError(await browser.goto(`${site.callback}?${query}`, { from: 'https://evil.example/' }), errors);
      assert.deepEqual(site.fake.requests.filter((one) => one.path === '/token'), []);
      await site.assertNoSession(browser);
    });
  }

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'FOO']) {
    it(`method ${method} is refused`, async () => {
      const page = await site.browser().goto(`${site.callback}?code=a&state=b`, { method, follow: false });
      site.assertError(page, ['CALLBACK_METHOD', 'ENDPOINT_METHOD', ...(method === 'POST' ? ['STATE_MISSING'] : [])]);
    });
  }

  it('a query of 8,000 characters costs nothing', async () => {
    const began = Date.now();
    const answer = await rawRequest(site.port, [
      `GET /oauth/callback?code=${'%41'.repeat(2600)} HTTP/1.1`, 'Host: localhost', 'Connection: close', '', '']);
    assert.equal(answer.status, 400);
    assert.ok(Date.now() - began < 1000);
    site.expectLog(/OA-12\d\d/);
  });
});

describe('a right answer', () => {
  const site = useSite({ provider: 'fake', config: SITE });
  const back = async (browser) => (await browser.goto(`${site.url}/app/x`, {
    stopAt: (hop) => hop.location?.startsWith(site.callback) })).location;

  it('in another browser starts a login there, and does not sign in the one who began', async () => {
    const victim = site.browser();
    const stolen = await back(site.browser());
    const exchanged = site.fake.count('token');
    const first = await victim.goto(stolen, { follow: false });
    assert.equal(site.fake.count('token'), exchanged, 'the stolen code is not exchanged');
    assert.ok([303, 400].includes(first.status));
    if (first.status === 400) site.assertError(first, 'STATE_UNBOUND');
    else assert.ok(first.location.startsWith(site.fake.issuer), 'the login starts again');
    await site.assertNoSession(victim);
  });

  it('in a browser that keeps no cookies ends with an explanation, not in a loop', async () => {
    const browser = site.browser();
    browser.jar.store = () => {};
    const page = await browser.goto(`${site.url}/app/`);
    site.assertError(page, 'STATE_UNBOUND');
    assert.ok(site.fake.count('authorize') <= 4);
    assert.equal(site.fake.count('token'), 0);
  });

  it('that comes twice leads to the page and is exchanged once', async () => {
    const browser = site.browser();
    const answer = await back(browser);
    assert.equal((await browser.goto(answer)).json.url, '/app/x');
    const again = await browser.goto(answer);
    assert.equal(again.json.url, '/app/x');
    assert.equal(site.fake.count('token'), 1);
  });

  it('that comes twice at the same time is exchanged once', async () => {
    const browser = site.browser();
    const answer = await back(browser);
    await Promise.all([browser.goto(answer, { follow: false }), browser.goto(answer, { follow: false })]);
    const codes = site.fake.requests.filter((one) => one.path === '/token').map((one) => one.form.get('code'));
    assert.equal(new Set(codes).size, codes.length, 'no code twice');
    if (codes.length !== 1) site.expectLog(/OA-12\d\d/);
    assert.equal((await browser.goto(`${site.url}/app/`)).status, 200);
  });

  it('with another login\'s code signs nobody in', async () => {
    const [mine, other] = [site.browser(), site.browser()];
    const [a, b] = [new URL(await back(mine)), new URL(await back(other))];
    a.searchParams.set('code', b.searchParams.get('code'));
    site.assertError(await mine.goto(a.href), 'TOKEN_GRANT'); // PKCE: the verifier does not fit
    await site.assertNoSession(mine);
  });

  it('with a state that was changed by one character is refused', async () => {
    const browser = site.browser();
    const answer = new URL(await back(browser));
    const state = answer.searchParams.get('state');
    for (const at of [0, 5, state.length >> 1, state.length - 2]) {
      const changed = state.slice(0, at) + (state[at] === 'A' ? 'B' : 'A') + state.slice(at + 1);
      answer.searchParams.set('state', changed);
      site.assertError(await browser.goto(answer.href), 'STATE_INVALID');
    }
    assert.equal(site.fake.count('token'), 0);
  });
});

describe('the callback of response mode form_post', () => {
  const site = useSite({ provider: 'fake', config: (s) => s.provider('OAuthResponseMode form_post') + s.place('/app') });
  const post = (body, headers = {}) => site.browser().goto(site.callback, {
    method: 'POST', body, follow: false, from: `${site.fake.issuer}/`, headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers } });

  it('takes the answer from the body', async () => {
    await site.signedIn();
  });

  it('shows an error that comes in the body', async () => {
    site.fake.behave({ authorize: { error: 'access_denied' } });
    site.assertError(await site.browser().goto(`${site.url}/app/`), 'PROVIDER_DENIED');
  });

  it('does not take it from the query', async () => {
    site.fake.behave({ authorize: { mode: 'query' } });
    site.assertError(await site.browser().goto(`${site.url}/app/`), 'CALLBACK_METHOD');
  });

  for (const [what, body, headers] of [
    ['nothing', '', {}],
    ['JSON', '{"code":"a","state":"b"}', { 'Content-Type': 'application/json' }],
    ['a multipart form', '--x\r\n\r\n--x--', { 'Content-Type': 'multipart/form-data; boundary=x' }],
    ['100 kB', `code=${'a'.repeat(100000)}&state=b`, {}],
    ['a made-up state', 'code=a&state=b', {}],
    ['two states', 'code=a&state=b&state=c', {}],
  ]) {
    it(`refuses ${what}`, async () => {
      const page = await post(body, headers);
      assert.ok(page.status >= 400 && page.status < 500, String(page.status));
      assert.match(page.errorId ?? '', /^OA-/);
      site.expectLog(page.errorId);
      assert.equal(site.fake.count('token'), 0);
    });
  }
});
