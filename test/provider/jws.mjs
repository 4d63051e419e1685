// Makes JSON Web Signatures, right ones and wrong ones, with node:crypto alone. A library would
// refuse to make most of what the tests need.
import {
  constants, createHash, createHmac, createPublicKey, randomBytes, sign, timingSafeEqual, verify,
} from 'node:crypto';
import { newKeyPair } from './keys.mjs';

const b64 = (data) => Buffer.from(data).toString('base64url');

const CURVES = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

export function hashOf(alg) {
  return alg === 'EdDSA' ? 'sha512' : `sha${alg.slice(2)}`;
}

function keyPair(alg) {
  if (alg === 'EdDSA') return newKeyPair('ed25519');
  if (alg in CURVES) return newKeyPair('ec', { namedCurve: CURVES[alg] });
  return newKeyPair('rsa', { modulusLength: 2048 });
}

// A signing key for one algorithm; .jwk is what a provider publishes.
export function makeKey(alg, kid = randomBytes(6).toString('hex')) {
  if (alg.startsWith('HS')) throw new Error('symmetric keys are the client secret');
  const { privateKey, publicKey } = keyPair(alg);
  return { alg, kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

// key: what makeKey() made, or for HS* the secret's text.
export function signature(alg, key, input) {
  const data = Buffer.from(input);
  if (alg.startsWith('HS')) return createHmac(hashOf(alg), key).update(data).digest();
  if (alg === 'EdDSA') return sign(null, data, key.privateKey);
  if (alg in CURVES) return sign(hashOf(alg), data, { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
  const padding = alg.startsWith('PS') ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  const salt = alg.startsWith('PS') ? { saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
  return sign(hashOf(alg), data, { key: key.privateKey, padding, ...salt });
}

function isSigned(alg, key, input, bytes) {
  const data = Buffer.from(input);
  if (alg.startsWith('HS')) {
    const right = signature(alg, key, input);
    return right.length === bytes.length && timingSafeEqual(right, bytes);
  }
  const publicKey = createPublicKey({ key, format: 'jwk' });
  if (alg === 'EdDSA') return verify(null, data, publicKey, bytes);
  if (alg in CURVES) return verify(hashOf(alg), data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes);
  const padding = alg.startsWith('PS') ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  return verify(hashOf(alg), data, { key: publicKey, padding }, bytes);
}

// What a compact JWS says; throws unless it is signed. keys: JWKs, of which the kid chooses one, or
// for HS* the secret's text.
export function readJwt(token, keys) {
  const [head, body, tail, ...more] = token.split('.');
  const [header, payload] = [head, body].map((part) => JSON.parse(Buffer.from(part, 'base64url')));
  const key = typeof keys === 'string' ? keys : keys.find((one) => one.kid === header.kid);
  if (!key || more.length || header.alg.startsWith('HS') !== (typeof key === 'string')
    || !isSigned(header.alg, key, `${head}.${body}`, Buffer.from(tail, 'base64url'))) {
    throw new Error(`not signed with a known key: ${JSON.stringify(header)}`);
  }
  return { header, payload };
}

// at_hash and c_hash: the left half of the hash that belongs to the algorithm.
export function leftHalf(alg, value) {
  const digest = createHash(hashOf(alg)).update(value).digest();
  return b64(digest.subarray(0, digest.length / 2));
}

const SPOILERS = {
  none: () => Buffer.alloc(0),
  empty: () => Buffer.alloc(0),
  zero: (bytes) => Buffer.alloc(bytes.length),
  short: (bytes) => bytes.subarray(0, bytes.length - 1),
  badsig: (bytes) => {
    const wrong = Buffer.from(bytes);
    wrong[wrong.length >> 1] ^= 1;
    return wrong;
  },
};

// A compact JWS. spoil: one of SPOILERS. payload may be text, for JSON that no serializer writes.
export function makeJwt({ alg, key, header = {}, payload, spoil, headerText }) {
  const head = headerText ?? JSON.stringify({ alg, ...(key?.kid && { kid: key.kid }), ...header });
  const body = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
  const input = `${b64(head)}.${b64(body)}`;
  const bytes = signature(alg, key, input);
  return `${input}.${b64(spoil ? SPOILERS[spoil](bytes) : bytes)}`;
}
