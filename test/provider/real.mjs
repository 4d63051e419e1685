// The certified oidc-provider, on loopback, with two users and without consent pages: what the
// module meets in real life. As a library for the tests:
//
//   const provider = await startProvider({ clients: [...], ttl: { AccessToken: 3 } });
//   provider.issuer; await provider.close();
//
// and as a program for the demo, which prints one line of JSON when it is ready:
//
//   node real.mjs --port 9080 --client-id app --client-secret s3cret --redirect-uri http://…
import http from 'node:http';
import { randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import Provider, { errors } from 'oidc-provider';
import { newKeyPair } from './keys.mjs';
import { memoryStore } from './memory-store.mjs';
import { errorPage, loginPage, logoutPage, signedOutPage } from './pages.mjs';

export const USERS = {
  alice: {
    name: 'Alice Example',
    email: 'alice@example.com',
    email_verified: true,
    preferred_username: 'alice',
    groups: ['staff', 'admins'],
  },
  bob: {
    name: 'Bob Example',
    email: 'bob@example.com',
    email_verified: true,
    preferred_username: 'bob',
    groups: ['staff'],
  },
};

const KEY_KINDS = [
  ['RS256', 'rsa', { modulusLength: 2048 }],
  ['ES256', 'ec', { namedCurve: 'P-256' }],
  ['EdDSA', 'ed25519', {}],
];

function makeKeys() {
  const keys = KEY_KINDS.map(([alg, kind, options]) => {
    const { privateKey } = newKeyPair(kind, options);
    const kid = randomBytes(6).toString('hex');
    return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg };
  });
  return { keys };
}

// Turns what a test writes into what oidc-provider wants to know of a client.
export function client({ id = 'app', secret, auth, redirectUri, postLogout, ...rest }) {
  const method = auth ?? (secret ? 'client_secret_basic' : 'none');
  return {
    client_id: id,
    ...(secret && { client_secret: secret }),
    token_endpoint_auth_method: method,
    redirect_uris: [redirectUri].flat(),
    ...(postLogout && { post_logout_redirect_uris: [postLogout].flat() }),
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    ...rest,
  };
}

function configuration(options, store, jwks, cookieKeys) {
  const users = options.users ?? USERS;
  const html = (ctx, text) => {
    ctx.type = 'html';
    ctx.body = text;
  };
  return {
    adapter: store.Adapter,
    jwks,
    clients: options.clients ?? [],
    cookies: { keys: cookieKeys },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    // Claims come from userinfo, as the standard has it for the code flow, unless a test asks
    // for the habit of most providers, which put them into the ID Token.
    conformIdTokenClaims: !options.claimsInIdToken,
    responseTypes: ['code'],
    pkce: { required: () => true },
    rotateRefreshToken: options.rotateRefreshToken ?? true,
    issueRefreshToken: async (ctx, oauthClient, code) => oauthClient.grantTypeAllowed('refresh_token')
      && (options.refreshToken !== 'offline_access' || code.scopes.has('offline_access')),
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 60,
      Grant: 86400,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 86400,
      Session: 86400,
      ...options.ttl,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      // resources: resource -> what oidc-provider wants to know of it (scope, audience, format).
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: async (ctx, resource) => {
          const info = options.resources?.[resource];
          if (!info) throw new errors.InvalidTarget();
          return { scope: '', audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } }, ...info };
        },
        // false: without the parameter resource, a token is for the userinfo endpoint.
        useGrantedResource: async () => options.useGrantedResource ?? true,
      },
      jwtUserinfo: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => html(ctx, logoutPage(form)),
        postLogoutSuccessSource: (ctx) => html(ctx, signedOutPage()),
      },
    },
    enabledJWA: {
      idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'],
      userinfoSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'],
    },
    clientBasedCORS: () => false,
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    renderError: (ctx, out) => html(ctx, errorPage(out)),
    findAccount: (ctx, sub) => users[sub] && {
      accountId: sub,
      claims: async () => ({ sub, ...users[sub] }),
    },
    // Consent is given here and now, for everything that was asked.
    loadExistingGrant: async (ctx) => {
      const { provider, session, client: oauthClient, params } = ctx.oidc;
      const known = session.grantIdFor(oauthClient.clientId);
      const grant = (known && await provider.Grant.find(known))
        ?? new provider.Grant({ accountId: session.accountId, clientId: oauthClient.clientId });
      grant.addOIDCScope(params.scope);
      for (const uri of [params.resource ?? []].flat()) grant.addResourceScope(uri, params.scope);
      await grant.save();
      return grant;
    },
    ...options.configuration,
  };
}

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

