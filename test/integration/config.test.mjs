// Wrong configurations stop `apachectl -t` with the directive, the place, and what would be right.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { errorId, newKeyPair, prepareHttpd } from './harness.mjs';

const ISSUER = 'OAuthIssuer https://login.example.com';
const GOOD = `${ISSUER}\nOAuthClientID app\nOAuthClientSecret env:SECRET`;
const PLACE = '<Location /app>\nAuthType OAuth\nRequire valid-user\n</Location>';
const at = (lines) => `${GOOD}\n${lines}\n${PLACE}`;
const inside = (lines) => `${GOOD}\n<Location /app>\nAuthType OAuth\n${lines}\nRequire valid-user\n</Location>`;

// what, configuration, fragments of the message; fn(httpd) where a path is needed
const WRONG = [
  ['no provider at all', PLACE, ['/app', 'OAuthIssuer'], 'CONFIG_NO_PROVIDER'],
  ['no client id', `${ISSUER}\n${PLACE}`, ['OAuthClientID'], 'CONFIG_CLIENT_ID'],
  ['a client id that is empty', `${ISSUER}\nOAuthClientID ""\n${PLACE}`, ['OAuthClientID']],
  ['a secret file that is not there', `${ISSUER}\nOAuthClientID app\nOAuthClientSecret file:/nowhere/x\n${PLACE}`, ['OAuthClientSecret', '/nowhere/x'], 'CONFIG_SECRET'],
  ['a secret file that others can read', (h) => `${ISSUER}\nOAuthClientID app\nOAuthClientSecret file:${h.root}/conf/open\n${PLACE}`, ['OAuthClientSecret', 'conf/open'], 'CONFIG_SECRET'],
  ['a secret file that is empty', (h) => `${ISSUER}\nOAuthClientID app\nOAuthClientSecret file:${h.root}/conf/empty\n${PLACE}`, ['OAuthClientSecret', 'conf/empty']],
  ['a variable that is not set', `${ISSUER}\nOAuthClientID app\nOAuthClientSecret env:NO_SUCH_VARIABLE\n${PLACE}`, ['OAuthClientSecret', 'NO_SUCH_VARIABLE']],
  ['a command that fails', `${ISSUER}\nOAuthClientID app\nOAuthClientSecret exec:/bin/false\n${PLACE}`, ['OAuthClientSecret', '/bin/false']],
  ['an issuer that is not https', at('OAuthIssuer http://login.example.com'), ['OAuthIssuer', 'https'], 'CONFIG_INSECURE_URL'],
  ['an issuer that is no URL', at('OAuthIssuer login.example.com'), ['OAuthIssuer', 'login.example.com']],
  ['an issuer with a query', at('OAuthIssuer https://login.example.com/?a=b'), ['OAuthIssuer']],
  ['an issuer with a fragment', at('OAuthIssuer https://login.example.com/#a'), ['OAuthIssuer']],
  ['an issuer with a user', at('OAuthIssuer https://a@login.example.com'), ['OAuthIssuer']],
  ['an endpoint that is not https', at('OAuthEndpoint token http://login.example.com/token'), ['OAuthEndpoint', 'https']],
  ['an endpoint nobody knows', at('OAuthEndpoint tokn https://login.example.com/token'), ['OAuthEndpoint', 'tokn', 'token']],
  ['no authorization endpoint for those who sign in', 'OAuthProfile oauth2\nOAuthMetadata none\nOAuthEndpoint token https://op.example/token\nOAuthEndpoint userinfo https://op.example/userinfo\nOAuthClientID x\nOAuthClientSecret env:SECRET\n<Location /app>\nAuthType OAuth\nOAuthAccept bearer session\nOAuthAudience x\nRequire valid-user\n</Location>', ['authorization'], 'CONFIG_ENDPOINTS'],
  ['no endpoints without metadata', at('OAuthMetadata none'), ['OAuthEndpoint'], 'CONFIG_ENDPOINTS'],
  ['metadata of an unknown kind', at('OAuthMetadata ftp://x'), ['OAuthMetadata', 'ftp://x']],
  ['an unknown client authentication', at('OAuthClientAuth secret_basic'), ['OAuthClientAuth', 'secret_basic', 'client_secret_basic']],
  ['client authentication without its secret', `${ISSUER}\nOAuthClientID app\nOAuthClientAuth client_secret_basic\n${PLACE}`, ['OAuthClientSecret'], 'CONFIG_CLIENT_AUTH'],
  ['client authentication without its key', at('OAuthClientAuth private_key_jwt'), ['OAuthClientAuth', 'OAuthClientKey'], 'CONFIG_CLIENT_AUTH'],
  ['a secret too short to sign with', at('OAuthClientAuth client_secret_jwt'), ['OAuthClientAuth', 'client_secret_jwt', '32', '23'], 'CONFIG_CLIENT_AUTH'],
  ['no secret to sign with', `${ISSUER}\nOAuthClientID app\nOAuthClientAuth client_secret_jwt\n${PLACE}`, ['OAuthClientSecret', '32'], 'CONFIG_CLIENT_AUTH'],
  ['an unknown audience of assertions', at('OAuthClientAuth private_key_jwt aud=everybody'), ['OAuthClientAuth', 'everybody', 'issuer']],
  ['a key file that is not there', at('OAuthClientKey /nowhere/key.pem'), ['OAuthClientKey', '/nowhere/key.pem'], 'CONFIG_CLIENT_KEY'],
  ['a key file that others can read', (h) => at(`OAuthClientKey ${h.root}/conf/open.pem`), ['OAuthClientKey', 'conf/open.pem', '0644', 'chmod'], 'CONFIG_CLIENT_KEY'],
  ['a key that is too small', (h) => at(`OAuthClientKey ${h.root}/conf/small.pem`), ['OAuthClientKey', 'conf/small.pem', '1024', '2048'], 'CONFIG_CLIENT_KEY'],
  ['a key of the wrong type', (h) => at(`OAuthClientKey ${h.root}/conf/x25519.pem`), ['OAuthClientKey', 'conf/x25519.pem', 'Ed25519'], 'CONFIG_CLIENT_KEY'],
  ['a public key', (h) => at(`OAuthClientKey ${h.root}/conf/public.pem`), ['OAuthClientKey', 'conf/public.pem', 'no private key'], 'CONFIG_CLIENT_KEY'],
  ['a key with a password', (h) => at(`OAuthClientKey ${h.root}/conf/encrypted.pem`), ['OAuthClientKey', 'conf/encrypted.pem', 'encrypted'], 'CONFIG_CLIENT_KEY'],
  ['a key file with two keys', (h) => at(`OAuthClientKey ${h.root}/conf/two.pem`), ['OAuthClientKey', 'conf/two.pem', 'several'], 'CONFIG_CLIENT_KEY'],
  ['an algorithm that the key has not', (h) => at(`OAuthClientKey ${h.root}/conf/good.pem alg=RS256`), ['OAuthClientKey', 'conf/good.pem', 'RS256', 'ES256'], 'CONFIG_CLIENT_KEY'],
  ['two keys with one kid', (h) => at(`OAuthClientKey ${h.root}/conf/good.pem kid=a\nOAuthClientKey ${h.root}/conf/other.pem kid=a`), ['OAuthClientKey', 'conf/good.pem', 'conf/other.pem', 'kid a'], 'CONFIG_CLIENT_KEY'],
  ['one key for two providers, of which one is addressed by its endpoint', (h) => `${at(`OAuthClientKey ${h.root}/conf/good.pem\nOAuthClientAuth private_key_jwt aud=token_endpoint`)}
<OAuthProvider b>\nOAuthIssuer https://b.example\nOAuthClientID app\nOAuthClientKey ${h.root}/conf/good.pem\n</OAuthProvider>`, ['OAuthClientKey', 'conf/good.pem', 'token_endpoint', 'b'], 'CONFIG_CLIENT_KEY'],
  ['an option that keys do not have', (h) => at(`OAuthClientKey ${h.root}/conf/good.pem password=x`), ['OAuthClientKey', 'password', 'kid=']],
  ['an unknown profile', at('OAuthProfile oidc'), ['OAuthProfile', 'oidc', 'openid']],
  ['an unknown response mode', at('OAuthResponseMode fragment'), ['OAuthResponseMode', 'fragment', 'form_post']],
  ['an unknown userinfo word', at('OAuthUserinfo yes'), ['OAuthUserinfo', 'yes', 'auto']],
  ['the algorithm none', at('OAuthSigningAlgs none'), ['OAuthSigningAlgs', 'none']],
  ['an unknown algorithm', at('OAuthSigningAlgs RS257'), ['OAuthSigningAlgs', 'RS257']],
  ['a scope without openid', at('OAuthScope profile email'), ['OAuthScope', 'openid']],
  ['a scope with a forbidden character', at('OAuthScope openid "a\\"b"'), ['OAuthScope']],
  ['a protocol parameter', at('OAuthAuthorizationParameter state x'), ['OAuthAuthorizationParameter', 'state']],
  ['a protocol parameter in other words', at('OAuthAuthorizationParameter redirect_uri https://evil.example'), ['OAuthAuthorizationParameter', 'redirect_uri']],
  ['a clock skew that is no number', at('OAuthClockSkew soon'), ['OAuthClockSkew', 'soon'], 'CONFIG_VALUE'],
  ['a negative clock skew', at('OAuthClockSkew -1'), ['OAuthClockSkew', '-1']],
  ['a clock skew beyond reason', at('OAuthClockSkew 999999999999'), ['OAuthClockSkew']],
  ['a timeout without a name', at('OAuthTimeout 5s'), ['OAuthTimeout', 'total']],
  ['a timeout of nothing', at('OAuthTimeout total=0'), ['OAuthTimeout']],
  ['an unknown TLS version', at('OAuthTLS min=1.1'), ['OAuthTLS', '1.1', '1.2']],
  ['TLS verification switched off', at('OAuthTLS verify=off'), ['OAuthTLS', 'verify']],
  ['an authority file that is not there', at('OAuthTLS ca=/nowhere/ca.pem'), ['OAuthTLS', '/nowhere/ca.pem']],
  ['a path that is no path', at('OAuthPath oauth'), ['OAuthPath', 'oauth']],
  ['the path /', at('OAuthPath /'), ['OAuthPath']],
  ['a path with a query', at('OAuthPath /oauth?x'), ['OAuthPath']],
  ['a callback that a proxy swallows', at('ProxyPass /oauth http://127.0.0.1:9/'), ['OAuthPath', '/oauth', 'ProxyPass'], 'CONFIG_CALLBACK'],
  ['a callback that an alias swallows', at('Alias /oauth/callback /srv/x'), ['OAuthPath', '/oauth', 'Alias'], 'CONFIG_CALLBACK'],
  ['a callback that a handler swallows', at('<Location /oauth>\nSetHandler server-status\n</Location>'), ['OAuthPath', 'SetHandler'], 'CONFIG_CALLBACK'],
  ['a base URL with a path', at('OAuthBaseURL https://www.example.com/x'), ['OAuthBaseURL']],
  ['a base URL that is not one', at('OAuthBaseURL www.example.com'), ['OAuthBaseURL', 'www.example.com']],
  ['a name that is no host', at(`<VirtualHost *:1>\nServerName www.example.com.\n${PLACE}\n</VirtualHost>`), ['OAuthBaseURL'], 'CONFIG_BASE_URL'],
  ['two state directories', at(`OAuthStateDir /var/lib/a\n<VirtualHost *:1>\nServerName http://b.example\nOAuthStateDir /var/lib/b\n</VirtualHost>`), ['OAuthStateDir', '/var/lib/a', '/var/lib/b'], 'CONFIG_STATE_DIR'],
  ['a proxy network that is none', at('OAuthTrustedProxy 10.0.0.0/33'), ['OAuthTrustedProxy', '10.0.0.0/33']],
  ['a cookie name with a space', at('OAuthCookie "name=a b"'), ['OAuthCookie']],
  ['a cookie domain for a __Host- name', at('OAuthBaseURL https://www.example.com\nOAuthCookie domain=example.com'), ['OAuthCookie', '__Host-', 'domain'], 'CONFIG_COOKIE'],
  ['a cookie path for a __Host- name', at('OAuthBaseURL https://www.example.com\nOAuthCookie path=/app'), ['OAuthCookie', '__Host-'], 'CONFIG_COOKIE'],
  ['a __Host- name on plain http', at('OAuthCookie name=__Host-x'), ['OAuthCookie', '__Host-']],
  ['a cookie domain of somebody else', at('OAuthBaseURL https://www.example.com\nOAuthCookie name=x domain=example.org'), ['OAuthCookie', 'example.org']],
  ['an unknown SameSite', at('OAuthCookie samesite=maybe'), ['OAuthCookie', 'maybe']],
  ['an unknown cookie attribute', at('OAuthCookie httponly=off'), ['OAuthCookie', 'httponly']],
  ['a store nobody knows', at('OAuthSessionStore disk'), ['OAuthSessionStore', 'disk', 'shm']],
  ['a store that is too small', at('OAuthSessionStore shm:size=10K'), ['OAuthSessionStore', '1M']],
  ['a lifetime without a unit anybody knows', at('OAuthSessionLifetime 8x'), ['OAuthSessionLifetime', '8x']],
  ['an idle time longer than the life', at('OAuthSessionLifetime 1h idle=2h'), ['OAuthSessionLifetime', 'idle']],
  ['a return origin with a path', at('OAuthReturnTo https://other.example/x'), ['OAuthReturnTo']],
  ['a return origin that is a wildcard', at('OAuthReturnTo *'), ['OAuthReturnTo', '*']],
  ['a template that is not there', at('OAuthTemplate error /nowhere.html'), ['OAuthTemplate', '/nowhere.html'], 'CONFIG_TEMPLATE'],
  ['a template with an unknown placeholder', (h) => at(`OAuthTemplate error ${h.root}/conf/bad.html`), ['OAuthTemplate', 'no_such_thing'], 'CONFIG_TEMPLATE'],
  ['a template for an unknown page', (h) => at(`OAuthTemplate welcome ${h.root}/conf/bad.html`), ['OAuthTemplate', 'welcome']],
  ['a logout that leads elsewhere', at('OAuthLogout return=//evil.example'), ['OAuthLogout']],
  ['a provider nobody defined', inside('OAuthUse corp'), ['OAuthUse', 'corp', '/app'], 'CONFIG_PROVIDER_UNKNOWN'],
  ['a provider defined twice', at(`<OAuthProvider a>\n${GOOD}\n</OAuthProvider>\n<OAuthProvider a>\n${GOOD}\n</OAuthProvider>`), ['OAuthProvider', 'a']],
  ['a provider section without a name', at(`<OAuthProvider>\n${GOOD}\n</OAuthProvider>`), ['OAuthProvider']],
  ['a provider section that is not closed', at(`<OAuthProvider a>\n${GOOD}`), ['OAuthProvider']],
  ['a provider section without an issuer', at('<OAuthProvider a>\nOAuthClientID x\n</OAuthProvider>'), ['OAuthIssuer']],
  ['a place\'s directive in a provider section', at(`<OAuthProvider a>\n${GOOD}\nOAuthUnauthenticated login\n</OAuthProvider>`), ['OAuthUnauthenticated']],
  ['a server\'s directive in a place', inside('OAuthPath /x'), ['OAuthPath']],
  ['an issuer in a place', inside(ISSUER), ['OAuthIssuer']],
  ['an unknown word for those without a session', inside('OAuthUnauthenticated maybe'), ['OAuthUnauthenticated', 'maybe', 'challenge']],
  ['an unknown header set', inside('OAuthHeaders all'), ['OAuthHeaders', 'all', 'standard']],
  ['a header name that is none', inside('OAuthHeader "X Name" name'), ['OAuthHeader', 'X Name']],
  ['a header that belongs to HTTP', inside('OAuthHeader Content-Length name'), ['OAuthHeader', 'Content-Length']],
  ['an expression that does not parse', inside('OAuthHeader X-A "%{oauth_claim:"'), ['OAuthHeader']],
  ['a user expression that does not parse', inside('OAuthUser "%{nothing:"'), ['OAuthUser']],
  ['an unknown backend token', inside('OAuthBackendToken access'), ['OAuthBackendToken', 'access', 'user']],
  ['a token of a provider nobody defined', inside('OAuthBackendToken service provider=corp'), ['OAuthBackendToken', 'corp', '/app'], 'CONFIG_PROVIDER_UNKNOWN'],
  ['a token without any provider', '<Location /app>\nOAuthBackendToken service\n</Location>', ['OAuthBackendToken', '/app'], 'CONFIG_NO_PROVIDER'],
  ['an option that the backend token does not have', inside('OAuthBackendToken id scope=x'), ['OAuthBackendToken', 'id', 'options']],
  ['an unknown option of the backend token', inside('OAuthBackendToken service scopes=x'), ['OAuthBackendToken', 'scopes=x', 'scope=']],
  ['an option of the backend token given twice', inside('OAuthBackendToken service audience=x audience=y'), ['OAuthBackendToken', 'twice']],
  ['a resource that is no URI', inside('OAuthBackendToken service resource=/x'), ['OAuthBackendToken', 'resource=', '/x']],
  ['a scope that is none', inside('OAuthBackendToken service scope="a ü"'), ['OAuthBackendToken', 'scope=']],
  ['a quotation mark that stays open', inside('OAuthBackendToken service scope="a b'), ['OAuthBackendToken', 'quotation']],
  ['an unknown credential', inside('OAuthAccept session cookie'), ['OAuthAccept', 'cookie', 'bearer']],
  ['bearer tokens without an audience', inside('OAuthAccept bearer'), ['OAuthAccept', 'OAuthAudience', '/app'], 'CONFIG_AUDIENCE'],
  ['bearer tokens whose audience is another place\'s', `${at('')}\n<Location /application>\nOAuthAudience x\n</Location>\n<Location /app/deep>\nOAuthAudience x\n</Location>\n<Location /app>\nOAuthAccept bearer\n</Location>`, ['OAuthAccept', '/app'], 'CONFIG_AUDIENCE'],
  ['an audience outside of a place', at('OAuthAudience x'), ['OAuthAudience']],
  ['a post preservation that is neither on nor off', inside('OAuthPreservePost maybe'), ['OAuthPreservePost']],
  ['Require oauth-claim without a name', inside('Require oauth-claim'), ['oauth-claim']],
  ['Require oauth-claim without a value', inside('Require oauth-claim groups'), ['oauth-claim']],
  ['Require oauth-claim with a wrong expression', inside('Require oauth-claim groups ~ "("'), ['oauth-claim', '(']],
  ['Require oauth-scope without a scope', inside('Require oauth-scope'), ['oauth-scope']],
  ['Require oauth-fresh with a wrong time', inside('Require oauth-fresh soon'), ['oauth-fresh', 'soon']],
  ['Require oauth-provider without a name', inside('Require oauth-provider'), ['oauth-provider']],
];

