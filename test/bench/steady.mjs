// A process of its own that asks at a steady rate, whether answers come or not, and measures each
// request from when it was due: what a server that stands still costs is not left out.
//
//   node steady.mjs URL COOKIE RATE COUNT      COOKIE '' sends none; one line of JSON comes back
import http from 'node:http';
import { ask } from './request.mjs';

const [url, cookie, rate, count] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true });
const times = [];
let failed = 0;

async function one(due) {
  let answer = await ask(agent, url, cookie);
  // httpd closes connections when it has a child too many or too few threads; whoever finds that out
  // with a request asks once more on a new one (RFC 9112 9.3.1), and the time counts.
  if (answer.unanswered) answer = await ask(new http.Agent(), url, cookie);
  times.push(performance.now() - due);
  if (answer.status === 200) return;
  failed += 1;
  console.error(`status ${answer.status} after ${Math.round(performance.now() - began)} ms`);
}

// Without timers of less than a millisecond, which there are not: as many as are due by now.
const began = performance.now();
const running = [];
await new Promise((resolve) => {
  const timer = setInterval(() => {
    while (running.length < count && running.length <= (performance.now() - began) * rate / 1000) {
      running.push(one(began + running.length * 1000 / rate));
    }
    if (running.length >= count) {
      clearInterval(timer);
      resolve();
    }
  }, 1);
});
await Promise.all(running);
agent.destroy();
times.sort((a, b) => a - b);
const at = (part) => times[Math.min(times.length - 1, Math.floor(times.length * part))];
console.log(JSON.stringify({ p50: at(0.5), p99: at(0.99), longest: at(1), failed, seconds: (performance.now() - began) / 1000 }));
