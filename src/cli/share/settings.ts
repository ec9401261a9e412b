import type { LinuxProfileName } from "../../driver/kms/index.ts";

/** What a run is made of. */
export interface ShareSettings {
  readonly width: number;
  readonly height: number;
  /** Pictures of each chapter. */
  readonly frames: number;
  /** Offer VIRTIO_GPU_F_RESOURCE_BLOB. */
  readonly blob: boolean;
  /** Implicit synchronisation: showing a buffer waits for drawing into it, and the reverse. */
  readonly sync: boolean;
  /** How the renderer gets at the buffers: by UUID, or by lists of their pages. */
  readonly path: "uuid" | "pages";
  /** Whose behaviour the display driver has. */
  readonly profile: LinuxProfileName;
}

/** Bytes of guest memory for a run: buffers come from twice as many pages. */
export function ramBytesFor({ width, height }: ShareSettings): number {
  return 2 * (1 + FLIP_BUFFERS) * width * height * 4 + (16 << 20);
}

/** Buffers that flip by turns. */
export const FLIP_BUFFERS = 3;
