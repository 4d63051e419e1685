// Writes an httpd configuration that stands alone: nothing of the machine's own is included.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';

const MODULE_DIR = '/usr/lib/apache2/modules';
const MODULES = [
  'authn_core', 'authz_core', 'authz_user', 'authz_host', 'authz_groupfile', 'auth_basic', 'authn_file',
  'access_compat', 'mime', 'dir', 'alias', 'env', 'setenvif', 'headers', 'rewrite', 'include', 'actions',
  'negotiation', 'proxy', 'proxy_http', 'proxy_wstunnel', 'filter', 'status', 'reqtimeout', 'socache_shmcb',
  'cache', 'cache_disk', 'allowmethods', 'autoindex',
];

export const HTTPD = process.env.HTTPD ?? '/usr/sbin/apache2';

export function modulePath() {
  const build = process.env.BUILD_DIR ?? path.resolve(import.meta.dirname ?? dirname(), '../../..');
  return process.env.OAUTH_MODULE ?? path.join(build, 'mod_auth_oauth.so');
}

// import.meta.dirname is not there before Node.js 20.11.
function dirname() {
  return path.dirname(new URL(import.meta.url).pathname);
}

let certificate;

// One throw-away certificate for localhost per process.
export function selfSigned() {
  if (certificate) return certificate;
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'oauth-cert-'));
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => path.join(dir, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-days', '2', '-subj', '/CN=localhost', '-keyout', key, '-out', cert,
    '-addext', 'subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1',
    '-addext', 'basicConstraints=critical,CA:FALSE'], { stdio: 'pipe' });
  certificate = { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
  fs.rmSync(dir, { recursive: true });
  return certificate;
}

// As many children as may be: mod_mpm_prefork then starts none by the way. One that is just being
// started must not get SIGTERM or SIGHUP either (see Httpd.quiet).
const PREFORK = 'StartServers 6\nServerLimit 6\nMaxRequestWorkers 6\nMinSpareServers 1\nMaxSpareServers 6';

function loadModules(options) {
  const prefork = options.mpm === 'prefork';
  const names = [`mpm_${options.mpm}`, ...MODULES, prefork ? 'cgi' : 'cgid'];
  if (options.tls) names.push('ssl');
  if (options.http2) names.push('http2');
  const lines = names.map((name) => `LoadModule ${name}_module ${MODULE_DIR}/mod_${name}.so`);
  for (const [name, file] of Object.entries(options.modules ?? {})) lines.push(`LoadModule ${name} ${file}`);
  if (options.oauth !== false) lines.push(`LoadModule auth_oauth_module ${modulePath()}`);
  return lines.join('\n');
}

function protocols({ http2, tls }) {
  if (!http2) return 'Protocols http/1.1';
  return `Protocols ${tls ? 'h2' : 'h2c'} http/1.1`;
}

// options: as startHttpd() has them, with mpm, ports, root and user filled in.
export function renderConfig(options, text) {
  const { root, ports } = options;
  const [port] = ports;
  return `
${loadModules(options)}
ServerRoot "${root}"
DefaultRuntimeDir "${root}/run"
PidFile "${root}/run/httpd.pid"
${options.mpm === 'prefork' ? '' : `ScriptSock "${root}/run/cgisock"`}
${process.getuid() === 0 ? 'User www-data\nGroup www-data' : ''}
${ports.map((one) => `Listen 127.0.0.1:${one}`).join('\n')}
ServerName localhost:${port}
${protocols(options)}
${options.mpm === 'prefork' ? PREFORK : 'StartServers 2\nServerLimit 8\nThreadsPerChild 16\nMaxRequestWorkers 128\nMinSpareThreads 16\nMaxSpareThreads 112'}
ErrorLog "${root}/logs/error.log"
LogLevel info
<IfModule auth_oauth_module>
  LogLevel auth_oauth:debug
  ${options.stateDir === false ? '' : `OAuthStateDir "${root}/state"`}
</IfModule>
LogFormat "%h %u %m %U %>s %B" plain
CustomLog "${root}/logs/access.log" plain
TypesConfig "${root}/conf/mime.types"
DocumentRoot "${root}/htdocs"
AddHandler cgi-script .cgi
AddOutputFilter INCLUDES .shtml
<Directory />
  AllowOverride None
  Require all denied
</Directory>
<Directory "${root}/htdocs">
  AllowOverride AuthConfig FileInfo Limit
  Options ExecCGI Includes FollowSymLinks
  Require all granted
</Directory>
<Proxy *>
  Require all granted
</Proxy>
${options.tls ? `SSLSessionCache shmcb:${root}/run/ssl(512000)
SSLEngine on
SSLCertificateFile "${root}/conf/cert.pem"
SSLCertificateKeyFile "${root}/conf/key.pem"` : ''}
${text}
`;
}
