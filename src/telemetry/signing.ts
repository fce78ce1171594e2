import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { canonicalJson, sha256Hex } from '../model/digest.ts';

/** An Ed25519 key that signs seals, gaps, acks and commands. */
export interface SigningKey {
  /** First 16 hex digits of SHA-256 of the raw public key. */
  readonly keyId: string;
  /** Raw public key, 32 bytes in base64: what is registered and pinned. */
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

/** DER header of an Ed25519 SubjectPublicKeyInfo (RFC 8410); the raw key follows it. */
const SPKI_HEADER = Buffer.from('302a300506032b6570032100', 'hex');

export const keyIdOf = (publicKey: string): string =>
  sha256Hex(Buffer.from(publicKey, 'base64')).slice(0, 16);

export function signingKeyFromPem(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem);
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const publicKey = spki.subarray(SPKI_HEADER.length).toString('base64');
  return { keyId: keyIdOf(publicKey), publicKey, privateKey };
}

/** A new private key, PKCS#8 PEM. */
export const generateKeyPem = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** A registered key that was used: reading it costs as much as a third of a verification. */
interface UsedKey {
  readonly keyId: string;
  readonly object: KeyObject;
}
/** More than the gateways of one hub; beyond it all are read anew. */
const USED_KEYS_MAX = 50_000;
const usedKeys = new Map<string, UsedKey>();

/** Throws when it is no key. */
function usedKey(publicKey: string): UsedKey {
  const known = usedKeys.get(publicKey);
  if (known !== undefined) return known;
  const spki = Buffer.concat([SPKI_HEADER, Buffer.from(publicKey, 'base64')]);
  const object = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const used = { keyId: keyIdOf(publicKey), object };
  if (usedKeys.size >= USED_KEYS_MAX) usedKeys.clear();
  usedKeys.set(publicKey, used);
  return used;
}

/** The bytes signed: canonical JSON of the message without `sig`. */
const signedBytes = (message: Readonly<Record<string, unknown>>): Buffer => {
  const { sig: _, ...rest } = message;
  return Buffer.from(canonicalJson(rest));
};

/** Adds `keyId` and `sig` (base64) to a message. */
export function signMessage<T extends Record<string, unknown>>(
  message: T,
  key: SigningKey,
): T & { keyId: string; sig: string } {
  const withKey = { ...message, keyId: key.keyId };
  return { ...withKey, sig: sign(null, signedBytes(withKey), key.privateKey).toString('base64') };
}

/** True only when `keyId` and `sig` are of this public key and cover every other member. */
export function verifyMessage(
  message: Readonly<Record<string, unknown>>,
  publicKey: string,
): boolean {
  const { keyId, sig } = message;
  if (typeof sig !== 'string') return false;
  try {
    const key = usedKey(publicKey);
    const signature = Buffer.from(sig, 'base64');
    return keyId === key.keyId && verify(null, signedBytes(message), key.object, signature);
  } catch {
    // A key or signature of the wrong size is a wrong signature, not a fault of ours.
    return false;
  }
}
