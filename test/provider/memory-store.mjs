// Where an oidc-provider keeps what it issued. It outlives the provider object, so that a provider
// can be built anew with other keys (key rotation) and still know its sessions and refresh tokens.
// The adapter that oidc-provider brings keeps one map for the whole process, which would make two
// providers in one test share their tokens.

const GRANTABLE = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);
const SECRET = new Set([...GRANTABLE, 'Session', 'Interaction']);

export function memoryStore() {
  const records = new Map();
  const grants = new Map();
  const secrets = new Set();
  const seconds = () => Math.floor(Date.now() / 1000);

  function alive(key) {
    const entry = records.get(key);
    if (entry && entry.expires > Date.now()) return entry;
    records.delete(key);
    return undefined;
  }

  class Adapter {
    constructor(model) {
      this.model = model;
    }

    key(id) {
      return `${this.model}:${id}`;
    }

    async upsert(id, payload, expiresIn) {
      const key = this.key(id);
      if (SECRET.has(this.model)) secrets.add(id);
      if (GRANTABLE.has(this.model) && payload.grantId) {
        if (!grants.has(payload.grantId)) grants.set(payload.grantId, new Set());
        grants.get(payload.grantId).add(key);
      }
      records.set(key, {
        payload,
        expires: expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000,
      });
    }

    async find(id) {
      return alive(this.key(id))?.payload;
    }

    async findByUid(uid) {
      for (const key of [...records.keys()]) {
        const entry = key.startsWith(`${this.model}:`) && alive(key);
        if (entry && entry.payload.uid === uid) return entry.payload;
      }
      return undefined;
    }

    async findByUserCode() {
      return undefined;
    }

    async consume(id) {
      const entry = alive(this.key(id));
      if (entry) entry.payload.consumed = seconds();
    }

    async destroy(id) {
      records.delete(this.key(id));
    }

    async revokeByGrantId(grantId) {
      for (const key of grants.get(grantId) ?? []) records.delete(key);
      grants.delete(grantId);
    }
  }

  return {
    Adapter,
    secrets,
    // How many live records of a model there are, for tests of revocation.
    count: (model) => [...records.keys()].filter((key) => key.startsWith(`${model}:`) && alive(key)).length,
    // Ends everything that was granted, as an administrator of the provider would.
    revokeAll: () => {
      for (const key of [...records.keys()]) {
        if (GRANTABLE.has(key.split(':', 1)[0])) records.delete(key);
      }
      grants.clear();
    },
  };
}
