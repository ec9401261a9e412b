import { BackendError } from "../../../base/backend-error.ts";
import { messageOf } from "../../../base/brands.ts";
import { VirtioBugError } from "../../../base/errors.ts";
import { LateAnswers } from "../../../device/backend/late-answers.ts";
import type { Life } from "../../../device/backend/life.ts";
import { PIXEL_WORK, REQUEST_WORK } from "../../../device/work.ts";
import type { DescriptorChain } from "../../../virtqueue/chain.ts";
import type { DeviceQueue } from "../../../virtqueue/device-queue.ts";
import {
  VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
  VIRTIO_GPU_CMD_SET_SCANOUT_BLOB,
  VIRTIO_GPU_CONTROLQ,
  VIRTIO_GPU_CURSORQ,
  VIRTIO_GPU_F_CONTEXT_INIT,
  VIRTIO_GPU_FLAG_INFO_RING_IDX,
  VIRTIO_GPU_MAX_RING_IDX,
  VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
} from "../../../wire/gpu.ts";
import { gpuCommandName, gpuResponseName } from "../../../wire/gpu-names.ts";
import { responseToFailure } from "../backend/failure.ts";
import { findCommand, type GpuCommand } from "../commands/commands.ts";
import type { Deferred, GpuCore } from "../core.ts";
import { GpuRequest, GpuResponse, HEADER_BYTES, PENDING } from "../protocol.ts";
import { Fences, OutstandingCommand } from "./fences.ts";
import type { GpuCommandRecord } from "./observe.ts";
import { beginRecord } from "./record.ts";

/** The two queues: takes requests, has them done, sends the responses, now or later. */
export class CommandQueues {
  readonly #core: GpuCore;
  readonly #fences: Fences;
  // One of each per queue: a display may, from within a control command, make the driver send a cursor command.
  readonly #requests = [new GpuRequest(), new GpuRequest()];
  readonly #responses = [new GpuResponse(), new GpuResponse()];
  readonly #lateResponse = new GpuResponse();
  /** What each flushed pixel costs. */
  readonly #pixelWork: number;
  readonly #late: LateAnswers;

  constructor(core: GpuCore) {
    this.#core = core;
    this.#pixelWork = core.options.display === undefined ? 0 : PIXEL_WORK;
    // Where both queues take any command, they are one. Else the cursor queue is the fast track, and waits for no slow
    // command of the control queue.
    const { anyQueue } = core.policy;
    const { maxCommandsInFlight } = core.limits;
    this.#fences = new Fences(anyQueue);
    const limits = [maxCommandsInFlight, maxCommandsInFlight];
    this.#late = new LateAnswers(limits, (index) => core.host.kick(index), anyQueue);
  }

  /** Commands that wait for a back end. */
  get unsettled(): number {
    return this.#late.count;
  }

  /** Takes available commands, as long as more may be in flight. */
  handle(index: number, queue: DeviceQueue): void {
    const { budget } = this.#core.host;
    while (this.#late.mayTake(index)) {
      if (budget.left <= 0) return;
      budget.left -= REQUEST_WORK;
      const chain = queue.pop();
      if (chain === null) return;
      this.#process(index, queue, chain);
    }
  }

