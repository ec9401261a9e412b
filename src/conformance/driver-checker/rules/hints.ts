import { VIRTIO_F_RING_PACKED, VIRTIO_ID_GPU } from "../../../wire/common.ts";
import { VIRTIO_GPU_CONTROLQ, VIRTIO_GPU_CTRL_HDR } from "../../../wire/gpu.ts";
import { VIRTQ_AVAIL, VIRTQ_USED } from "../../../wire/split-ring.ts";
import { DESCRIPTOR_BYTES, heldBuffer, isIndirect, isWritable, type WatchedChain } from "../chain.ts";
import type { QueueView } from "../device-view.ts";
import type { DriverEvent, QueueArea } from "../events.ts";
import { hex } from "../violation.ts";
import { descriptorEvidence } from "./descriptors.ts";
import type { Rule, RuleContext } from "./rule.ts";

const AREAS: readonly QueueArea[] = ["descriptors", "driver", "device"];
const AREA_NAMES: Readonly<Record<QueueArea, string>> = {
  descriptors: "descriptor area",
  driver: "driver area (available ring)",
  device: "device area (used ring)",
};
/** Bytes of an event suppression structure. */
const EVENT_BYTES = 4;

/** What no statement forbids, and what does not work: mistakes of drivers that are being written. */
export class HintRules implements Rule {
  readonly #context: RuleContext;
  #everEnabled = false;
  #toldOfQueue = false;

  constructor(context: RuleContext) {
    this.#context = context;
  }

  event(event: DriverEvent): void {
    const { view } = this.#context;
    if (event.kind === "status-write") {
      if (event.value !== 0) return;
      this.#ended();
      this.#everEnabled = false;
      this.#toldOfQueue = false;
    } else if (event.kind === "notify" && view.transport === "mmio" && view.live) {
      this.#notified(event.queue);
    }
  }

  finish(): void {
    this.#ended();
  }

