import { TRANSITIONAL_BALLOON_MODEL } from "./balloon.ts";
import { GPU_MODEL } from "./gpu.ts";
import type { DeviceModel } from "./model.ts";
import { RNG_MODEL, TRANSITIONAL_RNG_MODEL } from "./rng.ts";

export { TRANSITIONAL_BALLOON_MODEL } from "./balloon.ts";
export { CONTROLQ, CURSORQ, GPU_MODEL } from "./gpu.ts";
export type { ConfigField, DeviceModel, Exchange, ModelFeature } from "./model.ts";
export { RNG_MODEL, TRANSITIONAL_RNG_MODEL } from "./rng.ts";

/** The models the kit brings along. */
export const DEVICE_MODELS: readonly DeviceModel[] = [
  GPU_MODEL,
  RNG_MODEL,
  TRANSITIONAL_RNG_MODEL,
  TRANSITIONAL_BALLOON_MODEL,
];
