// The pages of the real provider: no script, nothing from elsewhere, readable on a phone and in
// both colour schemes.

const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export function escapeHtml(text) {
  return String(text).replace(/[&<>"']/g, (c) => ESCAPES[c]);
}

const STYLE = `
:root { color-scheme: light dark; --page: #eef1f6; --card: #fff; --text: #1d2433; --soft: #5b6577;
  --line: #c9d1de; --accent: #2f5fd0; --on-accent: #fff; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #10141c; --card: #1a202c; --text: #e8ecf4;
  --soft: #9aa5b8; --line: #39445a; --accent: #7fa5ff; --on-accent: #0d1526; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { width: 100%; max-width: 24rem; padding: 2rem; border-radius: 1rem; background: var(--card);
  border: 1px solid var(--line); box-shadow: 0 1rem 3rem rgb(0 0 0 / .08); }
h1 { margin: 0 0 .25rem; font-size: 1.4rem; }
p { margin: 0 0 1.25rem; color: var(--soft); }
p.bad { color: var(--bad); }
label { display: block; margin: 0 0 1rem; font-weight: 600; }
input { display: block; width: 100%; margin-top: .3rem; padding: .65rem .8rem; font: inherit;
  color: inherit; background: transparent; border: 1px solid var(--line); border-radius: .5rem; }
button { width: 100%; padding: .7rem; font: inherit; font-weight: 600; cursor: pointer; border: 0;
  border-radius: .5rem; background: var(--accent); color: var(--on-accent); }
button + button { margin-top: .6rem; background: transparent; color: var(--text);
  border: 1px solid var(--line); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
code { font-size: .95em; }
`;

function page(title, body) {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body><main>
<h1>${escapeHtml(title)}</h1>
${body}
</main></body>
</html>
`;
}

export function loginPage({ action, client, login = '', failed = false }) {
  return page('Sign in', `<p>to continue to <strong>${escapeHtml(client)}</strong></p>
${failed ? '<p class="bad" role="alert">No such user, or the password is not the user name.</p>' : ''}
<form method="post" action="${escapeHtml(action)}">
<label>User name
<input name="login" autocomplete="username" autocapitalize="none" required autofocus
 value="${escapeHtml(login)}"></label>
<label>Password
<input name="password" type="password" autocomplete="current-password" required></label>
<button type="submit">Sign in</button>
</form>
<p style="margin:1.25rem 0 0">Users: <code>alice</code> and <code>bob</code>. The password is the user name.</p>`);
}

export function logoutPage(form) {
  return page('Sign out', `<p>Do you also want to sign out here, at the provider?</p>
${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes">Yes, sign me out</button>
<button type="submit" form="op.logoutForm">No, stay signed in</button>`);
}

export function signedOutPage() {
  return page('Signed out', '<p>You are signed out of the provider.</p>');
}

export function errorPage(out) {
  const rows = Object.entries(out)
    .map(([name, value]) => `<p class="bad"><code>${escapeHtml(name)}: ${escapeHtml(value)}</code></p>`);
  return page('This request failed', rows.join('\n'));
}
