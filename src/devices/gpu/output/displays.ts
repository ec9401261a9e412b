import { decodeBase64Into, encodeBase64 } from "../../../base/base64.ts";
import { VirtioUsageError } from "../../../base/errors.ts";
import { checkOptions, withDefaults } from "../../../base/options.ts";
import type { PlainValue } from "../../../device/device-type.ts";
import { inside, misfit } from "../../../device/state/schema.ts";
import {
  VIRTIO_GPU_DISPLAY_ONE,
  VIRTIO_GPU_EDID_MAX_BYTES,
  VIRTIO_GPU_MAX_SCANOUTS,
  VIRTIO_GPU_RECT,
  VIRTIO_GPU_RESP_DISPLAY_INFO,
} from "../../../wire/gpu.ts";
import { DISPLAY_RULES, type DisplayConfig } from "../options.ts";
import type { GpuResponse } from "../protocol.ts";
import type { SavedDisplay } from "../saved-state.ts";
import { createEdid, EDID_MAX_PIXELS, type EdidOptions } from "./edid.ts";

const DEFAULT_WIDTH_PIXELS = 1280;
const DEFAULT_HEIGHT_PIXELS = 800;

/** One display as it is now. */
export interface DisplayState {
  readonly enabled: boolean;
  readonly x: number;
  readonly y: number;
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly edid: Uint8Array;
}

/** How the displays are connected: what GET_DISPLAY_INFO and GET_EDID tell the driver. */
export class DisplaySettings {
  // As the embedder wants them; while the device is suspended the driver does not see it yet.
  readonly #configs: DisplayConfig[];
  readonly #wanted: DisplayState[];
  /** As the driver sees them. */
  readonly #states: DisplayState[];

  /** Throws {@link VirtioUsageError} when there are not 1 to 16 displays or one of them is impossible. */
  constructor(configs: readonly DisplayConfig[] | undefined, count: number | undefined) {
    const given = configs ?? [{}];
    const total = count ?? given.length;
    if (!Number.isInteger(total) || total < 1 || total > VIRTIO_GPU_MAX_SCANOUTS || total < given.length) {
      throw new VirtioUsageError(
        `${total} scanouts for ${given.length} displays: there must be 1 to ${VIRTIO_GPU_MAX_SCANOUTS}, one a display`,
      );
    }
    this.#configs = Array.from({ length: total }, (_, i) => given[i] ?? { enabled: false });
    this.#wanted = this.#configs.map(completeDisplay);
    this.#states = [...this.#wanted];
  }

  get count(): number {
    return this.#states.length;
  }

  get(index: number): DisplayState | null {
    return this.#states[index] ?? null;
  }

