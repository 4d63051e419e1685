// As much of a browser as a login needs: it follows redirects one by one, keeps cookies, submits
// forms, says what a browser says about a request (Sec-Fetch-*), and shows every hop.
import http from 'node:http';
import https from 'node:https';
import { CookieJar, siteOf } from './cookies.mjs';
import { addSecretsOfForm, addSecretsOfUrl } from './secrets.mjs';

const MAX_HOPS = 25;
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

export function unescapeHtml(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex, dec, name) => {
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    if (dec) return String.fromCodePoint(Number(dec));
    return ENTITIES[name] ?? all;
  });
}

function attribute(tag, name) {
  const match = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i').exec(tag);
  return match ? unescapeHtml(match[1] ?? match[2] ?? match[3]) : undefined;
}

// The forms of a page, with the fields that a browser would send. Submit buttons are listed apart;
// one outside the form belongs to it by its form attribute.
export function formsOf(html) {
  const buttons = [...html.matchAll(/<button\b[^>]*>/gi)].map(([tag]) => tag);
  return [...html.matchAll(/<form\b[^>]*>([\s\S]*?)<\/form>/gi)].map(([whole, inner]) => {
    const tag = /<form\b[^>]*>/i.exec(whole)[0];
    const fields = {};
    for (const [input] of inner.matchAll(/<input\b[^>]*>/gi)) {
      const name = attribute(input, 'name');
      if (name) fields[name] = attribute(input, 'value') ?? '';
    }
    const id = attribute(tag, 'id');
    return {
      action: attribute(tag, 'action'),
      method: (attribute(tag, 'method') ?? 'get').toUpperCase(),
      fields,
      buttons: buttons
        .filter((button) => inner.includes(button) || (id && attribute(button, 'form') === id))
        .map((button) => ({ name: attribute(button, 'name'), value: attribute(button, 'value') ?? '' })),
    };
  });
}

function secFetchSite(chain, target) {
  if (chain.length === 0) return 'none';
  const origins = chain.map((url) => new URL(url).origin);
  if (origins.every((origin) => origin === new URL(target).origin)) return 'same-origin';
  return chain.every((url) => siteOf(url) === siteOf(target)) ? 'same-site' : 'cross-site';
}

class Page {
  constructor(hops) {
    this.hops = hops;
    Object.assign(this, hops[hops.length - 1]);
  }

  get forms() {
    return formsOf(this.text);
  }

  get json() {
    return JSON.parse(this.text);
  }

  // What the echo backend received under a header name.
  received(name) {
    return this.json.headers.filter(([one]) => one.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  }

  // The error id that the page shows, if it is one of the module's.
  get errorId() {
    return /\bOA-\d{4}\b/.exec(this.text)?.[0];
  }
}

export class Browser {
  // ca: for https. headers: sent with every request.
  constructor({ ca, headers = {} } = {}) {
    this.ca = ca;
    this.headers = headers;
    this.jar = new CookieJar();
  }

  cookie(name) {
    return this.jar.get(name)?.value;
  }

