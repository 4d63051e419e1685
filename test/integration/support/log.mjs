// Reads what httpd wrote to its error log since the last look, and holds it against what the test
// announced. A warning nobody announced fails the test, and so does an announced one that is not
// there, a crash, a sanitizer's report, and a secret.
import fs from 'node:fs';
import path from 'node:path';
import assert from 'node:assert/strict';
import { secretsIn } from './secrets.mjs';
import { waitUntil } from './ports.mjs';

const LINE = /^\[[^\]]*\] \[[^:\]]*:(\w+)\] /;
const LOUD = new Set(['warn', 'error', 'crit', 'alert', 'emerg']);
const CRASH = /exit signal|Segmentation fault|Assertion|runtime error:|Sanitizer|corrupted|free\(\)/;

// httpd's own habits that are nobody's mistake.
const HARMLESS = [
  /AH00170|AH00171|AH00172/, // caught a signal that the test sent
  /AH03092: process_lingering_close/, // a connection that closes while a child ends
  /AH00161: server reached MaxRequestWorkers/, // prefork's six, busy with what the test sent at once
  /AH00045: child process \d+ still did not exit/,
];

export class LogWatch {
  constructor(file, sanitizerDir) {
    this.file = file;
    this.sanitizerDir = sanitizerDir;
    this.offset = 0;
    this.expected = [];
    this.reports = new Set();
  }

  // pattern: text or RegExp. Told before or after the request, but in the same test.
  expect(pattern) {
    this.expected.push(pattern);
  }

  whole() {
    return fs.existsSync(this.file) ? fs.readFileSync(this.file, 'utf8') : '';
  }

  // What was written since the last check.
  fresh() {
    if (!fs.existsSync(this.file)) return '';
    return fs.readFileSync(this.file).subarray(this.offset).toString('utf8');
  }

  newReports() {
    const files = fs.existsSync(this.sanitizerDir) ? fs.readdirSync(this.sanitizerDir) : [];
    return files.filter((name) => !this.reports.has(name)).map((name) => {
      this.reports.add(name);
      return fs.readFileSync(path.join(this.sanitizerDir, name), 'utf8').slice(0, 4000);
    });
  }

  async check() {
    const matches = (pattern, line) => (pattern instanceof RegExp ? pattern.test(line) : line.includes(pattern));
    const missing = () => {
      const lines = this.fresh().split('\n');
      return this.expected.filter((pattern) => !lines.some((line) => matches(pattern, line)));
    };
    // A line may follow the answer by a moment; its absence is a failure all the same.
    if (missing().length) await waitUntil(() => missing().length === 0, '', 1500).catch(() => {});

    const problems = missing().map((pattern) => `announced, but not in the log: ${pattern}`);
    const text = this.fresh();
    this.offset += Buffer.byteLength(text);
    for (const line of text.split('\n').filter(Boolean)) {
      const level = LINE.exec(line)?.[1];
      const loud = level === undefined || LOUD.has(level) || CRASH.test(line);
      const announced = this.expected.some((pattern) => matches(pattern, line));
      if (loud && !announced && !HARMLESS.some((pattern) => pattern.test(line))) {
        problems.push(`not announced: ${line}`);
      }
    }
    this.expected = [];
    problems.push(...this.newReports().map((report) => `sanitizer report:\n${report}`));
    problems.push(...secretsIn(text).map((secret) => `a secret is in the log: ${secret.slice(0, 8)}…: ${
      text.split('\n').find((line) => line.includes(secret)).replaceAll(secret, '<HERE>')}`));
    if (problems.length) assert.fail(`error log:\n  ${problems.join('\n  ')}`);
  }
}
