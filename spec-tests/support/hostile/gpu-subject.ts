import { VirtioUsageError } from "../../../src/base/index.ts";
import type { DeviceType } from "../../../src/device/index.ts";
import { GpuDevice, type GpuDeviceOptions, HostHeap } from "../../../src/devices/gpu/index.ts";
import { CONTROLQ, CURSORQ, msg } from "../gpu-messages.ts";
import { RandomCommands } from "./commands.ts";
import { BadSource, lookAt, MoodyDisplay, MoodyRenderer } from "./moody-backends.ts";
import { judgeResponse } from "./responses.ts";
import { hex, type Offer, type Subject, type Surroundings, type Use } from "./subject.ts";
import type { Taken } from "./watched-type.ts";

/** A virtio-gpu, with features, limits and back ends of its own for each seed. */
export class GpuSubject implements Subject {
  readonly kind = "gpu";
  readonly #around: Surroundings;
  readonly #scanouts: number;
  readonly #options: GpuDeviceOptions;
  readonly #withHeap: boolean;
  readonly #commands: RandomCommands;
  #gpu: GpuDevice | null = null;
  #heap: HostHeap | null = null;

  constructor(around: Surroundings) {
    this.#around = around;
    const { numbers: n, mood, profile } = around;
    this.#scanouts = n.pick([1, 2, 16]);
    this.#withHeap = n.chance(70);
    const renderer = n.chance(70) ? new MoodyRenderer(mood) : null;
    if (renderer !== null) {
      renderer.onWrite = ({ segments }) => {
        for (let i = 0; i < segments.count; i++) {
          const region = segments.regions[i];
          if (region === undefined || !region.deviceWritable) continue;
          const offset = segments.offsets[i] as number;
          around.allow({ region, offset, length: segments.lengths[i] as number });
        }
      };
    }
    this.#options = {
      profile,
      scanouts: this.#scanouts,
      ...(n.chance(85) && { display: new MoodyDisplay(mood) }),
      ...(renderer !== null && { renderer }),
      ...(n.chance(30) && { blobAlignmentBytes: 4096 }),
      ...(n.chance(30) && { onCommand: () => {} }),
      uuidOnRepeat: n.pick(["same", "new"]),
      exportLifetime: n.pick(["last-user", "resource"]),
      randomBytes: (target) => {
        // Repeats itself now and then, as no good generator does.
        target.fill(n.below(6));
        return target;
      },
      controlQueueSize: n.pick([8, 16, 64]),
      cursorQueueSize: n.pick([4, 16]),
      limits: {
        maxResources: 5,
        maxHostBytes: 96 << 10,
        maxResourceDimension: 128,
        maxBackingEntries: 16,
        maxBackingEntriesTotal: 40,
        maxContexts: 2,
        maxCommandsInFlight: n.pick([1, 3, 8]),
        maxAbandonedCalls: n.pick([2, 8, 30]),
        maxSubmitBytes: 256,
      },
    };
    this.#commands = new RandomCommands(
      n,
      (length) => around.chooseMemory(length),
      () => this.#device.resources(),
      profile === "crosvm",
    );
  }

  get #device(): GpuDevice {
    if (this.#gpu === null) throw new Error("there is no gpu");
    return this.#gpu;
  }

  make(): DeviceType {
    this.#heap = this.#withHeap ? new HostHeap(16 << 10) : null;
    const heap = this.#heap === null ? {} : { hostHeap: this.#heap };
    this.#gpu = new GpuDevice({ ...this.#options, ...heap });
    return this.#gpu;
  }

  began(): void {
    this.#commands.reset();
  }

  next(): Offer {
    const { numbers: n } = this.#around;
    const queue = n.chance(80) ? CONTROLQ : CURSORQ;
    const request = this.#commands.next(queue === CURSORQ);
    const room = n.chance(70) ? n.pick([24, 24, 32, 40, 408, 1056, 1056, 2000]) : n.below(80);
    return { queue, request, room };
  }

  taken(): void {}
  wasReset(): void {}
  allowances(): void {}
  tick(): void {}

  judge(chain: Taken, response: Uint8Array): string | null {
    const silent = chain.queue === CURSORQ && this.#around.profile === "qemu";
    return judgeResponse(chain.request, response, chain.writableBytes, this.#scanouts, silent);
  }

  check(): void {
    if (BadSource.last !== null) throw BadSource.last;
    const gpu = this.#device;
    const { limits } = gpu;
    const resources = gpu.resources();
    let hostBytes = 0;
    let pieces = 0;
    for (const { kind, sizeBytes, backingSegments } of resources) {
      if (kind === "2d" || kind === "host-blob") hostBytes += sizeBytes;
      pieces += backingSegments;
    }
    if (gpu.hostBytes !== hostBytes)
      throw new Error(`${gpu.hostBytes} host bytes accounted, ${hostBytes} there`);
    if (hostBytes > limits.maxHostBytes) throw new Error("host bytes beyond the limit");
    if (resources.length > limits.maxResources) throw new Error("resources beyond the limit");
    if (pieces > 2 * limits.maxBackingEntriesTotal) throw new Error(`${pieces} pieces of backing`);
    if (gpu.commandsInFlight > limits.maxCommandsInFlight)
      throw new Error("commands in flight beyond the limit");
    // A flush may be a call for each scanout, and one of the renderer.
    const calls = 2 * limits.maxAbandonedCalls + limits.maxCommandsInFlight * (gpu.scanoutCount + 1);
    if (gpu.abandonedCalls > calls) throw new Error(`${gpu.abandonedCalls} calls were abandoned`);
    if (gpu.sharedObjects.size > 16 * limits.maxResources) throw new Error("shared objects beyond the limit");
    const mapped = resources.filter(({ kind }) => kind === "host-blob").length;
    if ((this.#heap?.mappedBlobs ?? 0) > mapped) throw new Error("more blobs are mapped than there are");
    for (let i = 0; i < gpu.scanoutCount; i++) {
      const source = gpu.scanout(i);
      if (source === null) continue;
      if (!resources.some(({ id, scanouts }) => id === source.resourceId && scanouts.includes(i))) {
        throw new Error(`scanout ${i} shows a resource that is gone`);
      }
      lookAt(source);
    }
  }

  /** A monitor is plugged in or out, or gets another size. */
  happen(): void {
    const { numbers: n } = this.#around;
    try {
      this.#device.setDisplay(n.below(3), { widthPixels: n.below(2000), enabled: n.chance(50) });
    } catch (error) {
      if (!(error instanceof VirtioUsageError)) throw error;
    }
  }

  look(): void {
    this.#device.resources();
  }

  fingerprint(): string {
    // Memory that is gone is a piece of no length before, and no piece afterwards.
    return JSON.stringify(this.#device.resources().map((resource) => ({ ...resource, backingSegments: 0 })));
  }

  finishWork(): void {
    const { commandsInFlight } = this.#device;
    if (commandsInFlight !== 0) throw new Error(`${commandsInFlight} commands in flight`);
  }

  emptied(): void {
    const gpu = this.#device;
    if (gpu.hostBytes !== 0) throw new Error(`${gpu.hostBytes} host bytes after a reset`);
    if (gpu.commandsInFlight !== 0) throw new Error("commands stay in flight");
    if (gpu.resources().length !== 0 || gpu.sharedObjects.size !== 0) throw new Error("a reset left objects");
    if ((this.#heap?.mappedBlobs ?? 0) !== 0) throw new Error("a reset left mapped blobs");
    for (let i = 0; i < gpu.scanoutCount; i++) {
      if (gpu.scanout(i) !== null || gpu.cursor(i) !== null)
        throw new Error(`a reset left a picture on ${i}`);
    }
  }

  use(use: Use): void {
    const type = (bytes: Uint8Array): number => (bytes[0] ?? 0) + 256 * (bytes[1] ?? 0);
    const all = { x: 0, y: 0, w: 16, h: 16 };
    this.#around.memory.write(0xb000, new Uint8Array(1024).fill(0x42));
    const script: [Uint8Array, number, number][] = [
      [msg.displayInfo(), 408, 0x1101],
      [msg.create2d(1, 2, 16, 16), 24, 0x1100],
      [msg.attach(1, [[0xb000, 1024]]), 24, 0x1100],
      [msg.transfer(1, all, 0), 24, 0x1100],
      [msg.setScanout(0, 1, all), 24, 0x1100],
      [msg.flush(1, all), 24, 0x1100],
    ];
    for (const [request, room, expected] of script) {
      const got = type(use(CONTROLQ, request, room));
      if (got !== expected)
        throw new Error(`after a reset ${hex(request)} is answered with 0x${got.toString(16)}`);
    }
    const cursor = use(CURSORQ, msg.cursor(0x301, 0, 1, 1), 24);
    if (this.#around.profile !== "qemu" && type(cursor) !== 0x1100)
      throw new Error("the cursor does not move");
    if (this.#device.scanout(0)?.pixels?.every((byte) => byte === 0x42) !== true)
      throw new Error("after a reset nothing is shown");
    use(CONTROLQ, msg.unref(1), 24);
    if (this.#device.hostBytes !== 0) throw new Error("host bytes after everything was given back");
  }
}
