// The application behind httpd: answers every request with JSON that says what arrived.
import http from 'node:http';

export async function startBackend() {
  const requests = [];
  const answers = new Map();
  const server = http.createServer(async (req, res) => {
    let bodyLength = 0;
    for await (const chunk of req) bodyLength += chunk.length;
    const raw = [];
    for (let i = 0; i < req.rawHeaders.length; i += 2) raw.push([req.rawHeaders[i], req.rawHeaders[i + 1]]);
    const record = { method: req.method, url: req.url, headers: raw, bodyLength };
    requests.push(record);
    const { pathname } = new URL(req.url, 'http://any');
    const answer = answers.get(pathname);
    if (answer) return answer(req, res, record);
    res.writeHead(200, { 'Content-Type': 'application/json' });
    return res.end(JSON.stringify(record));
  });
  server.on('upgrade', (req, socket) => {
    const raw = [];
    for (let i = 0; i < req.rawHeaders.length; i += 2) raw.push([req.rawHeaders[i], req.rawHeaders[i + 1]]);
    requests.push({ method: req.method, url: req.url, headers: raw, upgrade: true });
    socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address();
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    count: (path) => requests.filter((one) => new URL(one.url, 'http://any').pathname === path).length,
    // fn(req, res, record) answers a path instead of the echo.
    on: (path, fn) => answers.set(path, fn),
    reset: () => { requests.length = 0; answers.clear(); },
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

// The values that arrived under a header name, whatever its case: none, one, or several.
export function received(echo, name) {
  const record = typeof echo === 'string' ? JSON.parse(echo) : echo;
  return record.headers.filter(([one]) => one.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}
