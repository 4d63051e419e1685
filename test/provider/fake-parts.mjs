// The users, paths and small helpers of the fake provider.

export const FAKE_USER = {
  sub: 'user-1',
  name: 'Uma User',
  email: 'uma@example.com',
  email_verified: true,
  preferred_username: 'uma',
  groups: ['staff', 'admins'],
};

// What GitHub answers at /user: a numeric id, and no sub.
export const GITHUB_USER = {
  login: 'octo-uma',
  id: 583231,
  node_id: 'MDQ6VXNlcjU4MzIzMQ==',
  type: 'User',
  site_admin: false,
  name: 'Uma User',
  company: null,
  email: 'uma@example.com',
};

export const PATHS = {
  authorize: '/authorize',
  token: '/token',
  userinfo: '/userinfo',
  jwks: '/jwks',
  revoke: '/revoke',
  introspect: '/introspect',
  end_session: '/end_session',
};

export const GITHUB_PATHS = {
  authorize: '/login/oauth/authorize',
  token: '/login/oauth/access_token',
  userinfo: '/user',
};

export async function readBody(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

export function formPostPage(action, pairs) {
  const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const inputs = pairs.map(([n, v]) => `<input type="hidden" name="${escape(n)}" value="${escape(v)}">`);
  return `<!DOCTYPE html><title>Back to the application</title>
<form method="post" action="${escape(action)}">${inputs.join('')}</form>
<script>document.forms[0].submit()</script>`;
}

export function basicCredentials(header = '') {
  const match = /^Basic (\S+)$/i.exec(header);
  if (!match) return undefined;
  const [id, secret] = Buffer.from(match[1], 'base64').toString().split(':').map(
    (part) => decodeURIComponent(part.replace(/\+/g, ' ')),
  );
  return { method: 'client_secret_basic', id, secret };
}

// The object without some members, and without those that are undefined.
export function without(object, names = []) {
  return Object.fromEntries(
    Object.entries(object).filter(([name, value]) => !names.includes(name) && value !== undefined),
  );
}
