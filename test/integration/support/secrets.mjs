// Everything that must never be seen in a log, collected while the tests run: what the browser saw
// in cookies, URLs and forms, and what the providers issued.

const MIN_LENGTH = 16; // shorter ones would be found by chance
const NAMES = ['code', 'state', 'id_token_hint', 'access_token', 'refresh_token', 'id_token'];
const known = new Set();
const sources = new Set();

export function addSecret(value) {
  if (typeof value === 'string' && value.length >= MIN_LENGTH) known.add(value);
}

// source: an object with secrets(), such as a provider.
export function addSecretSource(source) {
  sources.add(source);
}

export function addSecretsOfUrl(url) {
  for (const name of NAMES) addSecret(url.searchParams.get(name) ?? undefined);
}

export function addSecretsOfForm(fields) {
  for (const name of NAMES) addSecret(fields[name]);
}

export function secretsIn(text) {
  const found = [];
  const look = (value) => {
    if (value.length >= MIN_LENGTH && text.includes(value)) found.push(value);
  };
  known.forEach(look);
  for (const source of sources) source.secrets().forEach(look);
  return found;
}
