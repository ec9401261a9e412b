import { GuestMemory } from "../../memory/guest-memory.ts";
import { cpuOf } from "./cpu.ts";

/**
 * The RAM of a v86 guest as guest memory. v86 keeps it in a WebAssembly memory that is replaced whenever it grows;
 * the region renews its views, and tells v86's code cache about what devices write.
 *
 * Call it after the event `emulator-loaded`. Throws `VirtioUsageError` before.
 *
 * @example
 * ```ts
 * emulator.add_listener("emulator-loaded", () => {
 *   const device = new VirtioDevice(new RngDevice(), { memory: v86Memory(emulator) });
 *   attachToV86(emulator, device);
 * });
 * ```
 */
export function v86Memory(emulator: object): GuestMemory {
  const cpu = cpuOf(emulator);
  return new GuestMemory([
    {
      base: 0,
      memory: cpu.wasm_memory,
      byteOffset: cpu.mem8.byteOffset,
      byteLength: cpu.mem8.length,
      onDeviceWrite: (offset, length) => cpu.jit_dirty_cache(offset, offset + length),
    },
  ]);
}
