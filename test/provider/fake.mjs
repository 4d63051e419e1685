// A provider that does what a test tells it: right by default (it checks PKCE, the redirect URI,
// client authentication, single use of codes and rotation of refresh tokens), wrong by table.
//
//   const fake = await startFake({ clientId: 'app', clientSecret: '…' });
//   fake.behave({ idToken: { claims: { iss: 'https://evil.example' } } });
//   fake.requests   // everything that arrived
//   fake.reset();
//
// What an answer may be told (`discovery`, `metadata`, `jwks`, `token`, and of its grants `refresh`,
// `service` and `exchange`, `userinfo`, `revoke`, `introspect`, `end_session`):
//   status, headers, type    as they say
//   set, drop, body          members set or removed, or the whole object replaced
//   raw                      the whole text replaced
//   delayMs, hang, cut       late, never, or the connection closed instead of an answer
//   times                    only for the first n requests
// `idToken` and `userinfoJwt`: claims, drop, header, headerText, payload, alg, sign
// ('none' 'empty' 'zero' 'short' 'badsig' 'otherkey' 'secret'), raw.
// `authorize`: params, drop, duplicate, error, raw.
import http from 'node:http';
import { createHash, createPublicKey, randomBytes } from 'node:crypto';
import {
  basicCredentials, FAKE_USER, formPostPage, GITHUB_PATHS, GITHUB_USER, PATHS, readBody, without,
} from './fake-parts.mjs';
import {
  leftHalf, makeJwt, makeKey, readJwt,
} from './jws.mjs';

export { FAKE_USER, GITHUB_USER } from './fake-parts.mjs';

const random = () => randomBytes(24).toString('base64url');

// Rules of the token endpoint that are for one grant alone.
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const GRANT_RULES = { refresh_token: 'refresh', client_credentials: 'service', [TOKEN_EXCHANGE]: 'exchange' };
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

export class FakeProvider {
  constructor(options) {
    this.options = { clientId: 'app', alg: 'RS256', claimsInIdToken: true, accessTokenTtl: 3600, ...options };
    this.paths = options.github ? GITHUB_PATHS : PATHS;
    this.user = options.user ?? (options.github ? GITHUB_USER : FAKE_USER);
    this.algs = [options.keys ?? this.options.alg].flat().filter((alg) => !alg.startsWith('HS'));
    this.issued = new Set();
    this.codes = new Map();
    this.refreshTokens = new Map();
    this.accessTokens = new Map();
    this.requests = [];
    this.hanging = new Set();
    this.jtis = new Set();
    this.rules = this.always();
    this.rotateKeys();
  }

  // ---- what tests say and ask -------------------------------------------------------------

  behave(rules) {
    this.rules = { ...this.always(), ...structuredClone(rules) };
  }

  // What startFake({ rules }) said, for the life of the provider.
  always() {
    return structuredClone(this.options.rules ?? {});
  }

  reset() {
    this.rules = this.always();
    this.requests.length = 0;
    for (const socket of this.hanging) socket.destroy();
    this.hanging.clear();
  }

  rotateKeys() {
    this.keys = this.algs.map((alg) => makeKey(alg));
  }

  // How many requests reached an endpoint (a name of PATHS) or a path.
  count(what) {
    const path = this.paths[what] ?? what;
    return this.requests.filter((request) => request.path === path).length;
  }

  last(what) {
    const path = this.paths[what] ?? what;
    return this.requests.filter((request) => request.path === path).pop();
  }

  secrets() {
    return [...this.issued];
  }

  // Everything granted so far is void, as if an administrator had withdrawn it.
  revokeAll() {
    this.refreshTokens.clear();
    this.accessTokens.clear();
  }

  // ---- life -------------------------------------------------------------------------------

  async start() {
    this.server = http.createServer((req, res) => {
      this.serve(req, res).catch((error) => {
        if (!res.headersSent) res.writeHead(500, { 'Content-Type': 'text/plain' });
        res.end(`the fake provider failed: ${error.stack}`);
      });
    });
    this.server.on('connection', (socket) => socket.on('close', () => this.hanging.delete(socket)));
    await this.resume(this.options.port ?? 0);
    this.issuer = `http://${this.options.host ?? 'localhost'}:${this.port}${this.options.issuerPath ?? ''}`;
    return this;
  }

