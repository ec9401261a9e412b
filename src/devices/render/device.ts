import { VirtioUsageError } from "../../base/errors.ts";
import { checkOptions } from "../../base/options.ts";
import type {
  DeviceHost,
  DeviceType,
  PlainValue,
  PreparedRestore,
  QueueDescription,
} from "../../device/device-type.ts";
import { REQUEST_WORK } from "../../device/work.ts";
import type { DescriptorChain } from "../../virtqueue/chain.ts";
import type { DeviceQueue } from "../../virtqueue/device-queue.ts";
import {
  VIRTIO_RENDER_CMD_CTX_CREATE,
  VIRTIO_RENDER_COMMANDQ,
  VIRTIO_RENDER_CONFIG,
  VIRTIO_RENDER_DEVICE_ID,
  VIRTIO_RENDER_F_IMPORT_PAGES,
  VIRTIO_RENDER_F_IMPORT_UUID,
  VIRTIO_RENDER_FLAG_FENCE,
  VIRTIO_RENDER_RESP_ERR_COMMAND,
  VIRTIO_RENDER_RESP_ERR_CONTEXT,
  VIRTIO_RENDER_RESP_ERR_FEATURE,
  VIRTIO_RENDER_RESP_ERR_FENCE,
  VIRTIO_RENDER_RESP_ERR_LENGTH,
  VIRTIO_RENDER_RESP_ERR_LIMIT,
  VIRTIO_RENDER_RESP_ERR_PARAMETER,
  VIRTIO_RENDER_RESP_ERR_UNSPEC,
  VIRTIO_RENDER_RESP_OK,
} from "../../wire/render.ts";
import { renderCommandName, renderResponseName } from "../../wire/render-names.ts";
import { findCommand, type RenderCommand } from "./commands.ts";
import { RenderCore, type RenderCounters } from "./core.ts";
import type { Drawing } from "./drawing.ts";
import { Engine, RenderContext, Work } from "./engine.ts";
import { beginRecord, type RenderCommandObserver, type RenderCommandRecord } from "./observe.ts";
import {
  completeTiming,
  RENDER_DEVICE_RULES,
  type RenderDeviceOptions,
  type RenderLimits,
} from "./options.ts";
import { HEADER_BYTES, RenderRequest, RenderResponse, type ResponseHeader } from "./protocol.ts";
import { prepareRender, saveRender } from "./save.ts";

/** PCI class of a 3D controller: draws, shows nothing. */
const PCI_CLASS_DISPLAY_3D = 0x030200;

const DEFAULT_QUEUE_SIZE = 64;

/** An import as `RenderDevice.imports` lists it. */
export interface RenderImportInfo {
  readonly id: number;
  /** UUID of the object, null for a list of pages. */
  readonly uuid: string | null;
  readonly widthPixels: number;
  readonly heightPixels: number;
  /** One of VIRTIO_GPU_FORMAT_*. */
  readonly format: number;
  readonly strideBytes: number;
  readonly offsetBytes: number;
  readonly readOnly: boolean;
  readonly revoked: boolean;
}

/**
 * A renderer: an experimental device that draws into the buffers of other devices, which it imports by UUID or as lists
 * of guest pages, and that signals fences. The stand-in for the graphics card that renders what virtio-gpu scans out.
 * Its protocol is described in PROTOCOL.md beside this file.
 *
 * @example
 * ```ts
 * const sharedObjects = new SharedObjectRegistry();
 * const gpu = new VirtioDevice(new GpuDevice({ sharedObjects }), { memory });
 * const renderer = new VirtioDevice(new RenderDevice({ sharedObjects }), { memory });
 * ```
 */
export class RenderDevice implements DeviceType {
  readonly name = "render";
  readonly deviceId: number = VIRTIO_RENDER_DEVICE_ID;
  readonly pciClass: number = PCI_CLASS_DISPLAY_3D;
  readonly features: readonly number[];
  readonly featureDependencies = [];
  readonly queues: readonly QueueDescription[];
  readonly configLengthBytes: number = VIRTIO_RENDER_CONFIG.sizeBytes;
  readonly sharedMemory = [];