  // One request, no redirects followed. Connects to 127.0.0.1 whatever the URL's host is called.
  send(target, { method = 'GET', headers = {}, body, navigation = true, chain = [], cookies = true } = {}) {
    const url = new URL(target);
    addSecretsOfUrl(url);
    const crossSite = chain.length > 0 && siteOf(chain[0]) !== siteOf(url);
    const cookie = cookies
      ? this.jar.header(url, { crossSite, topLevelGet: navigation && ['GET', 'HEAD'].includes(method) })
      : '';
    const sent = {
      Host: url.host,
      ...(navigation ? {
        Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
        'Sec-Fetch-Mode': 'navigate',
        'Sec-Fetch-Dest': 'document',
        'Sec-Fetch-User': '?1',
      } : { Accept: '*/*', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }),
      'Sec-Fetch-Site': secFetchSite(chain, target),
      ...(method === 'POST' && chain.length && { Origin: new URL(chain[0]).origin }),
      ...(cookie && { Cookie: cookie }),
      ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }),
      ...this.headers,
      ...headers,
    };
    for (const name of Object.keys(sent)) if (sent[name] === undefined) delete sent[name];
    const { request } = url.protocol === 'https:' ? https : http;
    return new Promise((resolve, reject) => {
      const req = request({
        host: '127.0.0.1',
        port: url.port || (url.protocol === 'https:' ? 443 : 80),
        path: url.pathname + url.search,
        method,
        headers: sent,
        agent: false,
        setDefaultHeaders: false,
        ...(url.protocol === 'https:' && { ca: this.ca, servername: url.hostname }),
      }, (res) => {
        const chunks = [];
        res.on('data', (chunk) => chunks.push(chunk));
        res.on('error', reject);
        res.on('end', () => {
          const setCookies = res.headers['set-cookie'] ?? [];
          setCookies.forEach((line) => this.jar.store(line, url));
          resolve({
            method,
            url: url.href,
            status: res.statusCode,
            headers: res.headers,
            rawHeaders: res.rawHeaders,
            location: res.headers.location,
            setCookies,
            sent,
            text: Buffer.concat(chunks).toString('utf8'),
          });
        });
      });
      req.on('error', reject);
      req.end(body);
    });
  }

  // A navigation, as from the address bar, or from a page of `from` (a URL). Options: method, form
  // (an object or pairs), body, headers, follow (false: one hop), stopAt (hop => true to stop
  // before following), autoSubmit (false: stop at form_post pages).
  async goto(target, options = {}) {
    const { form, follow = true, stopAt = () => false, autoSubmit = true, from } = options;
    let { method, body, headers = {} } = options;
    if (form !== undefined) {
      method = method ?? 'POST';
      body = new URLSearchParams(form).toString();
      headers = { 'Content-Type': 'application/x-www-form-urlencoded', ...headers };
    }
    method = method ?? 'GET';
    const hops = [];
    let url = new URL(target);
    let chain = from ? [from] : [];
    for (;;) {
      const hop = await this.send(url, { method, body, headers, chain });
      hops.push(hop);
      if (hops.length > MAX_HOPS) {
        throw new Error(`more than ${MAX_HOPS} hops: ${hops.map((one) => one.url.split('?', 1)[0]).join(' → ')}`);
      }
      if (!follow) return new Page(hops);
      const auto = autoSubmit && hop.status === 200 && /\.submit\(\)/.test(hop.text) && formsOf(hop.text)[0];
      if (hop.status >= 300 && hop.status < 400 && hop.location) {
        if (stopAt(hop)) return new Page(hops);
        const keep = hop.status === 307 || hop.status === 308;
        if (!keep && !(method === 'HEAD')) {
          method = 'GET';
          body = undefined;
          headers = Object.fromEntries(Object.entries(headers).filter(([name]) => !/^content-/i.test(name)));
        }
        if (chain.length) chain = [...chain, url.href];
        url = new URL(hop.location, url);
      } else if (auto) {
        if (stopAt(hop)) return new Page(hops);
        addSecretsOfForm(auto.fields);
        method = auto.method;
        body = new URLSearchParams(auto.fields).toString();
        headers = { ...options.headers, 'Content-Type': 'application/x-www-form-urlencoded' };
        chain = [url.href];
        url = new URL(auto.action, url);
      } else {
        return new Page(hops);
      }
    }
  }

  // What a script on a page does: no navigation, and redirects are shown, not followed.
  async fetch(target, options = {}) {
    const { form, ...rest } = options;
    const hop = await this.send(target, {
      navigation: false,
      ...rest,
      ...(form && {
        method: 'POST',
        body: new URLSearchParams(form).toString(),
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...rest.headers },
      }),
    });
    return new Page([hop]);
  }

  // Fills in a form of the page and sends it; button: the index of the button to press.
  submit(page, fields = {}, { index = 0, button = 0, ...options } = {}) {
    const form = page.forms[index];
    if (!form) throw new Error(`no form on ${page.url.split('?', 1)[0]} (status ${page.status})`);
    const pressed = form.buttons[button];
    const all = { ...form.fields, ...fields, ...(pressed?.name && { [pressed.name]: pressed.value }) };
    addSecretsOfForm(all);
    const target = new URL(form.action ?? page.url, page.url);
    if (form.method === 'GET') {
      target.search = new URLSearchParams(all).toString();
      return this.goto(target, { from: page.url, ...options });
    }
    return this.goto(target, { form: all, from: page.url, ...options });
  }
}

// Goes to a page and through the provider's login form if one comes; returns where it ends.
export async function login(browser, url, user = 'alice', options = {}) {
  const page = await browser.goto(url, options);
  if (!page.forms.some((form) => 'password' in form.fields)) return page;
  const { method, form, body, ...rest } = options;
  const end = await browser.submit(page, { login: user, password: user }, rest);
  end.hops.unshift(...page.hops);
  return end;
}
