import type { BackendError } from "../../base/backend-error.ts";
import { VirtioBugError, VirtioUsageError } from "../../base/errors.ts";
import { isPromise, type MaybeLater } from "../../base/later.ts";
import { checkOptions, withDefaults } from "../../base/options.ts";
import { BackendCalls } from "../../device/backend/backend-calls.ts";
import { LateAnswers } from "../../device/backend/late-answers.ts";
import { Life } from "../../device/backend/life.ts";
import type { DeviceHost, DeviceType, PlainValue, PreparedRestore } from "../../device/device-type.ts";
import { misfit } from "../../device/state/schema.ts";
import { REQUEST_WORK, SEGMENT_WORK, TRANSLATED_WORK } from "../../device/work.ts";
import type { DescriptorChain } from "../../virtqueue/chain.ts";
import type { DeviceQueue } from "../../virtqueue/device-queue.ts";
import { VIRTIO_ID_DMABUF } from "../../wire/common.ts";
import {
  VIRTIO_VDMABUF_CMD_DMABUF_REL,
  VIRTIO_VDMABUF_CMD_EXPORT,
  VIRTIO_VDMABUF_CMD_NEED_VMID,
  VIRTIO_VDMABUF_MSG,
  VIRTIO_VDMABUF_RECVQ,
  VIRTIO_VDMABUF_S_COMMAND,
  VIRTIO_VDMABUF_S_LENGTH,
  VIRTIO_VDMABUF_S_OK,
  VIRTIO_VDMABUF_SENDQ,
  vdmabufCommandName,
  vdmabufStatusName,
} from "../../wire/vdmabuf.ts";
import type { VdmabufBuffer } from "./buffer.ts";
import { EventQueue, lengthOf, type VdmabufEvent } from "./events.ts";
import { Exports } from "./exports.ts";
import { VdmabufHost, type VdmabufVm } from "./host.ts";
import type { VdmabufId } from "./id.ts";
import { describeMessage, type VdmabufMessageObserver } from "./observe.ts";
import {
  DEFAULT_VDMABUF_LIMITS,
  VDMABUF_DEVICE_RULES,
  type VdmabufDeviceOptions,
  type VdmabufLimits,
} from "./options.ts";
import { GuestMessage } from "./protocol.ts";
import { readSavedVdmabuf, type SavedVdmabuf, saveVdmabuf } from "./save.ts";

/** PCI class OTHERS. */
const PCI_CLASS_OTHERS = 0xff0000;
const DEFAULT_QUEUE_SIZE = 64;
const COMMAND_BYTES = VIRTIO_VDMABUF_MSG.op;

/** Counts kept since the device was made. */
export interface VdmabufCounters {
  /** Messages of the guest. */
  messages: number;
  /** Buffers that the host took. */
  exports: number;
  /** Messages answered with another status than OK. */
  refused: number;
  /** Buffers that the host gave back. */
  releases: number;
  /** Buffers that the host lost because the guest was reset or unplugged. */
  lost: number;
  /** Messages that the guest received. */
  eventsDelivered: number;
  /** Messages that never reached the guest, since its receive queue was empty for too long. */
  eventsDropped: number;
  /** Buffers of the receive queue that were too short for a message. */
  shortReceiveBuffers: number;
  /** Bytes of tables read. */
  tableBytes: number;
  /** Bytes of buffers that importers copied through `VdmabufBuffer.read`; the device itself copies none. */
  bytesCopied: number;
}

/**
 * The device of the Vdmabuf proposal: guests hand the pages of their buffers to the host, which gives them back when
 * it has done with them. Experimental, with a byte layout of this project's own: see PROTOCOL.md beside this file.
 *
 * @example
 * ```ts
 * const host = new VdmabufHost({
 *   importer: {
 *     onExport(buffer) {
 *       console.log(buffer.sizeBytes, buffer.pages.count);
 *       buffer.release();
 *     },
 *   },
 * });
 * const device = new VirtioDevice(new VdmabufDevice({ host }), { memory });
 * ```
 */