  readonly #core: RenderCore;
  readonly #engine: Engine;
  readonly #config: DataView;
  readonly #onCommand: RenderCommandObserver | null;
  readonly #request = new RenderRequest();
  readonly #response = new RenderResponse();
  readonly #lateResponse = new RenderResponse();
  /** True while the queue holds requests that were not taken. */
  #stopped = false;
  /** True while there are answers that the driver was not told of. */
  #unflushed = false;

  /** Throws {@link VirtioUsageError} for limits or times that are impossible. */
  constructor(options: RenderDeviceOptions = {}) {
    checkOptions("RenderDevice", options, RENDER_DEVICE_RULES);
    this.#core = new RenderCore(options);
    const features: number[] = [];
    if (options.sharedObjects !== undefined) features.push(VIRTIO_RENDER_F_IMPORT_UUID);
    if (options.importPages ?? true) features.push(VIRTIO_RENDER_F_IMPORT_PAGES);
    this.features = features;
    this.queues = [{ name: "commandq", maxSize: options.queueSize ?? DEFAULT_QUEUE_SIZE }];
    this.#config = configOf(this.#core.limits);
    this.#onCommand = options.onCommand ?? null;
    const core = this.#core;
    this.#engine = new Engine(
      {
        get budget() {
          return core.host.budget;
        },
        wake: () => core.host.sync(),
        finished: (work) => this.#finished(work),
        progressed: () => this.#progressed(),
      },
      { timing: completeTiming(options.timing), maxPendingPixels: core.limits.maxPendingPixels },
    );
    this.#core.engine = this.#engine;
  }

  // What an embedder sees

  /** Counts kept since the device was made. */
  get counters(): Readonly<RenderCounters> {
    this.#core.counters.pixels = this.#engine.pixels;
    return this.#core.counters;
  }

  get limits(): RenderLimits {
    return this.#core.limits;
  }

  /** Commands that are not finished. */
  get pending(): number {
    return this.#engine.pending;
  }

  /** Ids of the contexts there are. */
  get contexts(): readonly number[] {
    return [...this.#core.contexts.keys()];
  }

  /** A list of all imports, for diagnosis. */
  imports(): RenderImportInfo[] {
    return Array.from(this.#core.imports.values(), ({ id, uuid, layout, readOnly, revoked }) => ({
      id,
      uuid,
      widthPixels: layout.widthPixels,
      heightPixels: layout.heightPixels,
      format: layout.format.format,
      strideBytes: layout.strideBytes,
      offsetBytes: layout.offsetBytes,
      readOnly,
      revoked,
    }));
  }

  // What the framework calls

  attach(host: DeviceHost): void {
    if (this.#core.attached) throw new VirtioUsageError("the renderer already belongs to a device");
    this.#core.attach(host);
  }

  readConfigByte(offset: number): number {
    const at = offset - VIRTIO_RENDER_CONFIG.events_read;
    if (at >= 0 && at < 4) return (this.#core.eventsRead >>> (8 * at)) & 0xff;
    return this.#config.getUint8(offset);
  }

  /** Only events_clear can be written. */
  writeConfig(offset: number, widthBytes: number, value: number): void {
    for (let i = 0; i < widthBytes; i++) {
      const at = offset + i - VIRTIO_RENDER_CONFIG.events_clear;
      if (at >= 0 && at < 4) this.#core.eventsRead &= ~(((value >>> (8 * i)) & 0xff) << (8 * at));
    }
  }

  start(): void {}

  handleQueue(_index: number, queue: DeviceQueue): void {
    this.#stopped = false;
    const { budget } = this.#core.host;
    for (;;) {
      if (this.#isFull) {
        this.#stopped = true;
        return;
      }
      if (budget.left <= 0) return;
      budget.left -= REQUEST_WORK;
      const chain = queue.pop();
      if (chain === null) return;
      this.#process(queue, chain);
    }
  }

  /** True while no more commands are taken. */
  get #isFull(): boolean {
    return this.#engine.full || this.#engine.pending >= this.#core.limits.maxCommands;
  }

  #process(queue: DeviceQueue, chain: DescriptorChain): void {
    const core = this.#core;
    const request = this.#request;
    core.counters.commands++;
    core.reason = "";
    this.#response.begin(HEADER_BYTES);
    const complete = request.load(chain);
    const command = complete ? findCommand(request.type) : null;
    const record = this.#onCommand === null ? null : this.#beginRecord(command);
    const context = complete
      ? this.#enter(request)
      : core.refuse(VIRTIO_RENDER_RESP_ERR_LENGTH, "the request is shorter than a header");
    const result = typeof context === "number" ? context : this.#execute(command);
    request.chain = null;
    const drawing = typeof result === "number" ? null : result;
    const type = typeof result === "number" ? result : VIRTIO_RENDER_RESP_OK;
    const { reason } = core;
    if (typeof context === "number" || !request.fenced) {
      this.#answer(queue, chain, type, request, this.#response);
      if (drawing === null || typeof context === "number") {
        this.#observe(record, request.type, type, reason);
        return;
      }
    }
    const work = new Work(context, request, { type, body: this.#response.takeBody(), reason, drawing });
    work.record = record;
    if (request.fenced) {
      work.queue = queue;
      work.chain = chain;
    }
    this.#engine.add(work);
  }

  #beginRecord(command: RenderCommand | null): RenderCommandRecord {
    return beginRecord(this.#request, command?.request ?? null, this.#engine.nowMs);
  }

  /** The context of a command, with its fence noted; or the type of the error response, which belongs to no timeline. */
  #enter(request: RenderRequest): RenderContext | number {
    const core = this.#core;
    if ((request.flags & ~VIRTIO_RENDER_FLAG_FENCE) !== 0) {
      return core.refuse(VIRTIO_RENDER_RESP_ERR_PARAMETER, "flags has unknown bits");
    }
    const found = core.contexts.get(request.ctxId);
    const creates = request.type === VIRTIO_RENDER_CMD_CTX_CREATE;
    if (creates !== (found === undefined)) {
      return core.refuse(VIRTIO_RENDER_RESP_ERR_CONTEXT, creates ? "the context exists" : "no such context");
    }
    if (creates && core.contexts.size >= core.limits.maxContexts) {
      return core.refuse(VIRTIO_RENDER_RESP_ERR_LIMIT, "too many contexts");
    }
    const context = found ?? new RenderContext(request.ctxId);
    const { fenced, fenceHi, fenceLo } = request;
    const later = fenceHi > context.fenceHi || (fenceHi === context.fenceHi && fenceLo > context.fenceLo);
    if (fenced && !later) {
      return core.refuse(VIRTIO_RENDER_RESP_ERR_FENCE, "the fence id is not above the last one");
    }
    if (creates) core.contexts.set(context.id, context);
    if (!fenced) return context;
    context.fenceHi = fenceHi;
    context.fenceLo = fenceLo;
    return context;
  }

  #execute(command: RenderCommand | null): Drawing | number {
    const core = this.#core;
    const request = this.#request;
    if (command === null) return core.refuse(VIRTIO_RENDER_RESP_ERR_COMMAND, "no such command");
    if (command.feature >= 0 && !core.host.hasFeature(command.feature)) {
      return core.refuse(VIRTIO_RENDER_RESP_ERR_FEATURE, "the feature was not negotiated");
    }
    if (request.lengthBytes < command.request.span) {
      return core.refuse(VIRTIO_RENDER_RESP_ERR_LENGTH, "the request is shorter than its struct");
    }
    return command.handler(core, request, this.#response);
  }

  /** Writes a response and hands the chain back. */
  #answer(
    queue: DeviceQueue,
    chain: DescriptorChain,
    type: number,
    to: ResponseHeader,
    response: RenderResponse,
  ): void {
    const { counters } = this.#core;
    if (to.fenced) counters.fences++;
    if (isError(type)) {
      counters.errors++;
      // An error has no body, whatever the command had begun to fill in.
      response.lengthBytes = HEADER_BYTES;
    }
    response.setHeader(type, to);
    queue.push(chain, response.write(chain));
    this.#unflushed = true;
  }

  /** A command on a timeline is through, and so is everything before it. */
  #finished(work: Work): void {
    const { context } = work;
    let { type } = work;
    if (!work.fenced) {
      if (isError(type)) {
        this.#core.counters.lateErrors++;
        if (context.failure === 0) context.failure = type;
      }
    } else {
      if (work.drawn) {
        // Of what failed without anybody having waited for it, the next fence brings the news.
        if (!isError(type) && context.failure !== 0) type = context.failure;
        context.failure = 0;
      }
      const { queue, chain } = work;
      if (queue !== null && chain !== null) {
        // The exporter of what was drawn into may have let the guest's memory grow.
        this.#core.host.sync();
        this.#lateResponse.setBody(work.body);
        this.#answer(queue, chain, type, work, this.#lateResponse);
      }
    }
    this.#observe(work.record, work.command, type, isError(type) ? work.reason : "");
  }

  #observe(record: RenderCommandRecord | null, command: number, type: number, reason: string): void {
    const { trace } = this.#core.host;
    if (isError(type) && trace !== null) {
      trace({
        source: "render",
        kind: "command-refused",
        detail: { command: renderCommandName(command), response: renderResponseName(type), reason },
      });
    }
    if (record === null) return;
    record.responseType = type;
    record.response = renderResponseName(type);
    record.reason = reason;
    record.finishedMs = this.#engine.nowMs;
    this.#onCommand?.(record);
    this.#core.host.sync();
  }

  /** Tells the driver, and takes up again what was left in the queue. */
  #progressed(): void {
    const { host } = this.#core;
    if (this.#unflushed) {
      this.#unflushed = false;
      host.flush(VIRTIO_RENDER_COMMANDQ);
    }
    if (this.#stopped && !this.#isFull) host.kick(VIRTIO_RENDER_COMMANDQ);
  }

  /** The queue is closed. What was begun is drawn to its end, but nobody waits for the answers. */
  queueReset(): void {
    this.#stopped = false;
    this.#unflushed = false;
    this.#engine.forEach((work) => {
      work.queue = null;
      work.chain = null;
    });
  }

  reset(): void {
    this.#stopped = false;
    this.#unflushed = false;
    this.#engine.reset();
    this.#core.reset();
  }

  /** Drawing that takes time is done at once: a suspended device must not touch the guest's memory. */
  quiesce(): void {
    this.#engine.finishAll();
    this.#progressed();
  }

  save(): PlainValue {
    if (this.#engine.pending > 0) {
      throw new VirtioUsageError("the renderer is still drawing; suspend it, or wait until it is done");
    }
    return saveRender(this.#core);
  }

  prepareRestore(state: PlainValue): PreparedRestore {
    return prepareRender(this.#core, state);
  }
}

function isError(type: number): boolean {
  return type >= VIRTIO_RENDER_RESP_ERR_UNSPEC;
}

/** The configuration space but for events_read. */
function configOf(limits: RenderLimits): DataView {
  const view = new DataView(new ArrayBuffer(VIRTIO_RENDER_CONFIG.sizeBytes));
  view.setUint32(VIRTIO_RENDER_CONFIG.max_imports, limits.maxImports, true);
  view.setUint32(VIRTIO_RENDER_CONFIG.max_contexts, limits.maxContexts, true);
  view.setUint32(VIRTIO_RENDER_CONFIG.max_commands, limits.maxCommands, true);
  view.setUint32(VIRTIO_RENDER_CONFIG.max_dimension, limits.maxDimension, true);
  view.setUint32(VIRTIO_RENDER_CONFIG.max_entries, limits.maxEntries, true);
  view.setBigUint64(VIRTIO_RENDER_CONFIG.max_import_bytes, BigInt(limits.maxImportBytes), true);
  return view;
}
