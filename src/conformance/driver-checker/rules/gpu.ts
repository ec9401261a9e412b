import { VIRTIO_ID_GPU } from "../../../wire/common.ts";
import * as gpu from "../../../wire/gpu.ts";
import { gpuCommandName, gpuResponseName } from "../../../wire/gpu-names.ts";
import { chainBytes, type WatchedChain } from "../chain.ts";
import type { QueueView } from "../device-view.ts";
import type { DriverEvent } from "../events.ts";
import { registerEvidence, toHex } from "../violation.ts";
import {
  field32,
  field64,
  type GpuCommand,
  type GpuCommandsInFlight,
  type GpuResource,
  MOST_GPU_OBJECTS,
  readGpuCommand,
} from "./gpu-state.ts";
import type { Rule, RuleContext } from "./rule.ts";

/** As much of a request as the rules look at. */
const MOST_REQUEST_BYTES = 256;
/** Control requests after which a display event counts as ignored. */
const EVENT_PATIENCE = 64;
const FORMATS: ReadonlySet<number> = new Set([
  gpu.VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  gpu.VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  gpu.VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM,
  gpu.VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM,
  gpu.VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM,
  gpu.VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM,
  gpu.VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM,
  gpu.VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM,
]);

/** The statements of the area gpu that bind drivers. */
export function gpuRules(context: RuleContext): Rule {
  return new GpuRules(context);
}

class GpuRules implements Rule {
  readonly #context: RuleContext;
  readonly #resources = new Map<number, GpuResource>();
  readonly #contexts = new Set<number>();
  #inFlight: GpuCommandsInFlight = new Map();
  #commands = 0;
  /** Highest number of a fenced request that was answered. */
  #settled = -1;
  /** Fields of the configuration space as the driver last read them; -1 when it did not. */
  #numCapsets = -1;
  #blobAlignment = -1;
  /** Control requests since the driver saw a display event; -1 when none is open. */
  #sinceEvent = -1;
  #askedDisplays = false;
  #askedEdid = false;

  constructor(context: RuleContext) {
    this.#context = context;
  }