  #process(index: number, queue: DeviceQueue, chain: DescriptorChain): void {
    const core = this.#core;
    const request = this.#requests[index] as GpuRequest;
    const response = this.#responses[index] as GpuResponse;
    core.counters.commands++;
    core.reason = "";
    response.reset();
    const copiedBefore = core.counters.bytesCopied;
    const shownBefore = core.counters.flushedPixels + core.scanouts.remadePixels;
    const { life } = core;
    const complete = request.load(chain);
    const command = complete ? findCommand(request.type) : null;
    if ((request.flags & VIRTIO_GPU_FLAG_INFO_RING_IDX) !== 0) {
      // [gpu.prose.device-operation-request-header.2]
      request.hasRing = core.hasFeature(VIRTIO_GPU_F_CONTEXT_INIT);
    }
    const observed = core.options.onCommand !== undefined;
    const record = observed ? beginRecord(index, chain, request, command) : null;
    // The context that exists already, or else the one that the command creates.
    const context = request.hasRing ? core.contexts.get(request.ctxId) : null;
    const type = complete
      ? this.#execute(index, command, request, response)
      : core.refuse(core.policy.shortHeader, "the request is shorter than a header");
    request.chain = null;
    if (request.hasRing) request.timeline = context ?? core.contexts.get(request.ctxId) ?? request.ctxId;
    const shown = core.counters.flushedPixels + core.scanouts.remadePixels - shownBefore;
    core.host.budget.left -= shown * this.#pixelWork;
    if (record !== null) record.bytesCopied = core.counters.bytesCopied - copiedBefore;
    if (type === PENDING) {
      this.#wait(new OutstandingCommand(index, queue, chain, request), core.takeDeferred(), record, life);
    } else if (
      request.fenced &&
      this.#fences.count > 0 &&
      !life.over &&
      this.#fences.mustWait(request, index)
    ) {
      const held = new OutstandingCommand(index, queue, chain, request);
      // The fence it waits for is not reached, so nothing can be sent now.
      this.#keep(held, type, response, record);
      this.#fences.add(held);
    } else {
      response.setHeader(type, request);
      this.#send(index, queue, chain, request.type, type, request.fenced, response, record);
    }
  }

  #execute(index: number, command: GpuCommand | null, request: GpuRequest, response: GpuResponse): number {
    const core = this.#core;
    const { policy } = core;
    if (command === null) return core.refuse(policy.unknownCommand, "no such command");
    if (command.queue !== index && !policy.anyQueue) {
      return core.refuse(policy.unknownCommand, "not a command of this queue");
    }
    if (command.feature >= 0 && !core.hasFeature(command.feature)) {
      const blob =
        command.type === VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB ||
        command.type === VIRTIO_GPU_CMD_SET_SCANOUT_BLOB;
      return core.refuse(blob ? policy.missingBlob : policy.missingFeature, "the feature was not negotiated");
    }
    if (request.lengthBytes < command.requestBytes) {
      return core.refuse(policy.shortRequest, "the request is shorter than its struct");
    }
    if (request.hasRing && request.ringIdx > VIRTIO_GPU_MAX_RING_IDX) {
      return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "there are only 64 rings");
    }
    try {
      return command.handler(core, request, response);
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      return this.#failed(command.name, error);
    }
  }

  #failed(during: string, error: unknown): number {
    this.#core.traceFailure(during, error);
    return this.#core.refuse(responseToFailure(error), messageOf(error));
  }

  /** Leaves a command to a back end. [gpu.device.device-operation-command-lifecycle-and-fencing.1] */
  #wait(command: OutstandingCommand, deferred: Deferred, record: GpuCommandRecord | null, life: Life): void {
    command.record = record;
    // A back end may have reset the device from within its call: the command belongs to nobody then.
    if (!life.over) this.#fences.add(command);
    this.#late.wait(life, command.queueIndex, deferred.promise, deferred.barrier, {
      fulfilled: (value) => this.#settled(command, (response) => deferred.finish(value, response)),
      rejected: (error) => this.#settled(command, () => this.#failed("a promise", error)),
    });
  }

  /** The processing is finished. [gpu.device.device-operation-command-lifecycle-and-fencing.2] */
  #settled(command: OutstandingCommand, finish: (response: GpuResponse) => number): void {
    const core = this.#core;
    core.reason = "";
    const response = this.#lateResponse;
    response.reset();
    let type: number;
    try {
      type = finish(response);
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      type = this.#failed("a promise", error);
    }
    if (type === PENDING) throw new VirtioBugError("a late command waits once more");
    if (command.record !== null) command.record.bytesCopied += core.lateBytesCopied;
    core.lateBytesCopied = 0;
    // After a queue reset the work was done all the same, but the command is forgotten and nobody gets the answer.
    this.#keep(command, type, response, command.record);
    this.#release();
  }

  /** Keeps the response until the fences allow it to go. */
  #keep(
    command: OutstandingCommand,
    type: number,
    response: GpuResponse,
    record: GpuCommandRecord | null,
  ): void {
    this.#fences.complete(command);
    command.type = type;
    command.reason = this.#core.reason;
    const { lengthBytes } = response;
    if (type < VIRTIO_GPU_RESP_ERR_UNSPEC) {
      if (lengthBytes > HEADER_BYTES) command.body = response.scratch.u8.slice(HEADER_BYTES, lengthBytes);
      command.payload = response.payload;
    }
    command.record = record;
    if (record !== null) record.late = true;
  }

  #release(): void {
    const touched = [false, false];
    const response = this.#lateResponse;
    this.#fences.release((command) => {
      response.reset();
      if (command.body !== null) {
        response.begin(HEADER_BYTES + command.body.length);
        response.scratch.u8.set(command.body, HEADER_BYTES);
      }
      response.payload = command.payload;
      response.setHeader(command.type, command);
      this.#core.reason = command.reason;
      const { queueIndex, queue, chain, request, type, fenced, record } = command;
      this.#send(queueIndex, queue, chain, request, type, fenced, response, record);
      touched[queueIndex] = true;
    });
    if (touched[VIRTIO_GPU_CONTROLQ]) this.#core.host.flush(VIRTIO_GPU_CONTROLQ);
    if (touched[VIRTIO_GPU_CURSORQ]) this.#core.host.flush(VIRTIO_GPU_CURSORQ);
  }

  #send(
    index: number,
    queue: DeviceQueue,
    chain: DescriptorChain,
    request: number,
    type: number,
    fenced: boolean,
    response: GpuResponse,
    record: GpuCommandRecord | null,
  ): void {
    const core = this.#core;
    if (fenced) core.counters.fences++;
    if (type >= VIRTIO_GPU_RESP_ERR_UNSPEC) {
      core.counters.errors++;
      // An error has no payload, whatever the command had begun to fill in.
      response.lengthBytes = HEADER_BYTES;
      response.payload = null;
    }
    const silent = index === VIRTIO_GPU_CURSORQ && core.policy.cursorResponse === "none";
    const written = silent ? 0 : response.write(chain);
    if (type >= VIRTIO_GPU_RESP_ERR_UNSPEC) this.#traceRefusal(request, type);
    queue.push(chain, written);
    if (record === null) return;
    record.responseType = type;
    record.response = gpuResponseName(type);
    record.writtenBytes = written;
    record.reason = type >= VIRTIO_GPU_RESP_ERR_UNSPEC ? core.reason : "";
    core.options.onCommand?.(record);
    core.host.sync();
  }

  #traceRefusal(request: number, type: number): void {
    const { trace } = this.#core.host;
    if (trace === null) return;
    trace({
      source: "gpu",
      kind: "command-refused",
      detail: {
        command: gpuCommandName(request),
        response: gpuResponseName(type),
        reason: this.#core.reason,
      },
    });
  }

  /** The queue is closed: its commands are forgotten. What back ends do for them goes on. */
  queueReset(index: number): void {
    this.#late.queueReset(index);
    this.#fences.forgetQueue(index);
    // Fences that waited for one of the forgotten commands are reached now.
    this.#release();
  }

  reset(): void {
    this.#fences.clear();
    this.#late.reset();
  }
}
