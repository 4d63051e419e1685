// Free loopback ports below the range from which the kernel takes ports for outgoing connections:
// a port that a stopped httpd will want back is not lost to a client meanwhile.
import net from 'node:net';

const FIRST = 20000;
const LAST = 31999;
const taken = new Set();

function bindable(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

export async function freePort() {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (!taken.has(port) && await bindable(port)) {
      taken.add(port);
      return port;
    }
  }
}

// Resolves when something accepts connections; rejects when it has not within the time.
export async function waitForPort(port, { timeoutMs = 10000, aborted = () => false } = {}) {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline && !aborted()) {
    const open = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('connect', () => { socket.destroy(); resolve(true); });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  throw new Error(`nothing listens on port ${port}`);
}

// Resolves when the condition holds; for things that no connection can tell.
export async function waitUntil(condition, what, timeoutMs = 10000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}
