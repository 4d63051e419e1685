// Every file in conf-examples/ and every configuration in the README loads: an example that does
// not is worse than none.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { newKeyPair, prepareHttpd } from './harness.mjs';

const TOP = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const CONTEXT = /<VirtualHost|OAuthIssuer|OAuthMetadata|OAuthProvider/;
const MINIMAL = 'OAuthIssuer https://login.example.com\nOAuthClientID my-app\nOAuthClientSecret file:/etc/apache2/my-app.secret\n';

function examples() {
  const found = [];
  for (const name of fs.readdirSync(path.join(TOP, 'conf-examples'))) {
    if (name.endsWith('.conf')) found.push([`conf-examples/${name}`, fs.readFileSync(path.join(TOP, 'conf-examples', name), 'utf8')]);
  }
  const readme = fs.readFileSync(path.join(TOP, 'README.md'), 'utf8');
  let n = 0;
  for (const [, text] of readme.matchAll(/^```apache\n([\s\S]*?)^```/gm)) {
    n += 1;
    // A fragment stands for what it shows, inside the smallest configuration.
    found.push([`README, configuration ${n}`, CONTEXT.test(text) ? text : MINIMAL + text]);
  }
  return found;
}

// One for each name: two files are two keys.
const keys = new Map();
function keyOf(name) {
  if (!keys.has(name)) keys.set(name, newKeyPair('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return keys.get(name);
}

describe('an example', () => {
  let httpd;
  before(async () => {
    httpd = await prepareHttpd({
      modules: { socache_memcache_module: '/usr/lib/apache2/modules/mod_socache_memcache.so' },
    });
  });
  after(() => httpd.end());

  // Secrets and certificates are where the test can make them.
  const localized = (text) => text.replace(/\/etc\/apache2\/([\w.-]+)/g, (all, name) => {
    if (name.endsWith('.key')) return httpd.file(`conf/${name}`, { content: keyOf(name), mode: 0o600 });
    if (name.endsWith('.pem')) return '/etc/ssl/certs/ca-certificates.crt';
    return httpd.file(`conf/${name}`, { content: 'a secret for the example\n', mode: 0o600 });
  });

  for (const [name, text] of examples()) {
    it(`loads: ${name}`, async () => {
      // The examples are for a site on https, which the test's is not.
      const site = text.includes('OAuthBaseURL') ? '' : 'OAuthBaseURL https://www.example.com\n';
      const { code, stderr } = await httpd.configTest(site + localized(text));
      assert.equal(code, 0, stderr);
    });
  }

  it('of the demo loads', async () => {
    const text = fs.readFileSync(path.join(TOP, 'conf-examples/demo/httpd.conf'), 'utf8');
    const [, own] = text.split(/^# -{20,}$/m);
    const defined = own.replaceAll('${RUN_DIR}', httpd.root).replaceAll('${PROVIDER_PORT}', '9')
      .replaceAll('${BACKEND_PORT}', '9');
    httpd.file('client.secret', { content: 'secret\n', mode: 0o600 });
    const { code, stderr } = await httpd.configTest(defined);
    assert.equal(code, 0, stderr);
  });
});
