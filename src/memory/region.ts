import { isAnyBuffer, isDetached, isSharedArrayBuffer } from "../base/brands.ts";
import { VirtioUsageError } from "../base/errors.ts";
import { COUNT_FROM_0_RULE, checkOptions, type OptionRules } from "../base/options.ts";
import { hi32, lo32 } from "../base/u64.ts";

/**
 * What a region of the guest physical address space is:
 * `ram` ordinary memory; `read-only` memory that devices may read but not write (ROM, flash);
 * `shared-memory` memory that a device itself exposes to the guest (virtio 1.4, section 2.10): reachable by the
 * guest, and by other devices as ordinary memory.
 */
export type RegionKind = "ram" | "read-only" | "shared-memory";

/** Memory whose buffer is replaced when it grows, such as a `WebAssembly.Memory`. */
export interface GrowableMemory {
  readonly buffer: ArrayBufferLike;
}

/** How to place a region of host memory into the guest physical address space. */
export interface RegionOptions {
  /** First guest physical address; a multiple of 8. */
  readonly base: bigint | number;
  /**
   * Where the bytes are: a buffer, or a memory whose buffer changes identity when it grows. Of a `WebAssembly.Memory` pass
   * the memory, not its `buffer`, which is worthless once it grew.
   */
  readonly memory: ArrayBufferLike | GrowableMemory;
  /** First byte of the region in the buffer; a multiple of 8. Default 0. */
  readonly byteOffset?: number;
  /** Length in bytes, at most 4 GiB. Default: up to the end of the buffer as it is now. */
  readonly byteLength?: number;
  /** Default `ram`. */
  readonly kind?: RegionKind;
  /**
   * Called after the device side wrote to the region: an emulator with a translation cache drops its code there.
   * `offset` is relative to the region, `length` in bytes.
   */
  readonly onDeviceWrite?: (offset: number, length: number) => void;
}

const MAX_REGION_BYTES = 4294967296;

const REGION_RULES: OptionRules<RegionOptions> = {
  base: "address",
  memory: { like: "an ArrayBuffer, a SharedArrayBuffer or a WebAssembly.Memory", has: [] },
  byteOffset: COUNT_FROM_0_RULE,
  byteLength: [1, MAX_REGION_BYTES],
  kind: { oneOf: ["ram", "read-only", "shared-memory"] },
  onDeviceWrite: "function",
};

const GONE =
  "detached: it was transferred, or its WebAssembly.Memory grew. Keep the buffer, or pass the memory instead of its `buffer`";

/**
 * One contiguous stretch of guest physical memory and the typed-array views over it. The views are public because
 * rings and copies index them directly; call {@link MemoryRegion.refresh} before use when `growable` is true.
 *
 * @example
 * ```ts
 * const memory = new GuestMemory([{ base: 0x8000_0000, memory: new ArrayBuffer(1 << 20) }]);
 * memory.regions[0]?.sizeBytes; // 1048576
 * ```
 */
export class MemoryRegion {
  readonly baseHi: number;
  readonly baseLo: number;
  readonly sizeBytes: number;
  readonly kind: RegionKind;
  /** False where a device must not write. */
  readonly deviceWritable: boolean;
  /** True when another thread may change the bytes at any time: ring indexes then go through Atomics. */
  readonly shared: boolean;
  /** True when the buffer may be replaced under the region. */
  readonly growable: boolean;
  readonly byteOffset: number;
  /** Called for every write of a device with the offset in the region and the length in bytes; null when nobody listens. */
  onDeviceWrite: ((offset: number, length: number) => void) | null;

  u8: Uint8Array;
  u16: Uint16Array;
  u32: Uint32Array;
  /** For copies only: outside of compiled code each access makes a `bigint`. */
  u64: BigUint64Array;

  #source: GrowableMemory | null;
  #removed = false;
  #buffer: ArrayBufferLike;
  #onRenewed: (() => void) | null = null;

