// One request, as all parts of the benchmark make it.
import http from 'node:http';

// Status and duration in milliseconds of one request; status 0: the connection ended, unanswered: it was
// one of an earlier request, and not a byte came. who: a Cookie header, or an object of headers.
export function ask(agent, url, who) {
  const began = performance.now();
  const own = typeof who === 'string' ? who && { Cookie: who } : who;
  const headers = { ...own, Accept: '*/*', 'User-Agent': 'bench' };
  return new Promise((resolve) => {
    const done = (status, unanswered = false) => resolve({ status, ms: performance.now() - began, unanswered });
    const request = http.get(url, { agent, headers }, (response) => {
      response.resume();
      response.on('end', () => done(response.statusCode));
      response.on('error', () => done(0));
    });
    request.on('error', () => done(0, request.reusedSocket));
  });
}