const RIGHT = [
  ['the smallest', at('')],
  ['an issuer on loopback without https', `OAuthIssuer http://127.0.0.1:9/x\nOAuthClientID app\nOAuthClientSecret env:SECRET\n${PLACE}`],
  ['a virtual host of its own', `<VirtualHost *:9>\nServerName a.example\n${GOOD}\n${PLACE}\n</VirtualHost>`],
  ['a virtual host that inherits', `${GOOD}\n<VirtualHost *:9>\nServerName a.example\n${PLACE}\n</VirtualHost>`],
  ['a provider by name', `<OAuthProvider corp>\n${GOOD}\n</OAuthProvider>\n<Location /app>\nAuthType OAuth\nOAuthUse corp\nRequire valid-user\n</Location>`],
  ['a backend token with every option', `<OAuthProvider corp>\n${GOOD}\n</OAuthProvider>\n<Location /app>\nOAuthBackendToken service provider=corp scope="a b" audience=c resource=urn:d\n</Location>`],
  ['a provider for tokens alone', '<OAuthProvider corp>\nOAuthProfile oauth2\nOAuthMetadata none\nOAuthEndpoint token https://op.example/token\nOAuthClientID x\nOAuthClientSecret env:SECRET\n</OAuthProvider>\n<Location /app>\nOAuthBackendToken service provider=corp\n</Location>'],
  ['a provider for bearer tokens alone', 'OAuthProfile oauth2\nOAuthMetadata none\nOAuthEndpoint token https://op.example/token\nOAuthEndpoint introspection https://op.example/introspect\nOAuthClientID x\nOAuthClientSecret env:SECRET\n<Location /app>\nAuthType OAuth\nOAuthAccept bearer\nOAuthAudience x\nRequire valid-user\n</Location>'],
  ['directives inside <If>', `${GOOD}\n<Location /app>\nAuthType OAuth\nRequire valid-user\n<If "true">\nOAuthUnauthenticated challenge\n</If>\n</Location>`],
  ['a place in <Directory>', `${GOOD}\n<Directory /srv>\nAuthType OAuth\nRequire valid-user\n</Directory>`],
  ['bearer tokens with an audience', inside('OAuthAccept bearer session\nOAuthAudience https://api.example other')],
  ['bearer tokens whose audience comes from outside', `${at('')}\n<Location />\nOAuthAudience x\n</Location>\n<Location /app/api>\nOAuthAccept bearer\n</Location>`],
  ['bearer tokens whose audience may come from elsewhere', `${at('')}\n<LocationMatch "^/a">\nOAuthAudience x\n</LocationMatch>\n<Location /app/api>\nOAuthAccept bearer\n</Location>`],
  ['bearer tokens in <If> with the place\'s audience', inside('OAuthAudience x\n<If "true">\nOAuthAccept bearer\n</If>')],
  ['bearer tokens that were taken back', inside('OAuthAccept bearer\nOAuthAccept session')],
  ['no protected place', GOOD],
  ['nothing but the module', ''],
  ['a public client', `${ISSUER}\nOAuthClientID app\nOAuthClientAuth none\n${PLACE}`],
  ['a secret file of our own', (h) => `${ISSUER}\nOAuthClientID app\nOAuthClientSecret file:${h.root}/conf/secret\n${PLACE}`],
  ['a secret from a command', `${ISSUER}\nOAuthClientID app\nOAuthClientSecret "exec:/bin/echo hello-hello-hello"\n${PLACE}`],
  ['a key file', (h) => at(`OAuthClientKey ${h.root}/conf/good.pem\nOAuthClientAuth private_key_jwt`)],
  ['one key for two providers that are addressed by their issuers', (h) => `${at(`OAuthClientKey ${h.root}/conf/good.pem`)}
<OAuthProvider b>\nOAuthIssuer https://b.example\nOAuthClientID app\nOAuthClientKey ${h.root}/conf/good.pem\n</OAuthProvider>`],
  ['a key for each of two providers', (h) => `${at(`OAuthClientKey ${h.root}/conf/good.pem\nOAuthClientAuth private_key_jwt aud=token_endpoint`)}
<OAuthProvider b>\nOAuthIssuer https://b.example\nOAuthClientID app\nOAuthClientKey ${h.root}/conf/other.pem\n</OAuthProvider>`],
  ['a key that a virtual host inherits', (h) => `${at(`OAuthClientKey ${h.root}/conf/good.pem\nOAuthClientAuth private_key_jwt aud=token_endpoint`)}
<VirtualHost *:9>\nServerName a.example\nOAuthDisplayName x\n</VirtualHost>`],
  ['every lifetime unit', at('OAuthSessionLifetime 1d idle=90m')],
  ['a proxy that leaves the callback alone', at('ProxyPass /oauth/ !\nProxyPass / http://127.0.0.1:9/')],
  ['a proxy for the whole site', at('ProxyPass / http://127.0.0.1:9/')],
];

