// The application behind httpd. It knows nothing of OAuth: who the user is comes in headers.
//
//   node backend.mjs PORT PROVIDER_ORIGIN
import http from 'node:http';

const port = Number(process.argv[2]);
const provider = process.argv[3];

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const html = (text) => String(text).replace(/[&<>"']/g, (c) => escapes[c]);

const style = `
:root { color-scheme: light dark; --page:#f4f5f8; --card:#fff; --text:#1b2130; --soft:#5a6478;
  --line:#d7dce6; --accent:#2f5fd0; --chip:#e8eefc; }
@media (prefers-color-scheme: dark) { :root { --page:#11151d; --card:#1a202c; --text:#e7ebf3;
  --soft:#9aa5b8; --line:#323c4f; --accent:#86a9ff; --chip:#22304d; } }
* { box-sizing: border-box; }
body { margin:0; background:var(--page); color:var(--text);
  font:16px/1.55 system-ui,"Segoe UI","DejaVu Sans",sans-serif; }
header { border-bottom:1px solid var(--line); background:var(--card); }
header div, main { max-width:56rem; margin:0 auto; padding:1rem 1.25rem; }
header div { display:flex; flex-wrap:wrap; gap:.5rem 1.25rem; align-items:center; }
header b { margin-right:auto; }
nav { display:flex; flex-wrap:wrap; gap:.25rem 1.1rem; }
a { color:var(--accent); }
nav a { text-decoration:none; padding:.2rem 0; }
nav a[aria-current] { border-bottom:2px solid var(--accent); }
h1 { font-size:1.7rem; line-height:1.2; margin:1.5rem 0 .4rem; }
p.lead { color:var(--soft); margin:0 0 1.5rem; max-width:40rem; }
.card { background:var(--card); border:1px solid var(--line); border-radius:.8rem;
  padding:1.1rem 1.25rem; margin:0 0 1rem; overflow-x:auto; }
h2 { font-size:1.02rem; margin:0 0 .5rem; }
table { border-collapse:collapse; width:100%; }
th, td { text-align:left; vertical-align:top; padding:.35rem .8rem .35rem 0;
  border-top:1px solid var(--line); overflow-wrap:anywhere; }
tr:first-child > * { border-top:0; }
th { font-weight:600; white-space:nowrap; }
code, td { font-family:ui-monospace,"DejaVu Sans Mono",monospace; font-size:.88em; }
tr.ours th { color:var(--accent); }
pre { margin:.2rem 0 0; font-size:.88em; white-space:pre-wrap; }
`;

const links = [['/', 'Public'], ['/app', 'Signed in'], ['/admins', 'Admins only'],
  ['/service', 'Service'], ['/api', 'API']];

function page(request, title, lead, body) {
  const user = request.headers['x-forwarded-user'];
  const nav = links.map(([href, text]) =>
    `<a href="${href}"${request.url === href ? ' aria-current="page"' : ''}>${text}</a>`).join('');
  const account = user
    ? `<span>${html(user)}</span><a href="/oauth/logout?return_to=/">Sign out</a>`
    : '<a href="/oauth/login?return_to=/app">Sign in</a>';
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(title)} – demo</title><style>${style}</style></head>
<body><header><div><b>mod_auth_oauth demo</b><nav>${nav}</nav>${account}</div></header>
<main><h1>${html(title)}</h1><p class="lead">${lead}</p>${body}</main></body></html>`;
}

function headerTable(request) {
  // What the module set comes first: it is what the page is for.
  const rows = { ours: [], others: [] };
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const [name, value] = [request.rawHeaders[i], request.rawHeaders[i + 1]];
    const kind = /^(x-forwarded-(user|email|preferred-username|groups)|authorization)$/i.test(name)
      ? 'ours' : 'others';
    rows[kind].push(`<tr class="${kind}"><th scope="row">${html(name)}</th><td>${html(value)}</td></tr>`);
  }
  return `<div class="card"><h2>Headers that the backend received</h2>
<table>${rows.ours.join('')}${rows.others.join('')}</table></div>`;
}

// What is inside an access token that is a JWT. A real application verifies it first.
function tokenTable(request) {
  const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  const [, payload] = token.split('.');
  const claims = payload ? JSON.parse(Buffer.from(payload, 'base64url')) : {};
  const said = (name, value) => (/^(exp|iat)$/.test(name)
    ? `${value} (${new Date(value * 1000).toISOString()})` : JSON.stringify(value));
  const rows = Object.entries(claims).map(([name, value]) =>
    `<tr class="ours"><th scope="row">${html(name)}</th><td>${html(said(name, value))}</td></tr>`);
  return `<div class="card"><h2>What the token says</h2><table>${rows.join('')}</table></div>`;
}

const pages = {
  '/': (request) => page(request, 'A public page', 'Nobody has to sign in to read this. '
    + 'Try the other pages as <code>alice</code> (groups staff and admins) or as '
    + '<code>bob</code> (staff only); the password is the name.', `<div class="card">
<h2>What to try</h2><ul><li><a href="/app">A page for everyone who is signed in</a></li>
<li><a href="/admins">A page for the group <code>admins</code></a>: bob is told why not</li>
<li>The API, as a program: <pre>curl -i http://${html(request.headers['x-forwarded-host']
    ?? request.headers.host)}/api</pre></li>
<li>The server's own token, for calls to <a href="/service">another service</a></li>
<li>Sign in in one tab, and reload another</li></ul>
<p>The provider is at <code>${html(provider)}</code>.</p></div>`),
  '/app': (request) => page(request, `Welcome, ${request.headers['x-forwarded-user']}`,
    'This page is for everyone who is signed in.', headerTable(request)),
  '/admins': (request) => page(request, 'For admins only',
    'The group <code>admins</code> is in your groups.', headerTable(request)),
  '/service': (request) => page(request, 'A token of the server\'s own',
    'Nobody has to sign in for it: httpd got an access token by the client credentials flow and '
    + 'sent it along, for the backend to call another service with.', tokenTable(request)),
};

const server = http.createServer((request, response) => {
  if (request.url.startsWith('/api')) {
    const token = request.headers.authorization ?? '';
    response.setHeader('Content-Type', 'application/json');
    response.end(`${JSON.stringify({
      user: request.headers['x-forwarded-user'],
      groups: (request.headers['x-forwarded-groups'] ?? '').split(',').filter(Boolean),
      access_token_characters: token.replace(/^Bearer /, '').length,
    }, null, 2)}\n`);
    return;
  }
  const make = pages[request.url.split('?')[0]];
  response.statusCode = make ? 200 : 404;
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.end(make ? make(request) : page(request, 'Not found', 'There is no such page.', ''));
});

server.listen(port, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
