import { checkArgument, checkOptions, type OptionRules } from "../../../base/options.ts";
import { VIRTIO_ID_RNG } from "../../../wire/common.ts";
import type { DmaBuffer } from "../../allocator.ts";
import type { DriverQueue } from "../../driver-queue.ts";
import { DriverError } from "../../errors.ts";
import { REFUSE_RULE } from "../../features.ts";
import { regionOf } from "../../guest-buffer.ts";
import { ElementList } from "../../rings/elements.ts";
import { VIRTIO_DRIVER_RULE, type VirtioDriver } from "../../virtio-driver.ts";

const REQUESTQ = 0;
const CHUNK_BYTES = 4096;

/** Throws `VirtioUsageError` for what is no length. */
function bytesFor(lengthBytes: number): Uint8Array<ArrayBuffer> {
  checkArgument("RngDriver.read", "lengthBytes", lengthBytes, [0, 0x7fffffff]);
  return new Uint8Array(lengthBytes);
}

/** Choices for an {@link RngDriver}. */
export interface RngDriverOptions {
  /** Feature bits not to accept. */
  readonly refuse?: readonly number[];
}

const RULES: OptionRules<RngDriverOptions> = {
  refuse: REFUSE_RULE,
};

/**
 * Drives an entropy device (virtio 1.4, section 5.4).
 *
 * @example
 * ```ts
 * const rng = RngDriver.start(new VirtioDriver(transport, { allocator }));
 * const seed = rng.read(32);
 * ```
 */
export class RngDriver {
  readonly driver: VirtioDriver;
  readonly #queue: DriverQueue;
  readonly #buffer: DmaBuffer;
  readonly #elements = new ElementList();
  #busy = false;

  private constructor(driver: VirtioDriver, queue: DriverQueue) {
    this.driver = driver;
    this.#queue = queue;
    this.#buffer = driver.platform.allocator.allocate(CHUNK_BYTES);
  }

  /** Initializes the device and returns its driver. Throws `DriverError`; the device has FAILED then. */
  static start(driver: VirtioDriver, options: RngDriverOptions = {}): RngDriver {
    checkOptions("RngDriver.start", options, RULES);
    checkArgument("RngDriver.start", "driver", driver, VIRTIO_DRIVER_RULE);
    driver.initialize({
      deviceId: VIRTIO_ID_RNG,
      features: [],
      refuse: options.refuse ?? [],
      setUp: () => void driver.setUpQueue({ index: REQUESTQ, name: "requestq" }),
    });
    return new RngDriver(driver, driver.queue(REQUESTQ) as DriverQueue);
  }

  /** `lengthBytes` random bytes; waits for them. Throws `DriverError`. */
  read(lengthBytes: number): Uint8Array<ArrayBuffer> {
    const bytes = bytesFor(lengthBytes);
    for (let done = 0; done < lengthBytes; ) {
      this.#ask(lengthBytes - done);
      try {
        this.#queue.waitUsedSync();
        done += this.#take(bytes, done);
      } finally {
        this.#busy = false;
      }
    }
    return bytes;
  }

  /** As {@link read}, without blocking. */
  async readAsync(lengthBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = bytesFor(lengthBytes);
    for (let done = 0; done < lengthBytes; ) {
      this.#ask(lengthBytes - done);
      try {
        await this.#queue.waitUsed();
        done += this.#take(bytes, done);
      } finally {
        this.#busy = false;
      }
    }
    return bytes;
  }

  /** One device-writable buffer. [entropy.driver.device-operation.1] */
  #ask(wantedBytes: number): void {
    if (this.#busy) throw new DriverError("EINVAL", "a request for random bytes is under way");
    const { ring } = this.#queue;
    if (ring.inFlight > 0) throw new DriverError("EIO", "the device still holds an earlier buffer");
    this.#elements.clear();
    this.#elements.writableBuffer(this.#buffer, 0, Math.min(wantedBytes, CHUNK_BYTES));
    if (this.#queue.add(this.#elements) < 0) throw new DriverError("ENOSPC", "the queue is full");
    this.#busy = true;
    this.#queue.kick();
  }

  /** As many bytes as the device says it wrote, no more. [entropy.driver.device-operation.2] */
  #take(bytes: Uint8Array<ArrayBuffer>, at: number): number {
    if (this.#queue.pollUsed() < 0) throw new DriverError("EIO", "the buffer that came back is gone");
    const { offset } = this.#buffer;
    const { u8 } = regionOf(this.#buffer);
    const written = this.#queue.ring.lastWritten;
    if (written === 0) throw new DriverError("EIO", "the device returned a buffer without random bytes");
    bytes.set(u8.subarray(offset, offset + written), at);
    return written;
  }

  /** Resets the device and frees the buffer. */
  close(): void {
    this.driver.reset();
    this.driver.platform.allocator.free(this.#buffer);
  }
}