// RFC 8693, as oidc-provider wants a grant of one's own: an access token of a user for a resource.
function registerExchange(provider, options) {
  const params = ['subject_token', 'subject_token_type', 'requested_token_type', 'resource', 'audience', 'scope'];
  provider.registerGrantType(TOKEN_EXCHANGE, async (ctx, next) => {
    const { client: oauthClient, params: given } = ctx.oidc;
    const info = options.resources?.[given.resource];
    const subject = given.subject_token_type === ACCESS_TOKEN && await provider.AccessToken.find(given.subject_token);
    if (!subject || subject.isExpired || subject.clientId !== oauthClient.clientId) {
      throw new errors.InvalidRequest('no such subject_token');
    }
    if (!info) throw new errors.InvalidTarget();
    const token = new provider.AccessToken({
      accountId: subject.accountId, client: oauthClient, grantId: subject.grantId, gty: 'token-exchange', scope: given.scope,
    });
    token.resourceServer = new provider.ResourceServer(given.resource, {
      audience: given.resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } }, ...info,
    });
    ctx.body = {
      access_token: await token.save(),
      issued_token_type: ACCESS_TOKEN,
      token_type: token.tokenType,
      expires_in: token.expiration,
      scope: given.scope,
    };
    await next();
  }, params);
}

// oidc-provider tells developers what they should change before production; that is no news here.
function quietly(make) {
  const { info, warn } = console;
  const filter = (print) => (text, ...rest) => {
    if (!/oidc-provider (WARNING|NOTICE)/.test(String(text))) print(text, ...rest);
  };
  console.info = filter(info);
  console.warn = filter(warn);
  try {
    return make();
  } finally {
    Object.assign(console, { info, warn });
  }
}

async function readForm(req) {
  let text = '';
  for await (const chunk of req) {
    text += chunk;
    if (text.length > 65536) throw new Error('form too large');
  }
  return new URLSearchParams(text);
}

async function interaction(provider, users, req, res) {
  const details = await provider.interactionDetails(req, res);
  const oauthClient = await provider.Client.find(details.params.client_id);
  const show = (status, extra) => {
    res.writeHead(status, {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    });
    res.end(loginPage({ action: req.url, client: oauthClient.clientName ?? oauthClient.clientId, ...extra }));
  };
  if (req.method !== 'POST') return show(200, { login: details.params.login_hint });

  const form = await readForm(req);
  const login = form.get('login') ?? '';
  if (!Object.hasOwn(users, login) || form.get('password') !== login) {
    return show(403, { login, failed: true });
  }
  return provider.interactionFinished(
    req,
    res,
    { login: { accountId: login, amr: ['pwd'] } },
    { mergeWithLastSubmission: false },
  );
}

function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function unlisten(server) {
  return new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}