  resume(port = this.port) {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', () => {
        this.server.off('error', reject);
        this.port = this.server.address().port;
        resolve();
      });
    });
  }

  pause() {
    return new Promise((resolve) => {
      this.server.close(resolve);
      this.server.closeAllConnections();
    });
  }

  close() {
    return this.pause();
  }

  // ---- serving ----------------------------------------------------------------------------

  async serve(req, res) {
    const url = new URL(req.url, 'http://any');
    const text = await readBody(req);
    const request = {
      method: req.method,
      path: url.pathname,
      query: url.searchParams,
      headers: req.headers,
      text,
      form: new URLSearchParams(text),
      at: Date.now(),
    };
    this.requests.push(request);

    const name = this.endpointOf(url.pathname);
    if (!name) return this.answer(res, {}, { status: 404, raw: 'no such path', type: 'text/plain' });
    if (name === 'authorize') return this.authorize(request, res);
    const grantRule = name === 'token' && GRANT_RULES[request.form.get('grant_type')];
    const rule = this.takeRule(grantRule && this.rules[grantRule] ? grantRule : name);
    // A refused or broken answer must not use up the code or the refresh token.
    const replaced = rule.raw !== undefined || rule.body !== undefined || rule.status >= 400
      || rule.hang || rule.cut;
    const { status = 200, body, type } = replaced ? { body: {} } : this[name](request);
    return this.answer(res, body, { type, ...rule, status: rule.status ?? status });
  }

  endpointOf(path) {
    const at = this.options.issuerPath ?? '';
    if (!this.options.github) {
      if (path === `${at}/.well-known/openid-configuration`) return 'discovery';
      if (path === `/.well-known/oauth-authorization-server${at}`) return 'metadata';
    }
    return Object.keys(this.paths).find((name) => this.paths[name] === path);
  }

  takeRule(name) {
    const rule = this.rules[name];
    if (!rule) return {};
    if (rule.times === undefined) return rule;
    if (rule.times <= 0) return {};
    rule.times -= 1;
    return rule;
  }

  async answer(res, body, rule) {
    if (rule.delayMs) await new Promise((resolve) => { setTimeout(resolve, rule.delayMs); });
    if (rule.cut) return res.socket.destroy();
    if (rule.hang) return this.hanging.add(res.socket);
    let text = rule.raw;
    if (text === undefined) {
      const full = rule.body ?? body;
      text = typeof full === 'string'
        ? full
        : JSON.stringify(without({ ...full, ...rule.set }, rule.drop));
    }
    res.writeHead(rule.status ?? 200, {
      'Content-Type': rule.type ?? 'application/json',
      'Cache-Control': 'no-store',
      ...rule.headers,
    });
    return res.end(text);
  }

  // ---- endpoints: each returns { status, body, type } ---------------------------------------

  discovery() {
    const base = `http://${this.options.host ?? 'localhost'}:${this.port}`;
    const at = (name) => base + this.paths[name];
    return {
      body: {
        issuer: this.issuer,
        authorization_endpoint: at('authorize'),
        token_endpoint: at('token'),
        userinfo_endpoint: at('userinfo'),
        jwks_uri: at('jwks'),
        revocation_endpoint: at('revoke'),
        introspection_endpoint: at('introspect'),
        end_session_endpoint: at('end_session'),
        response_types_supported: ['code'],
        response_modes_supported: ['query', 'form_post'],
        grant_types_supported: ['authorization_code', 'refresh_token'],
        subject_types_supported: ['public'],
        scopes_supported: ['openid', 'profile', 'email', 'groups', 'offline_access'],
        id_token_signing_alg_values_supported: [this.options.alg],
        token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
      },
    };
  }

  metadata() {
    return this.discovery();
  }

  jwks() {
    return { body: { keys: [...(this.options.extraKeys ?? []), ...this.keys.map((key) => key.jwk)] } };
  }

  revoke(request) {
    if (request.form.has('client_assertion') && !this.assertedClient(request)) {
      return { status: 401, body: { error: 'invalid_client' } };
    }
    const token = request.form.get('token');
    this.refreshTokens.delete(token);
    this.accessTokens.delete(token);
    return { body: '' };
  }

  introspect(request) {
    const known = this.accessTokens.get(request.form.get('token'));
    return { body: known ? { active: true, sub: this.user.sub, client_id: this.options.clientId } : { active: false } };
  }

  end_session() {
    return { type: 'text/html', body: '<!DOCTYPE html><title>Signed out</title><p>Signed out of the fake provider.' };
  }

  authorize(request, res) {
    const rule = this.rules.authorize ?? {};
    if (rule.raw !== undefined || rule.status) return this.answer(res, '', { type: 'text/html', ...rule });
    const asked = request.query;
    const code = random();
    this.codes.set(code, {
      challenge: asked.get('code_challenge'),
      redirectUri: asked.get('redirect_uri'),
      nonce: asked.get('nonce'),
      scope: asked.get('scope') ?? '',
    });
    this.issued.add(code);

    const params = without({
      ...(rule.error ? { error: rule.error } : { code }),
      state: asked.get('state') ?? undefined,
      iss: this.options.github ? undefined : this.issuer,
      ...rule.params,
    }, rule.drop);
    const pairs = Object.entries(params);
    for (const name of rule.duplicate ?? []) pairs.push([name, params[name]]);

    const target = asked.get('redirect_uri');
    const mode = rule.mode ?? asked.get('response_mode');
    if (mode === 'form_post') {
      return this.answer(res, formPostPage(target, pairs), { type: 'text/html; charset=utf-8' });
    }
    const query = new URLSearchParams(pairs).toString();
    return this.answer(res, '', { status: 302, headers: { Location: `${target}?${query}` }, type: 'text/plain' });
  }

  clientOf(request) {
    const basic = basicCredentials(request.headers.authorization);
    const post = request.form.has('client_secret') && {
      method: 'client_secret_post', id: request.form.get('client_id'), secret: request.form.get('client_secret'),
    };
    const asserted = request.form.has('client_assertion');
    if ([basic, post, asserted].filter(Boolean).length > 1) return undefined;
    if (asserted) return this.assertedClient(request);
    const given = basic || post || { method: 'none', id: request.form.get('client_id') };
    const wanted = this.options.clientSecret;
    const right = given.id === this.options.clientId && given.secret === wanted;
    return right ? given : undefined;
  }

  // RFC 7523 3, strictly: the issuer (or what the test says) as the only audience, each jti once.
  assertedClient(request) {
    const { form } = request;
    const { clientId, clientKeys, clientSecret, assertionAudience = this.issuer } = this.options;
    try {
      const { header, payload } = readJwt(form.get('client_assertion'), clientKeys?.() ?? clientSecret);
      const now = Date.now() / 1000;
      const right = form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
        && header.typ === 'client-authentication+jwt'
        && payload.iss === clientId && payload.sub === clientId && payload.aud === assertionAudience
        && payload.exp > now && payload.exp <= now + 61 && payload.iat <= now + 1
        && payload.jti?.length >= 16 && !this.jtis.has(payload.jti);
      this.jtis.add(payload.jti);
      request.assertion = { header, payload };
      return right ? { method: 'client_assertion', id: clientId } : undefined;
    } catch {
      return undefined;
    }
  }

  token(request) {
    const fail = (error, status = 400) => (this.options.github
      ? { body: { error, error_description: 'as GitHub does, with status 200' } }
      : { status, body: { error, error_description: `the fake provider says ${error}` } });
    if (request.method !== 'POST') return fail('invalid_request', 405);
    request.client = this.clientOf(request);
    if (!request.client) return fail('invalid_client', 401);
    const { form } = request;
    if (form.get('grant_type') === 'refresh_token') return this.refreshGrant(form, fail);
    if (form.get('grant_type') === 'client_credentials') return this.clientGrant(form);
    if (form.get('grant_type') === TOKEN_EXCHANGE) return this.exchangeGrant(form, fail);
    if (form.get('grant_type') !== 'authorization_code') return fail('unsupported_grant_type');

    const grant = this.codes.get(form.get('code'));
    this.codes.delete(form.get('code'));
    if (!grant || grant.redirectUri !== form.get('redirect_uri')) return fail('invalid_grant');
    const proof = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
    if (!grant.challenge || grant.challenge !== proof) return fail('invalid_grant');
    if (this.options.github) return this.githubTokens(request);
    return { body: this.tokens({ id: random(), nonce: grant.nonce, scope: grant.scope }) };
  }

  refreshGrant(form, fail) {
    const token = form.get('refresh_token');
    const entry = this.refreshTokens.get(token);
    if (!entry) return fail('invalid_grant');
    if (entry.used) {
      // A used token that comes back is taken for a stolen one: the whole grant ends.
      for (const [other, { grant }] of this.refreshTokens) {
        if (grant.id === entry.grant.id) this.refreshTokens.delete(other);
      }
      return fail('invalid_grant');
    }
    // Nothing is used up by asking for what was not granted.
    const resources = form.getAll('resource');
    if (resources.some((one) => this.options.resources && !this.options.resources.includes(one))) return fail('invalid_target');
    const granted = entry.grant.scope.split(' ');
    if (form.has('scope') && !form.get('scope').split(' ').every((one) => granted.includes(one))) return fail('invalid_scope');
    if (this.options.rotate !== false) entry.used = true;
    const body = this.tokens(entry.grant, this.options.rotate === false && token);
    if (resources.length) {
      this.accessTokens.set(body.access_token, { ...entry.grant, resources, scope: form.get('scope') ?? entry.grant.scope });
      body.expires_in = this.options.exchangedTokenTtl ?? body.expires_in;
    }
    return { body };
  }

  // RFC 8693: for an access token of a login that is still good.
  exchangeGrant(form, fail) {
    const subject = this.accessTokens.get(form.get('subject_token'));
    if (!subject?.id || form.get('subject_token_type') !== ACCESS_TOKEN) return fail('invalid_request');
    if (form.get('requested_token_type') !== ACCESS_TOKEN) return fail('invalid_request');
    const accessToken = `exchanged-${random()}`;
    const target = Object.fromEntries(['scope', 'audience', 'resource'].map((name) => [name, form.get(name)]));
    this.accessTokens.set(accessToken, { subject: subject.id, ...target });
    this.issued.add(accessToken);
    return {
      body: {
        access_token: accessToken,
        issued_token_type: ACCESS_TOKEN,
        token_type: 'Bearer',
        expires_in: this.options.exchangedTokenTtl ?? 3600,
      },
    };
  }

  clientGrant(form) {
    const accessToken = `service-${random()}`;
    const target = Object.fromEntries(['scope', 'audience', 'resource'].map((name) => [name, form.get(name)]));
    this.accessTokens.set(accessToken, target);
    this.issued.add(accessToken);
    return { body: { access_token: accessToken, token_type: 'Bearer', expires_in: this.options.serviceTokenTtl ?? 3600 } };
  }

  tokens(grant, keptRefreshToken) {
    grant.authTime ??= Math.floor(Date.now() / 1000);
    const accessToken = random();
    const refreshToken = keptRefreshToken || random();
    this.accessTokens.set(accessToken, grant);
    if (!keptRefreshToken) this.refreshTokens.set(refreshToken, { grant, used: false });
    const idToken = this.idToken(grant, accessToken);
    for (const token of [accessToken, refreshToken, idToken]) this.issued.add(token);
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: this.options.accessTokenTtl,
      refresh_token: refreshToken,
      scope: grant.scope,
      id_token: idToken,
    };
  }

  githubTokens(request) {
    const accessToken = `gho_${random()}`;
    this.accessTokens.set(accessToken, {});
    this.issued.add(accessToken);
    const body = { access_token: accessToken, scope: 'read:user,user:email', token_type: 'bearer' };
    if (/application\/json/.test(request.headers.accept ?? '')) return { body };
    return { type: 'application/x-www-form-urlencoded', body: new URLSearchParams(body).toString() };
  }

  // Signs claims as the rule says.
  jwt(claims, rule) {
    if (rule.raw !== undefined) return rule.raw;
    const alg = rule.alg ?? this.options.alg;
    let key = this.keys.find((one) => one.alg === alg);
    if (rule.sign === 'otherkey') key = makeKey(alg, key?.kid);
    if (alg.startsWith('HS')) key = this.options.clientSecret;
    // The old trick: HMAC with the text of the published public key.
    if (rule.sign === 'publickey') {
      key = createPublicKey(this.keys[0].privateKey).export({ type: 'spki', format: 'pem' });
    }
    const spoil = ['none', 'empty', 'zero', 'short', 'badsig'].includes(rule.sign) ? rule.sign : undefined;
    return makeJwt({
      alg,
      key,
      spoil,
      header: rule.header,
      headerText: rule.headerText,
      payload: rule.payload ?? without({ ...claims, ...rule.claims }, rule.drop),
    });
  }

  idToken(grant, accessToken) {
    const now = Math.floor(Date.now() / 1000);
    const rule = this.rules.idToken ?? {};
    const alg = rule.alg ?? this.options.alg;
    const { sub, ...claims } = this.user;
    return this.jwt({
      iss: this.issuer,
      sub,
      aud: this.options.clientId,
      iat: now,
      exp: now + 600,
      auth_time: grant.authTime ?? now,
      at_hash: leftHalf(alg, accessToken),
      ...(grant.nonce && { nonce: grant.nonce }),
      ...(this.options.claimsInIdToken && claims),
    }, rule);
  }

  // An access token as RFC 9068 has it, wrong as the rule (as for idToken) says.
  accessToken(aud, rule = {}) {
    const now = Math.floor(Date.now() / 1000);
    const token = this.jwt({
      iss: this.issuer,
      sub: this.user.sub,
      aud,
      client_id: 'a-program',
      jti: random(),
      iat: now,
      exp: now + 600,
      scope: 'read',
    }, { ...rule, header: { typ: 'at+jwt', ...rule.header } });
    this.issued.add(token);
    return token;
  }

  userinfo(request) {
    const token = /^bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!this.accessTokens.has(token)) {
      return { status: 401, body: { error: 'invalid_token' } };
    }
    if (!this.options.userinfoJwt && !this.rules.userinfoJwt) return { body: this.user };
    const rule = this.rules.userinfoJwt ?? {};
    const claims = { iss: this.issuer, aud: this.options.clientId, ...this.user };
    return { type: 'application/jwt', body: this.jwt(claims, rule) };
  }
}

export async function startFake(options = {}) {
  return new FakeProvider(options).start();
}
