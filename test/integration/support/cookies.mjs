// A cookie jar that follows browsers where it matters here: hosts without ports, paths, Secure,
// SameSite with Lax as the default, and the __Host- prefix.
import { addSecret } from './secrets.mjs';

// A browser takes loopback for as trustworthy as https.
function trustworthy(url) {
  return url.protocol === 'https:' || url.hostname === '127.0.0.1' || /(^|\.)localhost$/.test(url.hostname);
}

function defaultPath(pathname) {
  const at = pathname.lastIndexOf('/');
  return at > 0 ? pathname.slice(0, at) : '/';
}

function pathMatches(cookiePath, pathname) {
  if (pathname === cookiePath) return true;
  return pathname.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}

// The site of a URL: scheme and host, without the port (loopback names have no public suffix).
export function siteOf(url) {
  const { protocol, hostname } = new URL(url);
  return `${protocol}//${hostname}`;
}

export function parseSetCookie(line) {
  const [pair, ...rest] = line.split(';');
  const at = pair.indexOf('=');
  const attributes = {};
  for (const part of rest) {
    const [name, ...value] = part.split('=');
    attributes[name.trim().toLowerCase()] = value.join('=').trim();
  }
  return { name: pair.slice(0, at).trim(), value: pair.slice(at + 1).trim(), attributes, line };
}

export class CookieJar {
  constructor() {
    this.cookies = [];
    this.refused = [];
  }

  store(line, url) {
    const { name, value, attributes } = parseSetCookie(line);
    addSecret(value);
    const secure = 'secure' in attributes;
    const sameSite = (attributes.samesite ?? 'lax').toLowerCase();
    const path = attributes.path?.startsWith('/') ? attributes.path : defaultPath(url.pathname);
    const domain = attributes.domain?.replace(/^\./, '').toLowerCase();
    const refuse = (why) => { this.refused.push({ line, why }); };
    if (secure && !trustworthy(url)) return refuse('Secure from an insecure origin');
    if (sameSite === 'none' && !secure) return refuse('SameSite=None without Secure');
    if (domain && url.hostname !== domain && !url.hostname.endsWith(`.${domain}`)) return refuse('foreign Domain');
    if (name.startsWith('__Secure-') && !secure) return refuse('__Secure- without Secure');
    if (name.startsWith('__Host-') && (!secure || domain || attributes.path !== '/')) {
      return refuse('__Host- needs Secure, Path=/ and no Domain');
    }
    if (name.length + value.length > 4096) return refuse('longer than 4096 bytes');

    const host = domain ?? url.hostname;
    let expires = Infinity;
    if (attributes['max-age'] !== undefined) expires = Date.now() + Number(attributes['max-age']) * 1000;
    else if (attributes.expires !== undefined) expires = Date.parse(attributes.expires);
    this.cookies = this.cookies.filter((one) => one.name !== name || one.host !== host || one.path !== path);
    if (expires > Date.now()) {
      this.cookies.push({
        name, value, host, hostOnly: !domain, path, secure, sameSite, expires, httpOnly: 'httponly' in attributes,
      });
    }
    return undefined;
  }

  // crossSite: the request was caused by another site; topLevelGet: it is a navigation by GET.
  matching(url, { crossSite = false, topLevelGet = true } = {}) {
    return this.cookies
      .filter((one) => one.expires > Date.now())
      .filter((one) => url.hostname === one.host || (!one.hostOnly && url.hostname.endsWith(`.${one.host}`)))
      .filter((one) => pathMatches(one.path, url.pathname))
      .filter((one) => !one.secure || trustworthy(url))
      .filter((one) => !crossSite || one.sameSite === 'none' || (one.sameSite === 'lax' && topLevelGet))
      .sort((a, b) => b.path.length - a.path.length);
  }

  header(url, context) {
    return this.matching(url, context).map((one) => `${one.name}=${one.value}`).join('; ');
  }

  get(name) {
    return this.cookies.find((one) => one.name === name && one.expires > Date.now());
  }

  delete(name) {
    this.cookies = this.cookies.filter((one) => one.name !== name);
  }

  clear() {
    this.cookies = [];
  }

  copy() {
    const jar = new CookieJar();
    jar.cookies = this.cookies.map((one) => ({ ...one }));
    return jar;
  }
}
