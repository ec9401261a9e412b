import { createRequire } from "node:module";
import { V86 } from "v86";
import {
  DESC_AT,
  DEVICE_AT,
  DRIVER_AT,
  type EchoDevice,
  MAX_REQUEST_BYTES,
  MIN_REQUEST_BYTES,
  QUEUE_SIZE,
  REPLY_BYTES,
  REPLY_TYPE,
} from "./workload.ts";

// The parts of v86's classes that are used here; its own declarations leave them out.
interface BufferChain {
  readonly length_readable: number;
  readonly length_writable: number;
  get_next_blob(target: Uint8Array): number;
  set_next_blob(source: Uint8Array): number;
}
interface VirtQueue {
  desc_addr: number;
  avail_addr: number;
  used_addr: number;
  enable(): void;
  has_request(): boolean;
  pop_request(): BufferChain;
  push_reply(chain: BufferChain): void;
  flush_replies(): void;
}
type VirtQueueClass = new (
  cpu: StubCpu,
  virtio: StubVirtio,
  options: { size_supported: number; notify_offset: number },
) => VirtQueue;
interface Internals {
  readonly v86: {
    readonly cpu: { readonly devices: { readonly virtio_console: { readonly virtio: VirtIo } } };
  };
}
interface VirtIo {
  readonly queues: readonly { readonly constructor: unknown }[];
}

/** v86's class. It is not exported; a machine with a virtio console has instances of it. */
async function virtQueueClass(): Promise<VirtQueueClass> {
  const wasmPath = createRequire(import.meta.url).resolve("v86/build/v86.wasm");
  const emulator = new V86({
    wasm_path: wasmPath,
    memory_size: 16 << 20,
    vga_memory_size: 1 << 20,
    autostart: false,
    virtio_console: true,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
  } as unknown as ConstructorParameters<typeof V86>[0]);
  await new Promise<void>((loaded) => emulator.add_listener("emulator-loaded", () => loaded()));
  const queue = (emulator as unknown as Internals).v86.cpu.devices.virtio_console.virtio.queues[0];
  await emulator.destroy();
  if (queue === undefined) throw new Error("v86's virtio console has no queues");
  return queue.constructor as VirtQueueClass;
}

/** Memory access for the class, as cheap as it can be: rings are aligned, nothing is mapped. */
class StubCpu {
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;

  constructor(memory: ArrayBufferLike) {
    this.#u8 = new Uint8Array(memory);
    this.#u16 = new Uint16Array(memory);
    this.#i32 = new Int32Array(memory);
  }

  read16(address: number): number {
    return this.#u16[address >>> 1] as number;
  }

  read32s(address: number): number {
    return this.#i32[address >>> 2] as number;
  }

  write16(address: number, value: number): void {
    this.#u16[address >>> 1] = value;
  }

  write32(address: number, value: number): void {
    this.#i32[address >>> 2] = value;
  }

  read_blob(address: number, length: number): Uint8Array {
    return this.#u8.subarray(address, address + length);
  }

  write_blob(bytes: Uint8Array, address: number): void {
    this.#u8.set(bytes, address);
  }
}

class StubVirtio {
  readonly name = "echo";
  interrupts = 0;

  is_feature_negotiated(_bit: number): boolean {
    return false;
  }

  raise_irq(_type: number): void {
    this.interrupts++;
  }
}

/** v86's queue, used as its devices use it, except that scratch memory is made once and replies go out in batches. */
class V86EchoDevice implements EchoDevice {
  readonly #queue: VirtQueue;
  readonly #virtio: StubVirtio;
  readonly #request = new Uint8Array(MAX_REQUEST_BYTES);
  readonly #requestWords = new Uint32Array(this.#request.buffer);
  readonly #reply = new Uint8Array(REPLY_BYTES);
  readonly #replyWords = new Uint32Array(this.#reply.buffer);

  constructor(queue: VirtQueue, virtio: StubVirtio) {
    this.#queue = queue;
    this.#virtio = virtio;
  }

  drain(): boolean {
    const queue = this.#queue;
    const request = this.#requestWords;
    const reply = this.#replyWords;
    const before = this.#virtio.interrupts;
    while (queue.has_request()) {
      const chain = queue.pop_request();
      const length = chain.get_next_blob(this.#request);
      if (length >= MIN_REQUEST_BYTES && chain.length_writable >= REPLY_BYTES) {
        let sum = 0;
        for (let i = 0, words = length >>> 2; i < words; i++) sum = (sum + (request[i] as number)) | 0;
        reply[0] = REPLY_TYPE;
        reply[1] = sum;
        reply[2] = length;
        chain.set_next_blob(this.#reply);
      }
      queue.push_reply(chain);
    }
    queue.flush_replies();
    return this.#virtio.interrupts !== before;
  }
}

/** A device on v86's virtqueue over the given memory. */
export async function createV86Device(memory: ArrayBufferLike): Promise<EchoDevice> {
  const virtio = new StubVirtio();
  const queue = new (await virtQueueClass())(new StubCpu(memory), virtio, {
    size_supported: QUEUE_SIZE,
    notify_offset: 0,
  });
  queue.desc_addr = DESC_AT;
  queue.avail_addr = DRIVER_AT;
  queue.used_addr = DEVICE_AT;
  queue.enable();
  return new V86EchoDevice(queue, virtio);
}
