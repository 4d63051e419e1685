// What takes a busy server: throughput, memory, and children that die.
import fs from 'node:fs';
import http from 'node:http';
import { ask, median, number, Site, wrk } from './support.mjs';

const RUNS = 7;
const SECONDS = 2;
const CONNECTIONS = [1, 32];
const ROUNDS = 1000000;
const KILLS = 200;
const SESSIONS = 50;
const CLIENTS = 16;
const KILL_PAUSE = 100;

const milliseconds = (n) => n.toFixed(2);

// All servers run at once and only one is asked, in turns, so that what else the machine does meets
// all of them.
export async function throughput(variants, context) {
  const sites = [];
  for (const variant of variants.filter((one) => one.id !== 'idle')) {
    const site = await Site.make({ ...variant, id: `load-${variant.id}` }, { ...context, mpm: 'event' });
    await site.start();
    sites.push({ site, variant, cookie: await site.signIn() });
  }
  const rows = [];
  for (const connections of CONNECTIONS) {
    for (const one of sites) one.runs = [wrk(one.site.url, one.cookie, connections, 1)].slice(1);
    for (let i = 0; i < RUNS; i += 1) {
      for (const one of sites) one.runs.push(wrk(one.site.url, one.cookie, connections, SECONDS));
    }
    for (const { variant, runs } of sites) {
      const ratios = runs.map((run, i) => run.rate / sites[0].runs[i].rate);
      const rates = runs.map((run) => run.rate);
      rows.push([connections, variant.name, number(median(rates)), `${number(Math.min(...rates))} to ${number(Math.max(...rates))}`,
        median(ratios).toFixed(2), milliseconds(median(runs.map((run) => run.p50))), milliseconds(median(runs.map((run) => run.p99)))]);
      context.say(rows.at(-1));
    }
  }
  for (const { site } of sites) await site.stop();
  return {
    title: `Throughput (wrk, event MPM, ${RUNS} alternated runs of ${SECONDS} s; ratio: median over the runs)`,
    head: ['connections', '', 'requests/s', 'lowest to highest', 'over not protected', 'p50 ms', 'p99 ms'],
    rows,
  };
}

function residentOf(pids) {
  return pids.reduce((sum, pid) => sum + Number(/^RssAnon:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]), 0);
}

export async function memory(variants, context) {
  const rows = [];
  const more = 'StartServers 1\nServerLimit 1\nThreadsPerChild 32\nMaxRequestWorkers 32\nMinSpareThreads 1\nMaxSpareThreads 32\nMaxConnectionsPerChild 0';
  for (const variant of variants.filter((one) => one.id === 'shm')) {
    const site = await Site.make({ ...variant, id: `memory-${variant.id}` }, { ...context, mpm: 'event', more });
    await site.start();
    const cookie = await site.signIn();
    let done = 0;
    const until = (target) => { while (done < target) done += wrk(site.url, cookie, 32, 5).requests; return residentOf(site.children()); };
    const before = until(1);
    const middle = until(ROUNDS / 10);
    const after = until(ROUNDS);
    await site.stop();
    rows.push([variant.name, number(before), number(middle), number(after), number(done)]);
    context.say(rows.at(-1));
  }
  return {
    title: 'Resident memory of the one child (event MPM, 32 threads, 32 connections, anonymous KiB)',
    head: ['', 'after 5 s', 'after a tenth', 'at the end', 'requests'],
    rows,
  };
}

// Asks with all sessions in turn, on several connections, until it is told to stop.
class Crowd {
  constructor(url, cookies) {
    Object.assign(this, { url, cookies, answered: 0, cut: 0, longest: 0, lost: new Set(), running: true, next: 0 });
    this.clients = Array.from({ length: CLIENTS }, () => this.client());
  }

  async client() {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    while (this.running) {
      const cookie = this.cookies[this.next++ % this.cookies.length];
      const { status, ms } = await ask(agent, this.url, cookie);
      this.longest = Math.max(this.longest, ms);
      if (status === 200) this.answered += 1;
      else if (status === 0) this.cut += 1;
      else this.lost.add(cookie);
    }
    agent.destroy();
  }

  async stop() {
    this.running = false;
    await Promise.all(this.clients);
  }
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function killChildren(site) {
  for (let i = 0; i < KILLS; i += 1) {
    let children = site.children();
    while (!children.length) {
      await pause(10);
      children = site.children();
    }
    try {
      process.kill(children[Math.floor(Math.random() * children.length)], 'SIGKILL');
    } catch { /* it had gone by itself */ }
    await pause(KILL_PAUSE);
  }
}

async function signalled(site, name) {
  const before = new Set(site.children());
  site.signal(name);
  while (site.children().some((pid) => before.has(pid)) || !site.children().length) await pause(50);
}

const events = [
  ['graceful', (site) => signalled(site, 'SIGUSR1')],
  ['restart', (site) => signalled(site, 'SIGHUP')],
  ['stop and start', async (site) => { await site.stop(); await site.start(); }],
  [`${KILLS} × kill -9 of a random child`, killChildren],
];

export async function kill(variants, context) {
  const rows = [];
  const more = 'StartServers 4\nServerLimit 8\nThreadsPerChild 8\nMaxRequestWorkers 64\nMinSpareThreads 32\nMaxSpareThreads 64\nGracefulShutdownTimeout 5';
  for (const variant of variants.filter((one) => one.id === 'shm')) {
    const site = await Site.make({ ...variant, id: `kill-${variant.id}` }, { ...context, mpm: 'event', more });
    const cookies = [];
    await site.start();
    for (let i = 0; i < SESSIONS; i += 1) cookies.push(await site.signIn());
    for (const [name, event] of events) {
      const crowd = new Crowd(site.url, cookies);
      await pause(300);
      await event(site);
      await pause(300);
      await crowd.stop();
      for (const cookie of cookies) {
        const { status } = await ask(new http.Agent(), site.url, cookie);
        if (status !== 200) crowd.lost.add(cookie);
      }
      rows.push([variant.name, name, number(crowd.lost.size), number(crowd.answered), number(crowd.cut), number(crowd.longest)]);
      context.say(rows.at(-1));
    }
    await site.stop();
  }
  return {
    title: `Sessions lost (event MPM, ${SESSIONS} sessions, ${CLIENTS} connections under load meanwhile)`,
    head: ['', 'event', 'sessions lost', 'requests answered', 'connections cut', 'longest request, ms'],
    rows,
  };
}