export class VdmabufDevice implements DeviceType {
  readonly name = "vdmabuf";
  readonly deviceId: number = VIRTIO_ID_DMABUF;
  readonly pciClass: number = PCI_CLASS_OTHERS;
  readonly features: readonly number[] = [];
  readonly featureDependencies = [];
  readonly queues: readonly { readonly name: string; readonly maxSize: number }[];
  readonly configLengthBytes = 0;
  readonly sharedMemory = [];
  /** The importing side. */
  readonly host: VdmabufHost;
  readonly limits: VdmabufLimits;

  readonly #vm: VdmabufVm;
  readonly #exports: Exports;
  readonly #events: EventQueue;
  readonly #message = new GuestMessage();
  readonly #observer: VdmabufMessageObserver | null;
  readonly #counters = {
    messages: 0,
    exports: 0,
    refused: 0,
    releases: 0,
    lost: 0,
    eventsDelivered: 0,
    shortReceiveBuffers: 0,
    tableBytes: 0,
  };
  readonly #calls: BackendCalls;
  readonly #told: BackendCalls;
  readonly #late: LateAnswers;
  #life: Life;
  #vmId: number;
  #device: DeviceHost | null = null;

  /** Throws {@link VirtioUsageError} for a limit out of range and for a VM id that is taken. */
  constructor(options: VdmabufDeviceOptions = {}) {
    checkOptions("VdmabufDevice", options, VDMABUF_DEVICE_RULES);
    this.host = options.host ?? new VdmabufHost();
    this.limits = withDefaults(DEFAULT_VDMABUF_LIMITS, options.limits);
    this.#observer = options.onMessage ?? null;
    this.#events = new EventQueue(this.limits.maxEvents);
    this.#exports = new Exports(this.host, this.limits, {
      taking: (id) => this.#events.forgetRelease(id),
      giveBack: (buffer) => this.#giveBack(buffer),
      ask: (call) => this.#calls.call(call),
      transact: (steps) => this.#life.transact(steps),
      tell: (call) => void this.#life.attempt(() => this.#told.call(call)),
    });
    const sync = (): void => this.#device?.sync();
    // Releases are told however much the importer owes: they are what it is to let go of.
    this.#calls = new BackendCalls("importer", this.limits.maxAbandonedCalls, sync);
    this.#told = new BackendCalls("importer", Number.POSITIVE_INFINITY, sync);
    this.#life = new Life({ sync, failed: (error) => this.#traceFailure(error) });
    this.#late = new LateAnswers([1, 1], (index) => this.#attached.kick(index));
    const exports = this.#exports;
    this.#vm = {
      buffer: (counter) => exports.get(counter),
      get heldBuffers() {
        return exports.buffers();
      },
    };
    const maxSize = options.queueSize ?? DEFAULT_QUEUE_SIZE;
    this.queues = [
      { name: "recv", maxSize },
      { name: "send", maxSize },
    ];
    this.#vmId = this.host.enter(this.#vm, options.vmId);
  }

  /** What NEED_VMID tells the guest. */
  get vmId(): number {
    return this.#vmId;
  }

  /** Buffers of this VM that the host holds. */
  get buffers(): readonly VdmabufBuffer[] {
    return [...this.#exports.buffers()];
  }

  /** Messages that wait for room in the receive queue. */
  get pendingEvents(): number {
    return this.#events.count;
  }

  get counters(): Readonly<VdmabufCounters> {
    return {
      ...this.#counters,
      eventsDropped: this.#events.dropped,
      bytesCopied: this.#exports.bytesCopied,
    };
  }

  attach(device: DeviceHost): void {
    if (this.#device !== null)
      throw new VirtioUsageError("the vdmabuf device type already belongs to a device");
    this.#device = device;
  }

  readConfigByte(): number {
    return 0;
  }
  writeConfig(): void {}
  start(): void {}

  handleQueue(index: number, queue: DeviceQueue): void {
    if (index === VIRTIO_VDMABUF_RECVQ) {
      this.#deliver(queue);
      return;
    }
    const { budget } = this.#attached;
    while (this.#late.mayTake(VIRTIO_VDMABUF_SENDQ)) {
      if (budget.left <= 0) return;
      budget.left -= REQUEST_WORK;
      const chain = queue.pop();
      if (chain === null) return;
      this.#process(queue, chain);
    }
  }

  // From the guest

  #process(queue: DeviceQueue, chain: DescriptorChain): void {
    const message = this.#message;
    const life = this.#life;
    message.load(chain);
    this.#counters.messages++;
    // The importer may do anything, even reset the device: what is answered is known before it is asked.
    const { command, lengthBytes, id } = message;
    const served = this.#serve(message);
    if (!isPromise(served)) {
      this.#answer(queue, chain, command, lengthBytes, id, served);
      return;
    }
    // With what is behind it held up, it is the one message being served.
    this.#late.wait(life, VIRTIO_VDMABUF_SENDQ, served, true, {
      fulfilled: (status) => {
        if (chain.abandoned) return;
        this.#answer(queue, chain, command, lengthBytes, id, status);
        this.#attached.flush(VIRTIO_VDMABUF_SENDQ);
      },
      rejected: (error) => {
        throw error;
      },
    });
  }

  #answer(
    queue: DeviceQueue,
    chain: DescriptorChain,
    command: number,
    lengthBytes: number,
    id: VdmabufId,
    status: number,
  ): void {
    if (status !== VIRTIO_VDMABUF_S_OK) this.#traceRefusal(command, status);
    else if (command === VIRTIO_VDMABUF_CMD_EXPORT) this.#counters.exports++;
    // The VM id goes where identifiers start: operand 0. Command 0 may also be one that was not sent at all.
    const asked = command === VIRTIO_VDMABUF_CMD_NEED_VMID;
    const counter = status === VIRTIO_VDMABUF_S_OK ? this.#vmId : 0;
    const result = asked ? { counter, vmId: 0, key0: 0, key1: 0 } : id;
    const reply: VdmabufEvent = { command, id: result, status };
    if (status !== VIRTIO_VDMABUF_S_OK) this.#counters.refused++;
    const inPlace = chain.writableBytes > 0;
    const writtenBytes = inPlace ? this.#events.write(reply, chain) : 0;
    if (this.#observer !== null) {
      this.#observer(
        describeMessage("send", chain, {
          messageBytes: lengthBytes,
          command,
          id: asked ? null : id,
          status,
          reason: this.#exports.reason,
          tableBytes: this.#exports.tableBytes,
          writtenBytes,
        }),
      );
      this.#attached.sync();
    }
    const { abandoned } = chain;
    queue.push(chain, writtenBytes);
    if (!inPlace && !abandoned) this.#post(reply);
  }

  #serve(message: GuestMessage): MaybeLater<number> {
    const exports = this.#exports;
    exports.begin();
    const { command } = message;
    if (!message.has(COMMAND_BYTES)) return exports.refuse(VIRTIO_VDMABUF_S_LENGTH, "too short or too long");
    if (command === VIRTIO_VDMABUF_CMD_EXPORT) {
      const status = exports.export(this.#attached, this.#vmId, message);
      this.#counters.tableBytes += exports.tableBytes;
      // Eight bytes for each page, which was looked for and listed.
      const { budget, dma } = this.#attached;
      budget.charge((exports.tableBytes >>> 3) * (dma.translator === null ? SEGMENT_WORK : TRANSLATED_WORK));
      return status;
    }
    if (command === VIRTIO_VDMABUF_CMD_NEED_VMID) return VIRTIO_VDMABUF_S_OK;
    return exports.refuse(VIRTIO_VDMABUF_S_COMMAND, "no command of a guest");
  }

  #traceFailure(error: BackendError): void {
    this.#device?.trace?.({ source: "vdmabuf", kind: "backend-failure", detail: { message: error.message } });
  }

  #traceRefusal(command: number, status: number): void {
    this.#attached.trace?.({
      source: "vdmabuf",
      kind: "message-refused",
      detail: {
        command: vdmabufCommandName(command),
        status: vdmabufStatusName(status),
        reason: this.#exports.reason,
      },
    });
  }

  // To the guest

  /** Writes what waits into buffers of the receive queue; takes no more of them than there are messages. */
  #deliver(queue: DeviceQueue): void {
    const events = this.#events;
    const { budget } = this.#attached;
    for (let event = events.first; event !== null && budget.left > 0; event = events.first) {
      budget.left -= REQUEST_WORK;
      const chain = queue.pop();
      if (chain === null) return;
      const lengthBytes = lengthOf(event);
      // Half a message helps nobody: the whole one waits for the next buffer.
      const fits = chain.writableBytes >= lengthBytes;
      const writtenBytes = fits ? events.write(event, chain) : 0;
      if (fits) {
        events.shift();
        this.#counters.eventsDelivered++;
        this.#observeDelivery(chain, event, lengthBytes, writtenBytes);
      } else {
        this.#counters.shortReceiveBuffers++;
      }
      queue.push(chain, writtenBytes);
    }
  }

  #observeDelivery(
    chain: DescriptorChain,
    event: VdmabufEvent,
    messageBytes: number,
    writtenBytes: number,
  ): void {
    if (this.#observer === null) return;
    const { command, status } = event;
    const id = command === VIRTIO_VDMABUF_CMD_NEED_VMID ? null : event.id;
    const sizes = { messageBytes, tableBytes: 0, writtenBytes };
    this.#observer(describeMessage("recv", chain, { ...sizes, command, id, status, reason: "" }));
    this.#attached.sync();
  }

  #post(event: VdmabufEvent): void {
    this.#events.push(event);
    this.#attached.kick(VIRTIO_VDMABUF_RECVQ);
  }

  #giveBack({ id }: VdmabufBuffer): void {
    this.#counters.releases++;
    this.#post({ command: VIRTIO_VDMABUF_CMD_DMABUF_REL, id, status: -1 });
  }

  get #attached(): DeviceHost {
    if (this.#device === null) throw new VirtioBugError("the vdmabuf device type has no device");
    return this.#device;
  }

  // Life

  /** What waits for the receive queue goes on waiting for the next one. */
  queueReset(index: number): void {
    this.#late.queueReset(index);
  }

  /** Everything that the guest exported is its own again; what waits for it is forgotten. */
  reset(): void {
    this.#life = this.#life.end();
    this.#calls.abandon();
    this.#told.abandon();
    this.#late.reset();
    this.#counters.lost += this.#exports.endAll();
    this.#events.clear();
  }

  quiesce(): void {
    // The importer finishes what it has; there is nothing to hurry, and buffers held do not hinder.
  }

  /** The VM is gone: ends as {@link reset} does, and gives its id back to the host. */
  unplug(): void {
    this.reset();
    this.host.leave(this.#vm, this.#vmId);
  }

  save(): PlainValue {
    if (this.#late.count > 0) {
      throw new VirtioUsageError("the importer has not decided about a buffer; wait until it has");
    }
    return saveVdmabuf(this.#vmId, this.#exports.buffers(), this.#events.list());
  }

  /** Throws {@link VirtioUsageError} when the state does not fit this device, its memory or its host. */
  prepareRestore(state: PlainValue): PreparedRestore {
    const saved = readSavedVdmabuf(state, this.#attached.memory, this.limits);
    if (saved.vmId !== this.#vmId && this.host.vmIds.includes(saved.vmId)) {
      misfit("vmId", `is ${saved.vmId}, and there is another VM of that id on this host`);
    }
    for (const [i, { id }] of saved.buffers.entries()) {
      if (this.#exports.isForeign(id)) {
        misfit(["buffers", i, "id"], "is one under which something else is shared already");
      }
    }
    return { takeOver: () => this.#takeOver(saved) };
  }

  #takeOver(saved: SavedVdmabuf): void {
    if (saved.vmId !== this.#vmId) {
      // The guest knows its id, and so do the identifiers of its buffers.
      this.host.enter(this.#vm, saved.vmId);
      this.host.leave(this.#vm, this.#vmId);
      this.#vmId = saved.vmId;
    }
    for (const event of saved.events) this.#events.push(event);
    for (const { id, pageCount, pages, privateData } of saved.buffers) {
      if (!this.#exports.restore(id, pageCount, pages, privateData)) {
        throw new VirtioUsageError(`the identifier of a saved buffer of VM ${id.vmId} is taken`);
      }
    }
  }
}
