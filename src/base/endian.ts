// Everything virtio 1.x puts into guest memory is little-endian. Typed arrays read in the host's order, so that
// every ring field passes through one of these; on little-endian hosts they are the identity and fold away.

/** True on little-endian hosts, which is nearly all of them. */
export const HOST_IS_LITTLE_ENDIAN: boolean = /* @__PURE__ */ detectLittleEndian();

function detectLittleEndian(): boolean {
  return new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
}

/**
 * Swaps the two bytes of a 16-bit value.
 *
 * @example
 * ```ts
 * swap16(0x1234); // 0x3412
 * ```
 */
export function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

/**
 * Swaps the four bytes of a 32-bit value; the result is unsigned.
 *
 * @example
 * ```ts
 * swap32(0x12345678); // 0x78563412
 * ```
 */
export function swap32(value: number): number {
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}

// Compared with `true`, not tested for truth: to the compiler a variable of another module can hold anything, and the
// test takes a dozen instructions where the comparison takes one.

/**
 * Converts a 16-bit value between the host's order and little-endian (its own inverse).
 *
 * @example
 * ```ts
 * words[0] = le16(0x1234); // bytes 34 12 on every host
 * ```
 */
export function le16(value: number): number {
  return HOST_IS_LITTLE_ENDIAN === true ? value : swap16(value);
}

/**
 * Converts a 32-bit value between the host's order and little-endian (its own inverse).
 *
 * @example
 * ```ts
 * words[0] = le32(0x12345678); // bytes 78 56 34 12 on every host
 * ```
 */
export function le32(value: number): number {
  return HOST_IS_LITTLE_ENDIAN === true ? value : swap32(value);
}
