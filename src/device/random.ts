/** Fills `target`, of any length, with random bytes. */
export type RandomBytes = (target: Uint8Array<ArrayBuffer>) => void;

// A global of every platform the library runs on: browsers, workers, Node from version 20 on.
declare const crypto: { getRandomValues(target: Uint8Array<ArrayBuffer>): unknown };

/** More bytes than this at once are refused by Web Crypto. */
const MAX_BYTES_AT_ONCE = 65536;

/**
 * Random bytes from the platform's cryptographic generator.
 *
 * @example
 * ```ts
 * const seed = new Uint8Array(32);
 * platformRandomBytes(seed);
 * ```
 */
export function platformRandomBytes(target: Uint8Array<ArrayBuffer>): void {
  if (target.length <= MAX_BYTES_AT_ONCE) {
    crypto.getRandomValues(target);
    return;
  }
  for (let at = 0; at < target.length; at += MAX_BYTES_AT_ONCE) {
    crypto.getRandomValues(target.subarray(at, at + MAX_BYTES_AT_ONCE));
  }
}
