import { atOnce } from "../base/later.ts";
import type { CompleteDeviceType } from "./complete-type.ts";
import type { SavedDevice } from "./state/saved-state.ts";
import type { TypeBorder } from "./type-border.ts";

/** The configuration space as its driver sees it: its version, and what it still shows while the device is suspended. */
export class ConfigSpace {
  readonly #type: CompleteDeviceType;
  readonly #border: TypeBorder;
  #generation = 0;
  #changedSinceRead = false;
  /** What the space of a suspended device goes on showing after it changed; null while it shows the current bytes. */
  #shown: Uint8Array | null = null;

  constructor(type: CompleteDeviceType, border: TypeBorder) {
    this.#type = type;
    this.#border = border;
  }

  /** Value describing the version of the space; the transports show as many bits as they have. */
  get generation(): number {
    return this.#generation;
  }

  /** Reads 1, 2 or 4 bytes, little-endian; bytes beyond the end read as 0. */
  read(offset: number, widthBytes: number): number {
    // The generation moves when a changed space is read, so that no wrap can hide a change.
    // [transport-pci.device.common-configuration-structure-layout.6]
    if (this.#changedSinceRead) {
      this.#changedSinceRead = false;
      this.#generation = (this.#generation + 1) >>> 0;
    }
    const shown = this.#shown;
    let value = 0;
    for (let i = 0; i < widthBytes; i++) {
      const at = offset + i;
      if (at >= this.#type.configLengthBytes) break;
      value |= (shown === null ? this.#border.readConfigByte(at) : (shown[at] as number)) << (8 * i);
    }
    return value >>> 0;
  }

  /** The device changes it. While it is suspended its driver must see nothing of that yet. */
  change(change: () => void, suspended: boolean): void {
    // [content.device.device-suspend.3] [content.device.device-suspend.4]
    if (suspended) {
      this.#shown ??= this.#bytes();
      this.#change(change);
    } else {
      this.#change(change);
      this.#changedSinceRead = true;
    }
  }

  #change(change: () => unknown): void {
    atOnce(change(), "the change of host.changeConfig()", "have all that is new at hand, and change it then");
  }

  /** The device resumes: its driver sees what changed. */
  resume(): void {
    if (this.#shown === null) return;
    this.#shown = null;
    this.#changedSinceRead = true;
  }

  reset(): void {
    this.#shown = null;
  }

  #bytes(): Uint8Array {
    const { configLengthBytes: length } = this.#type;
    return Uint8Array.from({ length }, (_, i) => this.#border.readConfigByte(i));
  }

  save(): Pick<SavedDevice, "configGeneration" | "configChangedSinceRead" | "config" | "shownConfig"> {
    return {
      configGeneration: this.#generation,
      configChangedSinceRead: this.#changedSinceRead,
      config: [...this.#bytes()],
      shownConfig: this.#shown === null ? null : [...this.#shown],
    };
  }

  /**
   * Takes over what was saved, after the device type. True when the space is not as it was, which its driver has to
   * learn.
   */
  restore({
    configGeneration,
    configChangedSinceRead,
    config,
    shownConfig,
    suspended,
  }: SavedDevice): boolean {
    this.#generation = configGeneration;
    this.#changedSinceRead = configChangedSinceRead;
    this.#shown = shownConfig === null ? null : Uint8Array.from(shownConfig);
    if (config === null || this.#bytes().every((byte, i) => byte === config[i])) return false;
    if (suspended) this.#shown ??= Uint8Array.from(config);
    else this.#changedSinceRead = true;
    return true;
  }
}
