import { runSoon } from "../../../src/base/run-soon.ts";
import type { VirtioDeviceOptions } from "../../../src/device/index.ts";
import { GpuDevice, type GpuDeviceOptions } from "../../../src/devices/gpu/index.ts";
import { DeviceRig, type Sent } from "../../../src/testing/index.ts";
import {
  VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
  VIRTIO_GPU_CMD_RESOURCE_FLUSH,
  VIRTIO_GPU_CMD_SET_SCANOUT,
  VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
  VIRTIO_GPU_CONTROLQ,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
} from "../../../src/wire/index.ts";

/** Responses are as long as the longest that is asked for. */
const RESPONSE_BYTES = 40;

/** Where backing lies, one MiB behind what rings and requests need. */
export const PIXELS_AT = 96 << 20;

export interface StageOptions {
  readonly gpu: GpuDeviceOptions;
  readonly device?: Partial<VirtioDeviceOptions>;
  readonly ringFeatures?: readonly number[];
  /** Buffers a driver can have in the ring. */
  readonly queueSize?: number;
  /** Guest memory from {@link PIXELS_AT} on. */
  readonly pixelBytes?: number;
}

/** A gpu that has turns as it has them in Node, and a driver that fills the ring and waits. */
export class TurnStage {
  readonly gpu: GpuDevice;
  readonly rig: DeviceRig;
  readonly queueSize: number;
  #sent: Sent[] = [];

  constructor({ gpu, device, ringFeatures = [], queueSize = 64, pixelBytes = 16 << 20 }: StageOptions) {
    this.queueSize = queueSize;
    this.gpu = new GpuDevice({ controlQueueSize: queueSize, ...gpu });
    this.rig = new DeviceRig(this.gpu, {
      memoryBytes: PIXELS_AT + pixelBytes,
      queueSize,
      indirect: true,
      ringFeatures,
      // The default of the library, not the rig's.
      device: { schedule: runSoon, ...device },
    });
  }

  /** Puts a request into the ring. */
  offer(type: number, fields: readonly number[], context = 0): void {
    this.#sent.push(this.rig.offer(VIRTIO_GPU_CONTROLQ, [request(type, fields, context)], [RESPONSE_BYTES]));
  }

  notify(): void {
    this.rig.device.notify(VIRTIO_GPU_CONTROLQ);
  }

  /** Whether all that was offered is answered; throws when something was refused. */
  get finished(): boolean {
    for (const sent of this.rig.collect(VIRTIO_GPU_CONTROLQ)) {
      const type = new DataView(this.rig.response(sent).buffer).getUint32(0, true);
      if (type >= VIRTIO_GPU_RESP_ERR_UNSPEC) throw new Error(`the device answered 0x${type.toString(16)}`);
    }
    this.#sent = this.#sent.filter(({ written }) => written < 0);
    return this.#sent.length === 0;
  }

  /** Forgets what is not done yet. */
  close(): void {
    this.rig.device.writeStatus(0);
  }

  /** Sends a request, and waits for the answer. */
  async send(type: number, fields: readonly number[], context = 0): Promise<void> {
    this.offer(type, fields, context);
    await this.settle();
  }

  /** Notifies, and waits for all answers. */
  async settle(): Promise<void> {
    this.notify();
    while (!this.finished) await nextTurn();
  }

  /** A 2D resource whose backing is the same run of memory, as often as it takes. */
  async createOverlapping(
    id: number,
    widthPixels: number,
    heightPixels: number,
    entryBytes: number,
  ): Promise<void> {
    await this.send(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, [
      id,
      VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
      widthPixels,
      heightPixels,
    ]);
    const count = Math.ceil((widthPixels * heightPixels * 4) / entryBytes);
    await this.send(VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, [
      id,
      count,
      ...Array.from({ length: count }, () => [PIXELS_AT, 0, entryBytes, 0]).flat(),
    ]);
  }

  /** A 2D resource on scanout 0. */
  async show(id: number, widthPixels: number, heightPixels: number): Promise<void> {
    await this.send(VIRTIO_GPU_CMD_SET_SCANOUT, [0, 0, widthPixels, heightPixels, 0, id]);
  }

  offerTransfer(id: number, widthPixels: number, heightPixels: number): void {
    this.offer(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, [0, 0, widthPixels, heightPixels, 0, 0, id, 0]);
  }

  offerFlush(id: number, widthPixels: number, heightPixels: number): void {
    this.offer(VIRTIO_GPU_CMD_RESOURCE_FLUSH, [0, 0, widthPixels, heightPixels, id, 0]);
  }
}

function request(type: number, fields: readonly number[], context: number): Uint8Array {
  const bytes = new Uint8Array(24 + 4 * fields.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(16, context, true);
  for (let i = 0; i < fields.length; i++) view.setUint32(24 + 4 * i, fields[i] as number, true);
  return bytes;
}

/** Resolves when everybody else had a turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