function keyFiles() {
  const pem = { type: 'pkcs8', format: 'pem' };
  const make = (kind, options) => newKeyPair(kind, options).privateKey.export(pem);
  const ec = () => newKeyPair('ec', { namedCurve: 'P-256' });
  return {
    good: ec().privateKey.export(pem),
    other: ec().privateKey.export(pem),
    open: ec().privateKey.export(pem),
    small: make('rsa', { modulusLength: 1024 }),
    x25519: make('x25519'),
    public: ec().publicKey.export({ type: 'spki', format: 'pem' }),
    encrypted: ec().privateKey.export({ ...pem, cipher: 'aes-256-cbc', passphrase: 'x' }),
    two: ec().privateKey.export(pem) + ec().privateKey.export(pem),
  };
}

describe('apachectl -t', () => {
  let httpd;
  before(async () => {
    httpd = await prepareHttpd({ env: { SECRET: 'a-secret-of-some-length' } });
    httpd.file('conf/open', { content: 'secret', mode: 0o644 });
    httpd.file('conf/secret', { content: 'a-secret-of-some-length\n', mode: 0o600 });
    for (const [name, content] of Object.entries(keyFiles())) {
      httpd.file(`conf/${name}.pem`, { content, mode: name === 'open' ? 0o644 : 0o600 });
    }
    httpd.file('conf/empty', { content: '', mode: 0o600 });
    httpd.file('conf/bad.html', '<p>{{no_such_thing}}');
  });
  after(() => httpd.end());

  for (const [what, config, fragments, name] of WRONG) {
    it(`refuses ${what}`, () => {
      const text = typeof config === 'function' ? config(httpd) : config;
      const { code, stderr, signal } = httpd.configTest(text);
      assert.equal(signal, null);
      assert.notEqual(code, 0, 'the configuration was accepted');
      for (const fragment of fragments) assert.ok(stderr.includes(fragment), `${fragment} is not in: ${stderr}`);
      if (name) assert.ok(stderr.includes(errorId(name)), `${errorId(name)} is not in: ${stderr}`);
      assert.ok(!stderr.includes('a-secret-of-some-length'));
    });
  }

  for (const [what, config] of RIGHT) {
    it(`accepts ${what}`, () => {
      const { code, stderr } = httpd.configTest(typeof config === 'function' ? config(httpd) : config);
      assert.equal(code, 0, stderr);
    });
  }

  it('warns of a secret that stands in the configuration', () => {
    const { code, stderr } = httpd.configTest(`${ISSUER}\nOAuthClientID app\nOAuthClientSecret literal-secret-literal\n${PLACE}`);
    assert.equal(code, 0, stderr);
    assert.ok(!stderr.includes('literal-secret-literal'));
    assert.match(stderr + (fs.existsSync(`${httpd.root}/logs/error.log`) ? httpd.errorLog() : ''), /OAuthClientSecret/);
  });
});
