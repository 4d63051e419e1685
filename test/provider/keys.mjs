// New keys for providers.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';

// Through PEM, so that the keys are objects of their own: node 18 and 20 hang for ever when the job
// that generated a key is collected as garbage just while that same key is exported as JWK.
export function newKeyPair(kind, options = {}) {
  const pem = generateKeyPairSync(kind, {
    ...options,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { privateKey: createPrivateKey(pem.privateKey), publicKey: createPublicKey(pem.publicKey) };
}
