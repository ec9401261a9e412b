import { VirtioUsageError } from "../../base/errors.ts";
import { checkOptions, type OptionRules } from "../../base/options.ts";
import { SHARED_OBJECTS_RULE, type SharedObjectRegistry } from "../../device/shared-objects.ts";
import type { VdmabufBuffer } from "./buffer.ts";
import type { VdmabufId } from "./id.ts";

/** How the host lost a buffer: it gave it back, or the guest's device was reset or unplugged. */
export type VdmabufReleaseReason = "released" | "reset";

/** Who takes the buffers that guests export: a display, an encoder, a recorder. Injected by the embedder. */
export interface VdmabufImporter {
  /**
   * A guest exported a buffer, which is the host's from now on until `buffer.release()`, now or whenever. An error
   * thrown refuses the buffer: the guest gets VIRTIO_VDMABUF_S_IMPORT. With a promise the guest waits for the answer until
   * it settles, and so does what it sends behind; a rejection refuses the buffer as well.
   */
  onExport(buffer: VdmabufBuffer): void | Promise<void>;
  /** A buffer is gone; its pages must not be used any more. What it throws is traced. */
  onRelease?(buffer: VdmabufBuffer, reason: VdmabufReleaseReason): void | Promise<void>;
}

/** Choices for a {@link VdmabufHost}. */
export interface VdmabufHostOptions {
  /** Without one, buffers wait until they are looked up with {@link VdmabufHost.find}. */
  readonly importer?: VdmabufImporter;
  /** Where other devices find the buffers too, under the 16 bytes of their identifiers. Default: nowhere. */
  readonly sharedObjects?: SharedObjectRegistry;
}

const RULES: OptionRules<VdmabufHostOptions> = {
  importer: { like: "a VdmabufImporter", has: ["onExport"] },
  sharedObjects: SHARED_OBJECTS_RULE,
};

/**
 * A device, as far as its host is concerned.
 *
 * @internal
 */
export interface VdmabufVm {
  buffer(counter: number): VdmabufBuffer | null;
  readonly heldBuffers: Iterable<VdmabufBuffer>;
}

const MAX_VM_ID = 0xffffffff;

/**
 * The importing side of all VMs of one host: which ids they have, and what they exported. Give the same host to the
 * devices of several VMs, so that no two have the same id.
 *
 * @example
 * ```ts
 * const host = new VdmabufHost({ importer: { onExport: (buffer) => show(buffer) } });
 * const first = new VirtioDevice(new VdmabufDevice({ host }), { memory: memoryOfFirstVm });
 * const second = new VirtioDevice(new VdmabufDevice({ host }), { memory: memoryOfSecondVm });
 * ```
 */
export class VdmabufHost {
  readonly importer: VdmabufImporter | null;
  readonly sharedObjects: SharedObjectRegistry | null;
  readonly #vms = new Map<number, VdmabufVm>();

  constructor(options: VdmabufHostOptions = {}) {
    checkOptions("VdmabufHost", options, RULES);
    this.importer = options.importer ?? null;
    this.sharedObjects = options.sharedObjects ?? null;
  }

  /** Ids of the VMs there are. */
  get vmIds(): readonly number[] {
    return [...this.#vms.keys()];
  }

  /** Every buffer that the host holds. */
  *buffers(): Generator<VdmabufBuffer, void> {
    for (const vm of this.#vms.values()) yield* vm.heldBuffers;
  }

  /** Looks up a buffer that the host holds; null when there is none, or when one of the keys is another. */
  find(id: VdmabufId): VdmabufBuffer | null {
    const buffer = this.#vms.get(id.vmId)?.buffer(id.counter) ?? null;
    if (buffer === null || buffer.id.key0 !== id.key0 || buffer.id.key1 !== id.key1) return null;
    return buffer;
  }

  /** @internal Enters a VM under an id, or under the first free one; throws when the id is taken or none. */
  enter(vm: VdmabufVm, wanted: number | undefined): number {
    let vmId = wanted ?? 1;
    if (wanted === undefined) while (this.#vms.has(vmId)) vmId++;
    if (!Number.isInteger(vmId) || vmId < 1 || vmId > MAX_VM_ID) {
      throw new VirtioUsageError(`VM id ${vmId} is not a whole number in 1 … ${MAX_VM_ID}`);
    }
    if (this.#vms.has(vmId)) throw new VirtioUsageError(`there is already a VM ${vmId} on this vdmabuf host`);
    this.#vms.set(vmId, vm);
    return vmId;
  }

  /** @internal */
  leave(vm: VdmabufVm, vmId: number): void {
    // The id may be another's by now: a device may be unplugged twice.
    if (this.#vms.get(vmId) === vm) this.#vms.delete(vmId);
  }
}
