// Requests that no well-behaved client would send, and HTTP/2.
import net from 'node:net';
import tls from 'node:tls';
import http2 from 'node:http2';

// Sends bytes as they are and reads until the server closes. Lines are joined with CRLF when an
// array is given: rawRequest(port, ['GET / HTTP/1.1', 'Host: localhost', 'Connection: close', '', ''])
export function rawRequest(port, bytes, { ca, timeoutMs = 10000, host = 'localhost' } = {}) {
  const data = Array.isArray(bytes) ? bytes.join('\r\n') : bytes;
  return new Promise((resolve, reject) => {
    const socket = ca
      ? tls.connect({ port, host: '127.0.0.1', servername: host, ca })
      : net.connect(port, '127.0.0.1');
    const chunks = [];
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end of the answer within ${timeoutMs} ms: ${Buffer.concat(chunks).toString('latin1')}`));
    }, timeoutMs);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {}); // a reset ends the answer like a close does
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(parse(Buffer.concat(chunks).toString('latin1')));
    });
    socket.write(Buffer.from(data, 'latin1'));
  });
}

function parse(text) {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine, ...lines] = text.slice(0, end < 0 ? text.length : end).split('\r\n');
  const headers = lines.map((line) => [line.split(':', 1)[0].toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]);
  const values = (name) => headers.filter(([one]) => one === name).map(([, value]) => value);
  const chunked = values('transfer-encoding').some((value) => /chunked/i.test(value));
  const body = end < 0 ? '' : text.slice(end + 4);
  return {
    text,
    status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? 0),
    statuses: [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map((match) => Number(match[1])),
    headers,
    header: (name) => values(name)[0],
    body: chunked ? unchunk(body) : body,
  };
}

function unchunk(body) {
  let text = '';
  let at = 0;
  for (;;) {
    const eol = body.indexOf('\r\n', at);
    const size = eol < 0 ? 0 : parseInt(body.slice(at, eol), 16);
    if (!size) return text;
    text += body.slice(eol + 2, eol + 2 + size);
    at = eol + 2 + size + 2;
  }
}

// An HTTP/2 connection; request() may be called many times at once.
export async function h2Connect(url, { ca } = {}) {
  const { port, protocol, hostname } = new URL(url);
  const session = http2.connect(`${protocol}//127.0.0.1:${port}`, { ca, servername: hostname });
  await new Promise((resolve, reject) => {
    session.once('connect', resolve);
    session.once('error', reject);
  });
  session.on('error', () => {});
  const request = (path, headers = {}, body) => new Promise((resolve, reject) => {
    const stream = session.request({
      ':path': path, ':method': body === undefined ? 'GET' : 'POST', ':authority': `${hostname}:${port}`, ...headers,
    });
    let text = '';
    let answer;
    stream.setEncoding('utf8');
    stream.on('response', (got) => { answer = got; });
    stream.on('data', (chunk) => { text += chunk; });
    stream.on('error', reject);
    stream.on('close', () => resolve({ status: answer?.[':status'] ?? 0, headers: answer ?? {}, text }));
    stream.end(body);
  });
  return { session, request, close: () => new Promise((resolve) => { session.close(resolve); }) };
}