  get #isGpu(): boolean {
    return this.#context.view.deviceId === VIRTIO_ID_GPU;
  }

  event(event: DriverEvent): void {
    if (!this.#isGpu) return;
    switch (event.kind) {
      case "status-write":
        if (event.value === 0) this.#reset();
        break;
      case "config-read":
        if (event.widthBytes === 4) this.#configRead(event.offset, event.value);
        break;
      case "config-write":
        if (event.offset < gpu.VIRTIO_GPU_CONFIG.events_read + 4) {
          this.#context.report("gpu.prose.device-configuration-fields.1", -1, "events_read was written", [
            registerEvidence("events_read", event.value),
          ]);
        }
        break;
      default:
        break;
    }
  }

  #reset(): void {
    this.#endEvent();
    this.#resources.clear();
    this.#contexts.clear();
    this.#inFlight = new Map();
    this.#settled = -1;
  }

  finish(): void {
    if (this.#isGpu) this.#endEvent();
  }

  #configRead(offset: number, value: number): void {
    const { events_read, num_capsets, blob_alignment } = gpu.VIRTIO_GPU_CONFIG;
    if (offset === num_capsets) this.#numCapsets = value;
    else if (offset === blob_alignment) this.#blobAlignment = value;
    else if (offset === events_read && (value & gpu.VIRTIO_GPU_EVENT_DISPLAY) !== 0 && this.#sinceEvent < 0) {
      this.#sinceEvent = 0;
      this.#askedDisplays = false;
      this.#askedEdid = false;
    }
  }

  // Display events

  #noteForEvent(type: number): void {
    if (this.#sinceEvent < 0) return;
    if (type === gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO) this.#askedDisplays = true;
    if (type === gpu.VIRTIO_GPU_CMD_GET_EDID) this.#askedEdid = true;
    if (this.#askedDisplays && (this.#askedEdid || !this.#hasEdid)) this.#sinceEvent = -1;
    else if (++this.#sinceEvent > EVENT_PATIENCE) this.#endEvent();
  }

  get #hasEdid(): boolean {
    return this.#context.view.hasFeature(gpu.VIRTIO_GPU_F_EDID);
  }

  /** An event that the driver saw and did not act upon, if it had the time to. */
  #endEvent(): void {
    const open = this.#sinceEvent >= 0 && this.#context.view.live;
    this.#sinceEvent = -1;
    if (!open) return;
    const { report } = this.#context;
    if (!this.#askedDisplays) {
      const message =
        "a display event was seen in events_read, and no VIRTIO_GPU_CMD_GET_DISPLAY_INFO followed";
      report("gpu.prose.events.1", -1, message, [], "display-event");
    }
    if (!this.#askedEdid && this.#hasEdid) {
      const message = "a display event was seen in events_read, and no VIRTIO_GPU_CMD_GET_EDID followed";
      report("gpu.prose.events.2", -1, message, [], "display-event");
    }
  }

  // Requests

  available(queue: QueueView, chain: WatchedChain): void {
    if (!this.#isGpu || chain.incomplete || queue.index > gpu.VIRTIO_GPU_CURSORQ) return;
    const bytes = chainBytes(this.#context.memory, chain, false, MOST_REQUEST_BYTES);
    const command = bytes === null ? null : readGpuCommand(bytes, this.#commands++);
    if (command === null) return;
    if (this.#inFlight.size < MOST_GPU_OBJECTS) this.#inFlight.set(chain, command);
    if (queue.index === gpu.VIRTIO_GPU_CURSORQ) {
      this.#cursor(command, chain);
    } else {
      this.#control(command, chain);
      this.#noteForEvent(command.type);
    }
  }

  #report(clause: string, chain: WatchedChain, command: GpuCommand, message: string): void {
    this.#context.report(`gpu.${clause}`, chain.queue, message, [
      { what: "request", address: chain.elements[0]?.address ?? null, after: toHex(command.bytes) },
    ]);
  }

  #control(command: GpuCommand, chain: WatchedChain): void {
    const { bytes, resourceId } = command;
    const resource = this.#resources.get(resourceId);
    switch (command.type) {
      case gpu.VIRTIO_GPU_CMD_RESOURCE_CREATE_2D: {
        const at = gpu.VIRTIO_GPU_RESOURCE_CREATE_2D;
        this.#create(resourceId, field32(bytes, at.width), field32(bytes, at.height), -1);
        break;
      }
      case gpu.VIRTIO_GPU_CMD_RESOURCE_CREATE_3D: {
        const at = gpu.VIRTIO_GPU_RESOURCE_CREATE_3D;
        this.#create(resourceId, field32(bytes, at.width), field32(bytes, at.height), -1);
        break;
      }
      case gpu.VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
        this.#createBlob(command, chain);
        break;
      case gpu.VIRTIO_GPU_CMD_RESOURCE_UNREF:
        this.#resources.delete(resourceId);
        break;
      case gpu.VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
        if (resource !== undefined) resource.backed = true;
        break;
      case gpu.VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING:
        if (resource !== undefined) resource.backed = false;
        break;
      case gpu.VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
        this.#transfer(field32(bytes, gpu.VIRTIO_GPU_TRANSFER_TO_HOST_2D.resource_id), command);
        break;
      case gpu.VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
        this.#transfer(field32(bytes, gpu.VIRTIO_GPU_TRANSFER_HOST_3D.resource_id), command);
        break;
      case gpu.VIRTIO_GPU_CMD_CTX_CREATE:
        if (this.#contexts.size < MOST_GPU_OBJECTS) this.#contexts.add(command.contextId);
        break;
      case gpu.VIRTIO_GPU_CMD_CTX_DESTROY:
        this.#contexts.delete(command.contextId);
        break;
      case gpu.VIRTIO_GPU_CMD_GET_CAPSET_INFO:
        this.#capset(command, chain);
        break;
      case gpu.VIRTIO_GPU_CMD_SET_SCANOUT_BLOB: {
        const format = field32(bytes, gpu.VIRTIO_GPU_SET_SCANOUT_BLOB.format);
        if (resourceIdOfScanout(command) !== 0 && !FORMATS.has(format)) {
          const message = `SET_SCANOUT_BLOB with format ${format}, which is none of enum virtio_gpu_formats`;
          this.#report("prose.device-operation-controlq.6", chain, command, message);
        }
        break;
      }
      case gpu.VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID:
        this.#share(resource, command, chain);
        break;
      case gpu.VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB:
        this.#map(resource, command, chain);
        break;
      case gpu.VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB:
        if (resource !== undefined) resource.mapped = false;
        break;
      default:
        break;
    }
  }

  #create(id: number, width: number, height: number, blobFlags: number): void {
    if (this.#resources.size >= MOST_GPU_OBJECTS || this.#resources.has(id)) return;
    this.#resources.set(id, {
      width,
      height,
      blob: blobFlags >= 0,
      blobFlags: Math.max(0, blobFlags),
      backed: false,
      mapped: false,
      transfer: -1,
      transferDone: false,
    });
  }

  #transfer(id: number, command: GpuCommand): void {
    const resource = this.#resources.get(id);
    if (resource === undefined) return;
    resource.transfer = command.number;
    resource.transferDone = false;
  }

  #capset(command: GpuCommand, chain: WatchedChain): void {
    const index = field32(command.bytes, gpu.VIRTIO_GPU_GET_CAPSET_INFO.capset_index);
    if (this.#numCapsets < 0 || index < this.#numCapsets) return;
    const message = `GET_CAPSET_INFO with index ${index} of a device with ${this.#numCapsets} capability sets`;
    this.#report("prose.device-operation-controlq.1", chain, command, message);
  }

  // Blobs

  /** The alignment blobs have to have; 1 when there is none. */
  get #alignment(): number {
    const negotiated = this.#context.view.hasFeature(gpu.VIRTIO_GPU_F_BLOB_ALIGNMENT);
    return negotiated && this.#blobAlignment > 0 ? this.#blobAlignment : 1;
  }

  #createBlob(command: GpuCommand, chain: WatchedChain): void {
    const at = gpu.VIRTIO_GPU_RESOURCE_CREATE_BLOB;
    const { bytes, contextId, resourceId } = command;
    const kind = field32(bytes, at.blob_mem);
    const size = field64(bytes, at.size);
    if (kind === 0 || kind > gpu.VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST) {
      const message = `RESOURCE_CREATE_BLOB with blob_mem ${kind}`;
      this.#report("prose.device-operation-controlq.3", chain, command, message);
    }
    const onHost = kind === gpu.VIRTIO_GPU_BLOB_MEM_HOST3D || kind === gpu.VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST;
    if (onHost && !this.#contexts.has(contextId)) {
      const message = `RESOURCE_CREATE_BLOB in host memory for context ${contextId}, which does not exist`;
      this.#report("prose.device-operation-controlq.4", chain, command, message);
    }
    if (size % this.#alignment !== 0) {
      const message = `RESOURCE_CREATE_BLOB of ${size} bytes, not a multiple of ${this.#alignment}`;
      this.#report("driver.device-operation-controlq.1", chain, command, message);
    }
    this.#create(resourceId, 0, 0, field32(bytes, at.blob_flags));
  }

  #share(resource: GpuResource | undefined, command: GpuCommand, chain: WatchedChain): void {
    const wanted = gpu.VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE | gpu.VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE;
    if (resource === undefined || !resource.blob || (resource.blobFlags & wanted) !== 0) return;
    const message = `RESOURCE_ASSIGN_UUID for blob ${command.resourceId}, made without a flag for sharing`;
    this.#report("prose.device-operation-controlq.5", chain, command, message);
  }

  #map(resource: GpuResource | undefined, command: GpuCommand, chain: WatchedChain): void {
    const offset = field64(command.bytes, gpu.VIRTIO_GPU_RESOURCE_MAP_BLOB.offset);
    if (offset % this.#alignment !== 0) {
      const message = `RESOURCE_MAP_BLOB at offset ${offset}, not a multiple of ${this.#alignment}`;
      this.#report("driver.device-operation-controlq-3d.1", chain, command, message);
    }
    if (resource === undefined || !resource.blob) return;
    if ((resource.blobFlags & gpu.VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE) === 0) {
      const message = `RESOURCE_MAP_BLOB for blob ${command.resourceId}, made without USE_MAPPABLE`;
      this.#report("prose.device-operation-controlq.5", chain, command, message);
    }
    if (resource.mapped) {
      const message = `RESOURCE_MAP_BLOB for blob ${command.resourceId}, which is mapped already`;
      this.#report("prose.device-operation-controlq-3d.4", chain, command, message);
    }
    resource.mapped = true;
  }

  // The cursor

  #cursor(command: GpuCommand, chain: WatchedChain): void {
    if (command.type !== gpu.VIRTIO_GPU_CMD_UPDATE_CURSOR) return;
    const id = field32(command.bytes, gpu.VIRTIO_GPU_UPDATE_CURSOR.resource_id);
    if (id === 0) return;
    const wrong = this.#cursorFault(this.#resources.get(id));
    if (wrong === null) return;
    const message = `UPDATE_CURSOR with resource ${id}, ${wrong}`;
    this.#report("prose.device-operation-configure-mouse-cursor.1", chain, command, message);
  }

  #cursorFault(resource: GpuResource | undefined): string | null {
    if (resource === undefined) return "which does not exist";
    // The guest's memory is the picture of a blob: it has no size of its own, and nothing is transferred.
    if (resource.blob) return null;
    const { width, height } = resource;
    if (width !== gpu.VIRTIO_GPU_CURSOR_SIZE || height !== gpu.VIRTIO_GPU_CURSOR_SIZE) {
      return `of ${width} × ${height} pixels`;
    }
    if (resource.transfer < 0)
      return resource.backed ? "which was never transferred" : "which has no backing";
    if (!resource.transferDone) return "whose transfer is not complete";
    return this.#settled < resource.transfer ? "whose transfer was not waited for with a fence" : null;
  }

  // Responses

  used(_queue: QueueView, chain: WatchedChain, writtenBytes: number): void {
    const command = this.#inFlight.get(chain);
    if (command === undefined) return;
    this.#inFlight.delete(chain);
    const size = Math.min(writtenBytes, gpu.VIRTIO_GPU_CTRL_HDR.sizeBytes);
    const bytes = chainBytes(this.#context.memory, chain, true, size);
    const type = bytes === null ? 0 : field32(bytes, gpu.VIRTIO_GPU_CTRL_HDR.type);
    const failed = type >= gpu.VIRTIO_GPU_RESP_ERR_UNSPEC;
    if (command.fenced) this.#settled = Math.max(this.#settled, command.number);
    const resource = this.#resources.get(command.resourceId);
    if (failed) {
      const refused = `the device refused ${gpuCommandName(command.type)} with ${gpuResponseName(type)}`;
      this.#context.hint("command-refused", chain.queue, refused, [
        { what: "request", address: chain.elements[0]?.address ?? null, after: toHex(command.bytes) },
      ]);
      if (command.type === gpu.VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB && resource !== undefined) {
        resource.mapped = false;
      }
      return;
    }
    for (const candidate of this.#transferred(command)) candidate.transferDone = true;
  }

  #transferred(command: GpuCommand): GpuResource[] {
    const { type, bytes, number } = command;
    const at =
      type === gpu.VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D
        ? gpu.VIRTIO_GPU_TRANSFER_TO_HOST_2D.resource_id
        : type === gpu.VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D
          ? gpu.VIRTIO_GPU_TRANSFER_HOST_3D.resource_id
          : -1;
    const resource = at < 0 ? undefined : this.#resources.get(field32(bytes, at));
    return resource !== undefined && resource.transfer === number ? [resource] : [];
  }
}

function resourceIdOfScanout(command: GpuCommand): number {
  return field32(command.bytes, gpu.VIRTIO_GPU_SET_SCANOUT_BLOB.resource_id);
}
