/** Bytes of {@link haltBios}: the least a PC's firmware flash can have. */
export const HALT_BIOS_BYTES = 0x10000;

/** Where an x86 processor starts in the last 64 KiB below 4 GiB. */
const RESET_VECTOR = 0xfff0;
const HLT = 0xf4;

/**
 * Firmware that stops the processor at once and for good (`cli; hlt; jmp` back to `hlt`), so that whoever holds
 * the qtest socket is the only one who touches the devices. Filled with `hlt`.
 *
 * @example
 * ```ts
 * writeFileSync("halt.bin", haltBios()); // qemu-system-x86_64 -bios halt.bin
 * ```
 */
export function haltBios(): Uint8Array {
  const image = new Uint8Array(HALT_BIOS_BYTES).fill(HLT);
  image.set([0xfa, HLT, 0xeb, 0xfd], RESET_VECTOR);
  return image;
}