  /**
   * Changes some settings of a display. Returns a function that shows the change to the driver, or null when nothing changes.
   * Throws {@link VirtioUsageError} when there is no such display or a setting is impossible.
   */
  prepare(index: number, changes: DisplayConfig): (() => void) | null {
    checkOptions(`setDisplay(${index})`, changes, DISPLAY_RULES);
    const config = this.#configs[index];
    if (config === undefined) {
      throw new VirtioUsageError(`there is no display ${index}; the device has ${this.count} scanouts`);
    }
    const next = withDefaults(config, changes);
    const state = completeDisplay(next);
    if (sameState(state, this.#wanted[index] as DisplayState)) return null;
    this.#configs[index] = next;
    this.#wanted[index] = state;
    return () => {
      this.#states[index] = state;
    };
  }

  /** What the driver is told, as plain values. */
  save(): PlainValue {
    return this.#states.map(({ edid, ...state }) => ({ ...state, edid: encodeBase64(edid) }));
  }

  /** True when the saved driver was told the same. Throws {@link SavedStateError} for an EDID that is not base64. */
  areAs(saved: readonly SavedDisplay[]): boolean {
    let same = true;
    for (const [i, display] of saved.entries()) {
      const edid = inside(i, () => readEdid(display.edid));
      if (!sameState({ ...display, edid }, this.#states[i] as DisplayState)) same = false;
    }
    return same;
  }

  /** Writes virtio_gpu_resp_display_info; of a `disabled` display its size, or zeros. */
  describe(response: GpuResponse, disabled: "size" | "zeros"): void {
    response.begin(VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes);
    for (const [i, state] of this.#states.entries()) {
      if (!state.enabled && disabled === "zeros") continue;
      const at = VIRTIO_GPU_RESP_DISPLAY_INFO.pmodes + i * VIRTIO_GPU_DISPLAY_ONE.sizeBytes;
      const rect = at + VIRTIO_GPU_DISPLAY_ONE.r;
      response.setU32(rect + VIRTIO_GPU_RECT.x, state.x);
      response.setU32(rect + VIRTIO_GPU_RECT.y, state.y);
      response.setU32(rect + VIRTIO_GPU_RECT.width, state.widthPixels);
      response.setU32(rect + VIRTIO_GPU_RECT.height, state.heightPixels);
      response.setU32(at + VIRTIO_GPU_DISPLAY_ONE.enabled, state.enabled ? 1 : 0);
    }
  }
}

function readEdid(text: string): Uint8Array {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const edid = new Uint8Array(Math.max(0, Math.floor(text.length / 4) * 3 - padding));
  if (!decodeBase64Into(text, edid)) misfit("edid", "is not base64");
  return edid;
}

function completeDisplay(config: DisplayConfig): DisplayState {
  const { enabled = true, x = 0, y = 0 } = config;
  const { widthPixels = DEFAULT_WIDTH_PIXELS, heightPixels = DEFAULT_HEIGHT_PIXELS } = config;
  if (!isU32(x) || !isU32(y)) throw new VirtioUsageError(`a display can't be at ${x}, ${y}`);
  // An EDID of the embedder's own says nothing about the size that GET_DISPLAY_INFO tells.
  checkSide("widthPixels", widthPixels);
  checkSide("heightPixels", heightPixels);
  const edid = config.edid ?? createEdid(edidOptions(config, widthPixels, heightPixels));
  if (edid.length > VIRTIO_GPU_EDID_MAX_BYTES) {
    throw new VirtioUsageError(`an EDID of ${edid.length} bytes; at most ${VIRTIO_GPU_EDID_MAX_BYTES} fit`);
  }
  return { enabled, x, y, widthPixels, heightPixels, edid: edid.slice() };
}

function checkSide(name: string, pixels: number): void {
  if (!Number.isInteger(pixels) || pixels < 1 || pixels > EDID_MAX_PIXELS) {
    throw new VirtioUsageError(
      `${name} of a display is ${pixels}, not an integer from 1 to ${EDID_MAX_PIXELS}`,
    );
  }
}

function edidOptions(config: DisplayConfig, widthPixels: number, heightPixels: number): EdidOptions {
  const { refreshHz, name, vendor, serial, widthMm, heightMm, maxWidthPixels, maxHeightPixels } = config;
  return {
    widthPixels,
    heightPixels,
    ...(maxWidthPixels !== undefined && { maxWidthPixels }),
    ...(maxHeightPixels !== undefined && { maxHeightPixels }),
    ...(refreshHz !== undefined && { refreshHz }),
    ...(name !== undefined && { name }),
    ...(vendor !== undefined && { vendor }),
    ...(serial !== undefined && { serial }),
    ...(widthMm !== undefined && { widthMm }),
    ...(heightMm !== undefined && { heightMm }),
  };
}

function sameState(a: DisplayState, b: DisplayState): boolean {
  return (
    a.enabled === b.enabled &&
    a.x === b.x &&
    a.y === b.y &&
    a.widthPixels === b.widthPixels &&
    a.heightPixels === b.heightPixels &&
    a.edid.length === b.edid.length &&
    a.edid.every((byte, i) => byte === b.edid[i])
  );
}

function isU32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}