  constructor(options: RegionOptions) {
    checkOptions("a region of guest memory", options, REGION_RULES, ["base", "memory"]);
    const { memory } = options;
    if (ArrayBuffer.isView(memory)) {
      throw new VirtioUsageError(
        "a region takes a buffer, not a view of one: pass `memory: view.buffer, byteOffset: view.byteOffset`",
      );
    }
    const source = isAnyBuffer(memory) ? null : memory;
    const buffer = source === null ? (memory as ArrayBufferLike) : source.buffer;
    if (!isAnyBuffer(buffer)) {
      throw new VirtioUsageError(
        "a region takes an ArrayBuffer, a SharedArrayBuffer or a WebAssembly.Memory; this is none of them, and its `buffer` is not one either",
      );
    }
    if (isDetached(buffer)) throw new VirtioUsageError(`the buffer of this region is ${GONE}`);
    const byteOffset = options.byteOffset ?? 0;
    const byteLength = options.byteLength ?? buffer.byteLength - byteOffset;
    const base = options.base;
    if (lo32(base) % 8 !== 0 || byteOffset % 8 !== 0) {
      throw new VirtioUsageError(
        "region base and byteOffset must be multiples of 8 (rings are aligned to them)",
      );
    }
    if (!Number.isInteger(byteLength) || byteLength <= 0 || byteLength > MAX_REGION_BYTES) {
      throw new VirtioUsageError(
        `region length ${byteLength} is not in 1 … 4 GiB; use several regions for more memory`,
      );
    }
    if (byteOffset < 0 || byteOffset + byteLength > buffer.byteLength) {
      throw new VirtioUsageError(
        `region of ${byteLength} bytes at ${byteOffset} exceeds its buffer of ${buffer.byteLength} bytes`,
      );
    }
    this.baseHi = hi32(base);
    this.baseLo = lo32(base);
    this.sizeBytes = byteLength;
    this.kind = options.kind ?? "ram";
    this.deviceWritable = this.kind !== "read-only";
    this.growable = source !== null;
    this.byteOffset = byteOffset;
    this.onDeviceWrite = options.onDeviceWrite ?? null;
    this.#source = source;
    this.#buffer = buffer;
    this.shared = isSharedArrayBuffer(buffer);
    this.u8 = new Uint8Array(buffer, byteOffset, byteLength);
    // Divided, not shifted, here and below: 4 GiB are 0 to a shift.
    this.u16 = new Uint16Array(buffer, byteOffset, Math.floor(byteLength / 2));
    this.u32 = new Uint32Array(buffer, byteOffset, Math.floor(byteLength / 4));
    this.u64 = new BigUint64Array(buffer, byteOffset, Math.floor(byteLength / 8));
  }

  /** The buffer behind the region as it is now. */
  get buffer(): ArrayBufferLike {
    this.refresh();
    return this.#buffer;
  }

  /**
   * Called whenever views were renewed, no matter who triggered it.
   * @internal
   */
  whenRenewed(renewed: () => void): void {
    this.#onRenewed = renewed;
  }

  /**
   * Renews the views if the buffer was replaced; true if it was. Cheap when nothing happened. Throws
   * {@link VirtioUsageError} when the memory is gone: its buffer was transferred, or shrank, or is the former one of a
   * WebAssembly memory.
   */
  refresh(): boolean {
    const source = this.#source;
    const buffer = source === null ? this.#buffer : source.buffer;
    if (buffer === this.#buffer) {
      if (this.u8.length === 0 && !this.#removed) throw this.#gone();
      return false;
    }
    if (!isAnyBuffer(buffer) || buffer.byteLength < this.byteOffset + this.sizeBytes) throw this.#gone();
    this.#buffer = buffer;
    this.u8 = new Uint8Array(buffer, this.byteOffset, this.sizeBytes);
    this.u16 = new Uint16Array(buffer, this.byteOffset, Math.floor(this.sizeBytes / 2));
    this.u32 = new Uint32Array(buffer, this.byteOffset, Math.floor(this.sizeBytes / 4));
    this.u64 = new BigUint64Array(buffer, this.byteOffset, Math.floor(this.sizeBytes / 8));
    this.#onRenewed?.();
    return true;
  }

  #gone(): VirtioUsageError {
    const at = `the guest memory at 0x${this.base.toString(16)}`;
    return new VirtioUsageError(
      isDetached(this.#buffer)
        ? `${at} is ${GONE}`
        : `${at} shrank: its buffer no longer holds ${this.sizeBytes} bytes`,
    );
  }

  /**
   * The region is no longer part of guest memory: holders of it read and write nothing.
   * @internal
   */
  detach(): void {
    this.#removed = true;
    this.#source = null;
    this.#onRenewed = null;
    this.onDeviceWrite = null;
    this.u8 = new Uint8Array(0);
    this.u16 = new Uint16Array(0);
    this.u32 = new Uint32Array(0);
    this.u64 = new BigUint64Array(0);
  }

  /**
   * The offset of a guest physical address in this region, or -1 when not all of `lengthBytes` bytes from there
   * lie inside. Never wraps: the difference is exact below 2^53 and too large, not wrong, above.
   */
  offsetOf(hi: number, lo: number, lengthBytes: number): number {
    const offset =
      hi === this.baseHi ? lo - this.baseLo : (hi - this.baseHi) * 4294967296 + (lo - this.baseLo);
    return offset >= 0 && offset + lengthBytes <= this.sizeBytes ? offset : -1;
  }

  /** The guest physical address of the first byte. */
  get base(): bigint {
    return (BigInt(this.baseHi) << 32n) | BigInt(this.baseLo);
  }
}
