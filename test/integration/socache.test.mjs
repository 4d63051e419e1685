// Sessions in httpd's own cache providers: the contract of stores over each real one, inside a real
// httpd (test/unit/mod_store_contract.c), and whole logins.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { describe, it } from 'node:test';
import { freePort, startHttpd } from './harness.mjs';

const MODULES = '/usr/lib/apache2/modules';
const BUILD = process.env.BUILD_DIR ?? path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');
const PROVIDERS = Object.fromEntries(['dbm', 'memcache', 'redis'].map((name) => [
  `socache_${name}_module`, `${MODULES}/mod_socache_${name}.so`]));

function get(url) {
  return new Promise((resolve, reject) => {
    http.get(url, { agent: false }, (res) => {
      let text = '';
      res.on('data', (data) => { text += data; });
      res.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

describe('the contract of stores', () => {
  let httpd;

  // mutex: what the Mutex directive says.
  async function start(mutex) {
    httpd = await startHttpd({
      mpm: 'prefork',
      oauth: false,
      modules: { ...PROVIDERS, store_contract_module: path.join(BUILD, 'mod_store_contract.so') },
      config: `
        ${mutex ? `Mutex ${mutex} auth_oauth` : ''}
        Timeout 300
        <Location /contract>
          SetHandler store-contract
        </Location>`,
    });
    // In memory where there is some: dbm waits for the disk at each write.
    const dir = fs.mkdtempSync(path.join(fs.existsSync('/dev/shm') ? '/dev/shm' : httpd.root, 'oauth-contract-'));
    fs.chmodSync(dir, 0o777);
    return dir;
  }

  async function holds(kind, least, mutex) {
    const dir = await start(mutex);
    try {
      const report = await get(`${httpd.url}/contract?${kind}:${await freePort()}:${dir}`);
      const passed = [...report.matchAll(/PASSED +\] (\d+) test/g)].reduce((sum, [, n]) => sum + Number(n), 0);
      const bad = report.split('\n').filter((line) => /\[ +(FAILED|ERROR|LINE|SKIPPED)/.test(line)).join('\n');
      assert.equal(bad, '', report);
      assert.match(report, /^failed: 0$/m);
      assert.ok(passed >= least, `${passed} tests passed\n${report}`);
    } finally {
      await httpd.end();
      fs.rmSync(dir, { recursive: true, force: true });
    }
  }

  it('holds for mod_socache_shmcb', () => holds('shmcb', 18));
  it('holds for mod_socache_shmcb whose memory is narrow', async () => {
    await holds('narrow', 17);
  });
  it('holds for a provider that fails', () => holds('shaky', 18));
  it('holds for mod_socache_dbm', () => holds('dbm', 18));
  it('holds for mod_socache_memcache', () => holds('memcache', 19));
  it('holds for mod_socache_redis', () => holds('redis', 18));
  it('holds when a process keeps the mutex', () => holds('hanging', 1));
  for (const mutex of ['default', 'pthread', 'sysvsem', 'fcntl', 'flock']) {
    it(`holds when processes die with the mutex: ${mutex}`, () => holds('dying', 1, mutex));
  }
});
