// What is compared, a row each. A store that the built module does not have is named as absent.
//
//   id, name     directory and table
//   protected    whether one has to sign in for the page
//   keeps        a process keeps sessions that it has opened
//   modules      of httpd, beside those that all have
//   lines        the configuration, for { dir, port, issuer, redis, secret, modules }
const PROTECTED = (type) => ['<Location /private>', `  AuthType ${type}`, '  Require valid-user', '</Location>'];
export const MODULE = `LoadModule auth_oauth_module ${process.env.BUILD_DIR}/mod_auth_oauth.so`;

function ours(store, modules = []) {
  return {
    protected: true,
    modules,
    lines: (at) => [
      MODULE,
      `OAuthIssuer ${at.issuer}`,
      'OAuthClientID app',
      `OAuthClientSecret file:${at.dir}/client.secret`,
      `OAuthStateDir ${at.dir}/state`,
      'OAuthUserinfo on',
      `OAuthSessionStore ${typeof store === 'function' ? store(at) : store}`,
      ...PROTECTED('OAuth'),
    ],
  };
}

function peer(lines) {
  return {
    protected: true,
    lines: (at) => [
      `LoadModule auth_openidc_module ${at.modules}/mod_auth_openidc.so`,
      `OIDCProviderMetadataURL ${at.issuer}/.well-known/openid-configuration`,
      'OIDCClientID app',
      `OIDCClientSecret ${at.secret}`,
      `OIDCRedirectURI http://127.0.0.1:${at.port}/private/redirect_uri`,
      'OIDCCryptoPassphrase passphrase-of-the-benchmark',
      'OIDCScope "openid profile email"',
      'OIDCPKCEMethod S256',
      ...lines,
      ...PROTECTED('openid-connect'),
    ],
  };
}

export const variants = [
  { id: 'plain', name: 'httpd, not protected', lines: () => [] },
  { id: 'idle', name: 'mod_auth_oauth loaded, this place not protected', ...ours('shm'), protected: false,
    lines: (at) => ours('shm').lines(at).map((line) => line.replace('/private', '/elsewhere')) },
  { id: 'shm', name: 'mod_auth_oauth, shm', ...ours('shm'), keeps: true },
  { id: 'cookie', name: 'mod_auth_oauth, cookie', ...ours('cookie') },
  { id: 'redis', name: 'mod_auth_oauth, redis', ...ours((at) => `redis://127.0.0.1:${at.redis}`) },
  { id: 'socache', name: 'mod_auth_oauth, socache:shmcb', ...ours((at) => `socache:shmcb:${at.dir}/cache(16777216)`, ['socache_shmcb']) },
  { id: 'peer-shm', name: 'mod_auth_openidc, shm', ...peer(['OIDCCacheType shm']) },
  { id: 'peer-cookie', name: 'mod_auth_openidc, client-cookie', ...peer(['OIDCSessionType client-cookie']) },
];
