// Files with secrets and keys change while httpd runs.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import {
  addSecret, errorId, newKeyPair, seconds, useSite,
} from './harness.mjs';

const root = process.getuid() === 0;
const runsAs = root ? Number(execFileSync('id', ['-u', 'www-data'], { encoding: 'utf8' })) : process.getuid();
// One process, for another that nobody asked meanwhile would still have what the start read.
const ONE = 'ServerLimit 1\nStartServers 1\nMaxRequestWorkers 16\nMinSpareThreads 1\nMaxSpareThreads 32\n';
const app = (s) => `${s.place('/app')}${ONE}`;

// As an administrator replaces a file. owner: the user that httpd's processes run as, unless said.
function replace(file, content, { mode = 0o600, owner = runsAs } = {}) {
  addSecret(content);
  fs.writeFileSync(`${file}.new`, `${content}\n`, { mode: 0o600 });
  fs.chmodSync(`${file}.new`, mode);
  if (root) fs.chownSync(`${file}.new`, owner, 0);
  fs.renameSync(`${file}.new`, file);
}

const pem = () => newKeyPair('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });

describe('a client secret that changes', () => {
  const site = useSite({
    provider: 'fake',
    config: (s) => {
      if (root) fs.chownSync(s.secretFile, runsAs, 0);
      return s.provider() + app(s);
    },
  });

  it('is used by the running server', async () => {
    await site.signedIn();
    site.fake.options.clientSecret = 'another-secret-of-the-client';
    replace(site.secretFile, 'another-secret-of-the-client');
    await seconds(1.1);
    await site.signedIn();
  });

  it('is not taken from a file that others can read, nor is a file missed in silence', async () => {
    await site.signedIn();
    replace(site.secretFile, 'a-secret-that-everybody-knows', { mode: 0o644 });
    await seconds(2.2); // until the file has been left alone for long enough
    await site.signedIn();
    await site.signedIn();
    site.expectLog(new RegExp(`${errorId('SECRET_CHANGED')}.*0644`));
    await site.httpd.log.check();
    const lines = site.httpd.errorLog().split('\n').filter((line) => line.includes(errorId('SECRET_CHANGED')));
    assert.equal(lines.length, 1, 'once');

    fs.unlinkSync(site.secretFile);
    await seconds(1.1);
    await site.signedIn();
    site.expectLog(new RegExp(`${errorId('SECRET_CHANGED')}.*No such file`));
    await site.httpd.log.check();

    site.fake.options.clientSecret = 'the-third-secret-of-the-client';
    replace(site.secretFile, 'the-third-secret-of-the-client');
    await seconds(1.1);
    await site.signedIn();
  });
});

describe('a client secret that only root can read', { skip: !root }, () => {
  const site = useSite({ provider: 'fake', config: (s) => s.provider() + app(s) });
  it('goes on without complaints until httpd is told to read it', async () => {
    await site.signedIn();
    replace(site.secretFile, 'another-secret-of-the-client', { owner: 0 });
    await seconds(2.2);
    await site.signedIn();
    await site.httpd.graceful();
    site.fake.options.clientSecret = 'another-secret-of-the-client';
    await site.signedIn();
  });
});

describe('a key that changes', () => {
  const keyFile = (s) => `${s.httpd.root}/conf/client.key`;
  const site = useSite({
    provider: 'fake',
    config: (s) => {
      if (!fs.existsSync(keyFile(s))) replace(keyFile(s), pem());
      return `${s.provider()}OAuthClientKey ${keyFile(s)}\n${app(s)}`;
    },
  });
  const published = async () => (await site.browser().fetch(`${site.url}/oauth/jwks.json`)).json.keys;

  it('is published by the running server, and a file that holds none is refused', async () => {
    const [first, ...more] = await published();
    assert.deepEqual(more, []);
    replace(keyFile(site), pem());
    await seconds(1.1);
    const [second] = await published();
    assert.notEqual(second.kid, first.kid);
    replace(keyFile(site), 'this is no key');
    await seconds(2.2);
    assert.deepEqual(await published(), [second]);
    site.expectLog(new RegExp(`${errorId('SECRET_CHANGED')}.*OAuthClientKey.*no private key`));
  });
});
