/** What the driver asks the device when it binds, and when the device says that a display changed. */
import {
  VIRTIO_GPU_CONFIG,
  VIRTIO_GPU_DISPLAY_ONE,
  VIRTIO_GPU_EVENT_DISPLAY,
  VIRTIO_GPU_RECT,
  VIRTIO_GPU_RESP_CAPSET_INFO,
  VIRTIO_GPU_RESP_DISPLAY_INFO,
  VIRTIO_GPU_RESP_EDID,
} from "../../../wire/gpu.ts";
import { readEdid } from "../objects/edid-modes.ts";
import type { Connector } from "../objects/mode-objects.ts";
import { type Task, waitFor } from "../time/tasks.ts";
import type { VirtioGpu } from "./virtio-gpu.ts";

/** How long the driver waits for the device when it binds. */
const PROBE_WAIT_MS = 5000;
const MAX_CAPSET_ID = 63;

/** A capability set that the device has. */
export interface KmsCapset {
  readonly id: number;
  readonly maxVersion: number;
  readonly maxSizeBytes: number;
}

/** The questions of the driver, and what it makes of the answers. */
export class Prober {
  readonly #gpu: VirtioGpu;
  readonly #connectors: readonly Connector[];
  readonly #onAnswer: () => void;
  /** GET_DISPLAY_INFO is under way. */
  #displayInfoPending = false;
  capsets: KmsCapset[] = [];
  #eventQueued = false;
  #eventRunning = false;

  /** `onAnswer` is called when the device has said what is connected. */
  constructor(gpu: VirtioGpu, connectors: readonly Connector[], onAnswer: () => void) {
    this.#gpu = gpu;
    this.#connectors = connectors;
    this.#onAnswer = onAnswer;
  }

  /** When the driver binds. A device that does not answer in time is driven all the same. */
  *probe(): Task<void> {
    const gpu = this.#gpu;
    yield* this.#readCapsets();
    if (gpu.scanouts === 0) return;
    yield* this.#ask();
    const outcome = yield* this.#awaitDisplayInfo();
    if (outcome === "timeout") gpu.say("probe-timeout", { what: "display info" });
  }

  *#readCapsets(): Task<void> {
    const gpu = this.#gpu;
    const found: KmsCapset[] = [];
    for (let index = 0; index < gpu.capsets; index++) {
      let capset: KmsCapset = { id: 0, maxVersion: 0, maxSizeBytes: 0 };
      if (!gpu.hasRoom()) yield* gpu.waitForRoom();
      gpu.control.prepare(null, null, ({ bytes }) => {
        capset = decodeCapset(bytes);
      });
      gpu.requests.getCapsetInfo(index);
      gpu.notify();
      const outcome = yield* waitFor(
        gpu.clock,
        () => capset.id > 0,
        PROBE_WAIT_MS,
        `capability set ${index}`,
      );
      if (outcome === "timeout" || capset.id > MAX_CAPSET_ID) {
        gpu.say(outcome === "timeout" ? "probe-timeout" : "invalid-capset", { what: `capset ${index}` });
        return;
      }
      found.push(capset);
    }
    this.capsets = found;
  }

  /** GET_EDID of every scanout, GET_DISPLAY_INFO, one notification. */
  *#ask(): Task<void> {
    const gpu = this.#gpu;
    if (gpu.hasEdid) {
      for (const connector of this.#connectors) {
        if (!gpu.hasRoom()) yield* gpu.waitForRoom();
        gpu.control.prepare(null, null, ({ bytes }) => {
          connector.edid = decodeEdid(bytes);
        });
        gpu.requests.getEdid(connector.index);
      }
    }
    if (!gpu.hasRoom()) yield* gpu.waitForRoom();
    this.#displayInfoPending = true;
    gpu.control.prepare(null, null, ({ bytes }) => this.#takeDisplayInfo(bytes));
    gpu.requests.getDisplayInfo();
    gpu.notify();
  }

  #awaitDisplayInfo() {
    return waitFor(this.#gpu.clock, () => !this.#displayInfoPending, PROBE_WAIT_MS, "display info");
  }

  /** Whatever the answer is: an error reads as displays that are off. */
  #takeDisplayInfo(bytes: Uint8Array<ArrayBuffer>): void {
    const view = new DataView(bytes.buffer);
    for (const connector of this.#connectors) {
      const at = VIRTIO_GPU_RESP_DISPLAY_INFO.pmodes + connector.index * VIRTIO_GPU_DISPLAY_ONE.sizeBytes;
      const rect = at + VIRTIO_GPU_DISPLAY_ONE.r;
      connector.info = {
        enabled: view.getUint32(at + VIRTIO_GPU_DISPLAY_ONE.enabled, true) !== 0,
        x: view.getUint32(rect + VIRTIO_GPU_RECT.x, true),
        y: view.getUint32(rect + VIRTIO_GPU_RECT.y, true),
        width: view.getUint32(rect + VIRTIO_GPU_RECT.width, true),
        height: view.getUint32(rect + VIRTIO_GPU_RECT.height, true),
      };
    }
    this.#displayInfoPending = false;
    if (!this.#gpu.profile.eventWaitsForAnswer) this.#onAnswer();
  }

  // Events

  /** The configuration changed: looks, in the background, whether a display did. */
  configChanged(): void {
    if (this.#eventQueued) return;
    this.#eventQueued = true;
    if (!this.#eventRunning) this.#gpu.scheduler.start(this.#handleEvents());
  }

  *#handleEvents(): Task<void> {
    this.#eventRunning = true;
    try {
      while (this.#eventQueued) {
        this.#eventQueued = false;
        yield* this.#handleEvent();
      }
    } finally {
      this.#eventRunning = false;
    }
  }

  *#handleEvent(): Task<void> {
    const gpu = this.#gpu;
    const { driver } = gpu;
    const events = driver.readConfigTogether(() => driver.readConfig32(VIRTIO_GPU_CONFIG.events_read));
    let clear = 0;
    if ((events & VIRTIO_GPU_EVENT_DISPLAY) !== 0) {
      clear = VIRTIO_GPU_EVENT_DISPLAY;
      if (gpu.scanouts > 0) {
        yield* this.#ask();
        if (gpu.profile.eventWaitsForAnswer) {
          yield* this.#awaitDisplayInfo();
          this.#onAnswer();
        }
      }
    }
    driver.writeConfig(VIRTIO_GPU_CONFIG.events_clear, 4, clear);
  }
}

function decodeEdid(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
  const size = new DataView(bytes.buffer).getUint32(VIRTIO_GPU_RESP_EDID.size, true);
  return readEdid(bytes.subarray(VIRTIO_GPU_RESP_EDID.edid).subarray(0, size));
}

function decodeCapset(bytes: Uint8Array<ArrayBuffer>): KmsCapset {
  const view = new DataView(bytes.buffer);
  return {
    id: view.getUint32(VIRTIO_GPU_RESP_CAPSET_INFO.capset_id, true),
    maxVersion: view.getUint32(VIRTIO_GPU_RESP_CAPSET_INFO.capset_max_version, true),
    maxSizeBytes: view.getUint32(VIRTIO_GPU_RESP_CAPSET_INFO.capset_max_size, true),
  };
}
