import { createCipheriv, randomBytes, timingSafeEqual } from "node:crypto";
import { CHALLENGE_LENGTH_BYTES } from "./protocol.ts";

const KEY_LENGTH_BYTES = 8;

export function createChallenge(): Buffer {
  return randomBytes(CHALLENGE_LENGTH_BYTES);
}

/** What a client that knows the password answers to a challenge. Only the first 8 bytes of a password count. */
export function answerTo(challenge: Buffer, password: string): Buffer {
  const key = Buffer.alloc(KEY_LENGTH_BYTES);
  Buffer.from(password, "utf8").copy(key);
  // DES numbers the bits of its key the other way round than VNC does.
  for (const [i, byte] of key.entries()) key[i] = reverseBits(byte);
  // Single DES has left OpenSSL 3; triple DES with three equal keys is the same.
  const cipher = createCipheriv("des-ede3-ecb", Buffer.concat([key, key, key]), null);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(challenge), cipher.final()]);
}

export function isAnswer(response: Buffer, challenge: Buffer, password: string): boolean {
  return timingSafeEqual(response, answerTo(challenge, password));
}

function reverseBits(byte: number): number {
  let reversed = 0;
  for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) reversed |= 0x80 >> bit;
  return reversed;
}