  #ended(): void {
    const { view } = this.#context;
    const without = view.live && !this.#everEnabled && !this.#toldOfQueue;
    if (!without || view.failed || this.#context.legacyOnly) return;
    this.#context.hint(
      "no-queue-enabled",
      -1,
      `DRIVER_OK was set and no queue was ever enabled: a queue exists for the device once 1 is written to its ${this.#enableName}`,
    );
  }

  get #enableName(): string {
    return this.#context.view.transport === "mmio" ? "QueueReady" : "queue_enable";
  }

  /** On PCI there is a statement about it. */
  #notified(index: number): void {
    if (this.#context.view.queues.get(index)?.enabled === true) return;
    this.#toldOfQueue = true;
    this.#context.hint(
      "queue-not-enabled",
      index,
      `queue ${index} was notified, and it is not enabled: select it with QueueSel, set its size and addresses, and write 1 to QueueReady`,
      [],
      { lasting: "queue-not-enabled" },
    );
  }

  // Where the rings are

  queueEnabled(queue: QueueView): void {
    this.#everEnabled = true;
    const packed = this.#context.view.hasFeature(VIRTIO_F_RING_PACKED);
    const { size, index } = queue;
    // On PCI a size of 0 is never written but by breaking a statement, and means that there is no such queue.
    const wrong = size === 0 || (!packed && (size & (size - 1)) !== 0);
    if (wrong && (this.#context.view.transport === "mmio" || !queue.written.size)) {
      const rule = packed ? "at least 1" : "a power of two";
      const what = queue.written.size ? `a size of ${size}` : "no size";
      this.#context.hint(
        "queue-size",
        index,
        `queue ${index} was enabled with ${what}: it has to be ${rule} and at most what the device reports`,
      );
    }
    if (size > 0) this.#areas(queue, packed);
  }

  #areas(queue: QueueView, packed: boolean): void {
    const { size, index, addresses } = queue;
    const lengths: Readonly<Record<QueueArea, number>> = {
      descriptors: DESCRIPTOR_BYTES * size,
      driver: packed ? EVENT_BYTES : VIRTQ_AVAIL.ring + 2 * size,
      device: packed ? EVENT_BYTES : VIRTQ_USED.ring + 8 * size,
    };
    const byte = new Uint8Array(1);
    for (const area of AREAS) {
      const at = addresses[area];
      const last = at + lengths[area] - 1;
      // Missing addresses are reported by the rules of PCI.
      if (!queue.written[area] && this.#context.view.transport === "pci") continue;
      if (this.#context.memory.read(at, byte) && this.#context.memory.read(last, byte)) continue;
      const where = queue.written[area] ? `from ${hex(at)} to ${hex(last)}` : "without an address";
      this.#context.hint(
        "area-not-in-memory",
        index,
        `the ${AREA_NAMES[area]} of queue ${index} is ${where}, where no memory is: addresses are physical ones, in bytes`,
        [{ what: `address of the ${area} area`, address: null, after: hex(at) }],
      );
      return;
    }
    for (const [a, b] of [
      ["descriptors", "driver"],
      ["driver", "device"],
      ["descriptors", "device"],
    ] as const) {
      const apart = addresses[a] + lengths[a] <= addresses[b] || addresses[b] + lengths[b] <= addresses[a];
      if (apart) continue;
      this.#context.hint(
        "areas-overlap",
        index,
        `the ${AREA_NAMES[a]} of queue ${index} at ${hex(addresses[a])}, ${lengths[a]} bytes for ${size} entries, and its ` +
          `${AREA_NAMES[b]} at ${hex(addresses[b])}, ${lengths[b]} bytes, overlap`,
      );
      return;
    }
  }

  // Buffers

  available(queue: QueueView, chain: WatchedChain): void {
    const [first] = chain.direct;
    if (chain.incomplete && chain.format === "split" && first !== undefined) {
      this.#context.hint(
        "empty-descriptor",
        queue.index,
        `descriptor ${first.index} of queue ${queue.index} was made available and there is nothing in it: no address, no length`,
        [descriptorEvidence(chain, first)],
        heldBuffer(chain),
      );
    }
    if (chain.endless || chain.incomplete || first === undefined) return;
    this.#tables(chain);
    const empty = chain.elements.find(({ lengthBytes }) => lengthBytes === 0);
    if (empty !== undefined) {
      const what = isWritable(empty.flags) ? "write" : "read";
      this.#context.hint(
        "empty-descriptor",
        queue.index,
        `descriptor ${empty.index} of buffer ${chain.token} has length 0: the device can ${what} nothing there, and some devices stop the queue`,
        [descriptorEvidence(chain, empty)],
        "room",
      );
    }
    if (this.#context.view.deviceId === VIRTIO_ID_GPU && queue.index === VIRTIO_GPU_CONTROLQ)
      this.#gpuRoom(chain);
  }

  #tables(chain: WatchedChain): void {
    for (const [i, table] of chain.tables.entries()) {
      const descriptor = chain.direct.filter(({ flags }) => isIndirect(flags))[i];
      if (descriptor === undefined) continue;
      const { lengthBytes } = descriptor;
      const bad = lengthBytes === 0 || lengthBytes % DESCRIPTOR_BYTES !== 0;
      if (!bad && table.bytes !== null) continue;
      this.#context.hint(
        bad ? "table-length" : "table-not-in-memory",
        chain.queue,
        bad
          ? `the indirect table of descriptor ${descriptor.index} is ${lengthBytes} bytes long: 16 for each of its descriptors, and at least one`
          : `the indirect table of descriptor ${descriptor.index} is at ${hex(table.address)}, where no memory is`,
        [descriptorEvidence(chain, descriptor)],
      );
    }
  }

  /** Every control command is answered, with a header at least. */
  #gpuRoom(chain: WatchedChain): void {
    const header = VIRTIO_GPU_CTRL_HDR.sizeBytes;
    if (chain.elements.length === 0) return;
    if (chain.readableBytes < header) {
      this.#context.hint(
        "request-too-short",
        chain.queue,
        `buffer ${chain.token} has ${chain.readableBytes} bytes for the device to read, and a request begins with a header of ${header}`,
        chain.elements.slice(0, 1).map((element) => descriptorEvidence(chain, element)),
        "room",
      );
      return;
    }
    if (chain.writableBytes >= header) return;
    const last = chain.elements.at(-1);
    const evidence = last === undefined ? [] : [descriptorEvidence(chain, last)];
    if (chain.writableBytes > 0 || chain.elements.some(({ flags }) => isWritable(flags))) {
      this.#context.hint(
        "response-too-short",
        chain.queue,
        `buffer ${chain.token} has room for ${chain.writableBytes} bytes of response, and a response begins with a header of ${header}`,
        evidence,
        "room",
      );
      return;
    }
    this.#context.hint(
      "response-not-writable",
      chain.queue,
      chain.elements.length > 1
        ? `buffer ${chain.token} has nothing that the device may write: descriptor ${last?.index ?? 0}, where the response goes, lacks VIRTQ_DESC_F_WRITE`
        : `buffer ${chain.token} has no descriptor for the response: one with VIRTQ_DESC_F_WRITE has to follow the request`,
      evidence,
      "room",
    );
  }
}
