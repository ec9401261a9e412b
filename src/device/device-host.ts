import type { DmaSpace } from "../memory/dma.ts";
import type { DeviceHost } from "./device-type.ts";

/**
 * What a device type is given. A class, since engines keep a literal with a getter as a dictionary, in which every access
 * is a search, and each request takes several.
 */
export class HostOfType implements DeviceHost {
  readonly memory: DeviceHost["memory"];
  readonly trace: DeviceHost["trace"];
  readonly budget: DeviceHost["budget"];
  readonly hasFeature: DeviceHost["hasFeature"];
  readonly sync: DeviceHost["sync"];
  readonly flush: DeviceHost["flush"];
  readonly kick: DeviceHost["kick"];
  readonly changeConfig: DeviceHost["changeConfig"];
  readonly needsReset: DeviceHost["needsReset"];
  readonly #dma: () => DmaSpace;

  constructor(parts: Omit<DeviceHost, "dma">, dma: () => DmaSpace) {
    this.memory = parts.memory;
    this.trace = parts.trace;
    this.budget = parts.budget;
    this.hasFeature = parts.hasFeature;
    this.sync = parts.sync;
    this.flush = parts.flush;
    this.kick = parts.kick;
    this.changeConfig = parts.changeConfig;
    this.needsReset = parts.needsReset;
    this.#dma = dma;
  }

  get dma(): DmaSpace {
    return this.#dma();
  }
}
