import { MemoryDisplay } from "../../src/backends/display/memory/index.ts";
import { GpuDevice, type GpuDeviceOptions } from "../../src/devices/gpu/index.ts";
import { DeviceRig, type RigOptions, type Sent } from "../../src/testing/index.ts";
import { CONTROLQ, CURSORQ, type Entry, msg, type ResponseHeader, readHeader } from "./gpu-messages.ts";

/** An answered command. */
export interface Answer extends ResponseHeader {
  /** Used length. */
  readonly written: number;
  /** The response buffer, all of it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A GPU device with a display that remembers, driven by hand. */
export class GpuRig extends DeviceRig {
  readonly gpu: GpuDevice;
  readonly display: MemoryDisplay;

  constructor(options: GpuDeviceOptions = {}, rig: RigOptions = {}) {
    const display = (options.display as MemoryDisplay | undefined) ?? new MemoryDisplay();
    const gpu = new GpuDevice({ display, ...options });
    super(gpu, rig);
    this.gpu = gpu;
    this.display = display;
  }

  /** Sends one command on the control queue; it must be answered at once. */
  command(request: Uint8Array, responseBytes = 24): Answer {
    const sent = this.offer(CONTROLQ, [request], responseBytes === 0 ? [] : [responseBytes]);
    this.notify(CONTROLQ);
    return this.answer(sent);
  }

  /** Sends a command that may be answered later. */
  begin(request: Uint8Array, responseBytes = 24, queue: number = CONTROLQ): Sent {
    const sent = this.offer(queue, [request], [responseBytes]);
    this.notify(queue);
    return sent;
  }

  /** Sends one command on the cursor queue, without a response buffer as Linux does. */
  cursorCommand(request: Uint8Array, responseBytes = 0): Answer {
    const sent = this.offer(CURSORQ, [request], responseBytes === 0 ? [] : [responseBytes]);
    this.notify(CURSORQ);
    return this.answer(sent);
  }

  /** The answer to a command. */
  answer(sent: Sent): Answer {
    if (sent.written < 0) throw new Error("the command was not answered");
    const bytes = this.response(sent);
    const padded = new Uint8Array(Math.max(24, bytes.length));
    padded.set(bytes);
    return { ...readHeader(padded), written: sent.written, bytes };
  }

  /** A 2D resource with guest memory behind it, in pages that are far apart and out of order. */
  resource2d(id: number, width: number, height: number, format = 2, pageBytes = 4096): { pages: Entry[] } {
    expectOk(this.command(msg.create2d(id, format, width, height)));
    const pages = this.scatter(width * height * 4, pageBytes);
    expectOk(this.command(msg.attach(id, pages)));
    return { pages };
  }

  /** Guest memory in pages that are far apart and out of order; the last one may be shorter. */
  scatter(lengthBytes: number, pageBytes = 4096): Entry[] {
    const count = Math.ceil(lengthBytes / pageBytes);
    const addresses = Array.from({ length: count }, () => this.allocate(2 * pageBytes, 4096)).reverse();
    return addresses.map((address, i) => [address, Math.min(pageBytes, lengthBytes - i * pageBytes)]);
  }

  /** Writes bytes to scattered memory, from a position on. */
  fill(pages: readonly Entry[], position: number, bytes: Uint8Array): void {
    let start = 0;
    for (const [address, length] of pages) {
      const from = Math.max(position, start);
      const end = Math.min(position + bytes.length, start + length);
      if (from < end) {
        this.memory.write(Number(address) + from - start, bytes.subarray(from - position, end - position));
      }
      start += length;
    }
  }
}

/** Fails unless the answer is OK_NODATA. */
export function expectOk(answer: Answer): void {
  if (answer.type !== 0x1100) throw new Error(`the device answered 0x${answer.type.toString(16)}`);
}

/** Bytes that differ from place to place. */
export function pattern(lengthBytes: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthBytes);
  let state = (seed * 2654435761) >>> 0;
  for (let i = 0; i < lengthBytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