// host: 'localhost' (default) or '127.0.0.1', which a browser takes for another site.
export async function startProvider(options = {}) {
  const users = options.users ?? USERS;
  const store = memoryStore();
  const cookieKeys = [randomBytes(32).toString('hex')];
  const secrets = new Set();
  const requests = [];
  let clients = options.clients ?? [];
  let jwks = makeKeys();
  let provider;
  let handle;

  const server = http.createServer((req, res) => {
    const { pathname } = new URL(req.url, 'http://any');
    requests.push({ method: req.method, path: pathname, url: req.url, headers: req.headers });
    if (!pathname.startsWith('/interaction/')) return handle(req, res);
    return interaction(provider, users, req, res).catch((error) => {
      res.writeHead(400, { 'Content-Type': 'text/html; charset=utf-8' });
      res.end(errorPage({ error: error.name, error_description: error.message }));
    });
  });
  await listen(server, options.port ?? 0);
  const { port } = server.address();
  const issuer = `http://${options.host ?? 'localhost'}:${port}`;

  function build() {
    provider = quietly(() => new Provider(
      issuer,
      configuration({ ...options, clients }, store, jwks, cookieKeys),
    ));
    registerExchange(provider, options);
    // Every token that leaves is remembered, so that a test can prove that no log holds it.
    provider.use(async (ctx, next) => {
      await next();
      const { body } = ctx;
      if (body && typeof body === 'object') {
        for (const name of ['access_token', 'refresh_token', 'id_token']) {
          if (typeof body[name] === 'string') secrets.add(body[name]);
        }
      }
    });
    const callback = provider.callback();
    handle = (req, res) => callback(req, res);
  }
  build();

  return {
    issuer,
    port,
    store,
    requests,
    get keys() { return jwks.keys; },
    // What must never be seen in a log.
    secrets: () => [...secrets, ...store.secrets],
    // New keys only: what the old ones signed can no longer be verified.
    async rotateKeys() {
      jwks = makeKeys();
      build();
    },
    // Clients usually name a redirect URI that is known only after httpd has its port.
    setClients(list) {
      clients = list;
      build();
    },
    count: (path) => requests.filter((request) => request.path === path).length,
    // The provider is down, and comes back knowing what it knew.
    pause: () => unlisten(server),
    resume: () => listen(server, port),
    close: () => unlisten(server),
  };
}

function programs(text) {
  const [id, secret] = text?.split(':') ?? [];
  return id ? [client({ id, secret, redirectUri: [], grant_types: ['client_credentials'], response_types: [] })] : [];
}

async function main() {
  const text = { type: 'string' };
  const { values: given } = parseArgs({
    options: {
      port: text,
      host: text,
      'client-id': text,
      'client-name': text,
      'client-secret': text,
      'client-auth': text,
      'redirect-uri': { type: 'string', multiple: true },
      'post-logout-redirect-uri': { type: 'string', multiple: true },
      'access-token-ttl': text,
      'claims-in-id-token': { type: 'boolean' },
      // Grants beside those of a login.
      'grant-type': { type: 'string', multiple: true },
      // A resource (RFC 8707) whose access tokens are JWTs, and the scopes that it has.
      resource: text,
      'resource-scope': text,
      // id:secret of one more client, which has the client credentials grant alone.
      program: text,
    },
  });
  const provider = await startProvider({
    port: Number(given.port ?? 0),
    host: given.host,
    claimsInIdToken: given['claims-in-id-token'],
    ...(given['access-token-ttl'] && { ttl: { AccessToken: Number(given['access-token-ttl']) } }),
    ...(given.resource && { resources: { [given.resource]: { scope: given['resource-scope'] ?? '' } } }),
    clients: given['redirect-uri'] && [client({
      id: given['client-id'],
      secret: given['client-secret'],
      auth: given['client-auth'],
      redirectUri: given['redirect-uri'],
      postLogout: given['post-logout-redirect-uri'],
      ...(given['client-name'] && { client_name: given['client-name'] }),
      ...(given['grant-type'] && { grant_types: ['authorization_code', 'refresh_token', ...given['grant-type']] }),
    }), ...programs(given.program)],
  });
  const stop = () => provider.close().then(() => process.exit(0));
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  console.log(JSON.stringify({ ready: true, issuer: provider.issuer, pid: process.pid }));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().catch((error) => {
    console.error(`real.mjs: ${error.message}`);
    process.exit(1);
  });
}
