// What an integration test imports. A suite describes its site once; each test gets a running
// httpd, provider and backend, and its error log is judged when it ends:
//
//   describe('the login', () => {
//     const site = useSite({ config: (s) => `${s.provider()} <Location /app> … </Location>` });
//     it('leads back to the page that was asked for', async () => {
//       const browser = site.browser();
//       const page = await login(browser, `${site.url}/app/deep?x=1`, 'alice');
//       assert.equal(page.status, 200);
//     });
//   });
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before } from 'node:test';
import { startFake } from '../provider/fake.mjs';
import { client, startProvider } from '../provider/real.mjs';
import { startBackend } from './support/backend.mjs';
import { Browser, login } from './support/browser.mjs';
import { errorRow } from './support/errors.mjs';
import { prepareHttpd } from './support/httpd.mjs';
import { addSecret, addSecretSource } from './support/secrets.mjs';

export { startBackend, received } from './support/backend.mjs';
export { Browser, formsOf, login, unescapeHtml } from './support/browser.mjs';
export { CookieJar, parseSetCookie } from './support/cookies.mjs';
export { errorId, errorRow, errorRows } from './support/errors.mjs';
export { prepareHttpd, startHttpd } from './support/httpd.mjs';
export { h2Connect, rawRequest } from './support/raw.mjs';
export { freePort, waitForPort, waitUntil } from './support/ports.mjs';
export { addSecret } from './support/secrets.mjs';
export { readJwt } from '../provider/jws.mjs';
export { newKeyPair } from '../provider/keys.mjs';

// Waits for time itself to pass, for what happens by the clock (expiry). Never for readiness.
export function seconds(n) {
  return new Promise((resolve) => { setTimeout(resolve, n * 1000); });
}

const SECRET_FILE = 'conf/client.secret';

// The suite's site. Options:
//   provider   'real' (default), 'fake', or false
//   providerOptions, client   what startProvider()/startFake() and client() take, or fn(site) for
//              the client
//   config     fn(site) or text: the configuration after the harness's own
//   httpd      what startHttpd() takes: mpm, http2, tls, listeners, files, modules, env
//   secret     the client secret; null for a public client
export class Site {
  constructor(options) {
    this.options = options;
    this.secret = options.secret === undefined ? randomBytes(24).toString('hex') : options.secret;
    this.clientId = options.clientId ?? 'app';
  }

  async start() {
    const { provider: kind = 'real', providerOptions, httpd } = this.options;
    this.backend = await startBackend();
    this.httpd = await prepareHttpd(httpd);
    this.url = this.httpd.url;
    this.port = this.httpd.port;
    this.callback = `${this.url}/oauth/callback`;
    if (this.secret) {
      addSecret(this.secret);
      this.secretFile = this.httpd.file(SECRET_FILE, { content: `${this.secret}\n`, mode: 0o600 });
    }
    if (kind === 'real') {
      this.op = await startProvider({
        ...providerOptions,
        clients: [client({
          id: this.clientId,
          secret: this.secret,
          redirectUri: [this.callback, ...(this.options.redirectUris ?? [])],
          postLogout: this.postLogoutUris(),
          ...(typeof this.options.client === 'function' ? this.options.client(this) : this.options.client),
        })],
      });
    } else if (kind === 'fake') {
      this.op = await startFake({ clientId: this.clientId, clientSecret: this.secret ?? undefined, ...providerOptions });
      this.fake = this.op;
    }
    if (this.op) addSecretSource(this.op);
    this.httpd.write(this.text());
    await this.httpd.start();
  }

  // Where a provider may send the browser after a logout.
  postLogoutUris() {
    return [`${this.url}/`, `${this.url}/oauth/logout`, `${this.url}/public/bye`];
  }

  text(config = this.options.config) {
    return typeof config === 'function' ? config(this) : config ?? '';
  }

  // The directives that describe the provider and the client there.
  provider(more = '') {
    return `
OAuthIssuer ${this.op.issuer}
OAuthClientID ${this.clientId}
${this.secret ? `OAuthClientSecret file:${this.secretFile}` : 'OAuthClientAuth none'}
${more}
`;
  }

  // A protected place in front of the backend.
  place(path, lines = 'Require valid-user', more = '') {
    return `
<Location "${path}">
  AuthType OAuth
  ${lines}
  ProxyPass ${this.backend.url}${path}
  ${more}
</Location>
`;
  }

  // A place that everybody may see.
  open(path, more = '') {
    return `
<Location "${path}">
  ProxyPass ${this.backend.url}${path}
  ${more}
</Location>
`;
  }

  reload(config) {
    return this.httpd.reload(this.text(config));
  }

  browser(options) {
    return new Browser({ ca: this.httpd.ca, ...options });
  }

  // A browser that is signed in already.
  async signedIn(user = 'alice', path = '/app/', options = {}) {
    const browser = this.browser(options);
    const page = await login(browser, this.url + path, user);
    assert.equal(page.status, 200, `signing in ended with ${page.status}: ${page.errorId ?? page.text.slice(0, 300)}`);
    return browser;
  }

  get sessionCookie() {
    return this.httpd.options.tls ? '__Host-oauth' : 'oauth';
  }

  expectLog(pattern) {
    this.httpd.expectLog(pattern);
  }

  // The page is the module's own, with the row's status and id, one log line shares its reference,
  // and nothing of it may be cached. Several names: any of them.
  assertError(page, names, { status } = {}) {
    const rows = [names].flat().map(errorRow);
    const row = rows.find((one) => one.id === page.errorId);
    assert.ok(row, `wanted ${rows.map((one) => `${one.id} ${one.name}`)}, got status ${page.status}, ${
      page.errorId ?? page.text.slice(0, 300)}`);
    assert.equal(page.status, status ?? row.status);
    assert.match(page.headers['cache-control'] ?? '', /no-store/);
    this.expectLog(row.id);
    const lines = this.httpd.log.fresh().split('\n').filter((line) => line.includes(row.id));
    const references = lines.flatMap((line) => line.slice(line.indexOf(row.id) + row.id.length).match(/[\w-]{6,}/g) ?? [])
      .filter((word) => /\d/.test(word));
    assert.ok(references.some((word) => page.text.includes(word)), `the page of ${row.id} shows no reference of the log line`);
  }

  // The browser has no session: a program's request with its cookies is not let in.
  async assertNoSession(browser, path = '/app/') {
    const seen = this.backend.count(path);
    const answer = await browser.fetch(this.url + path);
    assert.equal(answer.status, 401);
    assert.equal(this.backend.count(path), seen);
  }

  async end() {
    const errors = [];
    for (const part of [this.httpd && { close: () => this.httpd.end() }, this.op, this.backend]) {
      await part?.close().catch((error) => errors.push(error));
    }
    if (errors.length) throw errors[0];
  }
}

export function useSite(options = {}) {
  const site = new Site(options);
  before(() => site.start());
  afterEach(async () => {
    const httpd = site.httpd?.pid && site.httpd;
    site.fake?.reset();
    site.backend?.reset();
    if (httpd) await httpd.log.check();
  });
  after(() => site.end());
  return site;
}
