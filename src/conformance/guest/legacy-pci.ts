import { VIRTIO_CONFIG_S_ACKNOWLEDGE, VIRTIO_CONFIG_S_DRIVER } from "../../wire/common.ts";
import {
  VIRTIO_PCI_LEGACY_CFG,
  VIRTIO_PCI_QUEUE_ADDR_SHIFT,
  VIRTIO_PCI_VRING_ALIGN,
  virtio_pci_legacy_cfg,
} from "../../wire/pci.ts";
import { fieldsOf } from "../../wire/schema.ts";
import { descTableBytes, legacyQueueBytes, legacyUsedOffset } from "../../wire/split-ring.ts";
import type { AccessWidth } from "../device-under-test.ts";
import { CaseFailure } from "../verdicts.ts";
import type { Answer, Guest } from "./guest.ts";
import type { Element } from "./ring.ts";
import { SplitRing } from "./split-ring.ts";

/** A register of the legacy header. */
export type LegacyRegister = keyof Omit<typeof VIRTIO_PCI_LEGACY_CFG, "sizeBytes">;

const BAR = 0;

/**
 * Length of the legacy header, which MSI-X makes longer.
 *
 * @example
 * ```ts
 * legacyHeaderBytes(false); // 20: the device's own fields begin there
 * ```
 */
export function legacyHeaderBytes(msixEnabled: boolean): number {
  return msixEnabled ? VIRTIO_PCI_LEGACY_CFG.sizeBytes : VIRTIO_PCI_LEGACY_CFG.config_msix_vector;
}

/**
 * A driver of before virtio 1.0: the legacy interface of a transitional PCI device (virtio 1.4, section 4.1.4.10).
 *
 * @example
 * ```ts
 * const legacy = new LegacyPci(t.guest);
 * await legacy.negotiate();
 * const ring = await legacy.addQueue(0);
 * await legacy.kick(ring);
 * ```
 */
export class LegacyPci {
  readonly guest: Guest;

  constructor(guest: Guest) {
    this.guest = guest;
  }

  /** Reads any bytes of the legacy region. */
  async in(offset: number, widthBytes: AccessWidth): Promise<number> {
    return this.guest.pci.raw.barRead(BAR, offset, widthBytes);
  }

  /** Writes any bytes of the legacy region. */
  async out(offset: number, widthBytes: AccessWidth, value: number): Promise<void> {
    await this.guest.pci.raw.barWrite(BAR, offset, widthBytes, value);
  }

  /** Reads a register. */
  read(register: LegacyRegister): Promise<number> {
    return this.in(VIRTIO_PCI_LEGACY_CFG[register], widthOf(register));
  }

  /** Writes a register. */
  async write(register: LegacyRegister, value: number): Promise<void> {
    this.guest.timeline.add("driver", `legacy ${register} ← 0x${value.toString(16)}`);
    await this.out(VIRTIO_PCI_LEGACY_CFG[register], widthOf(register), value);
  }

  /** The steps up to the features, which are these: ACKNOWLEDGE, DRIVER, and no FEATURES_OK. */
  async negotiate(features: readonly number[] = []): Promise<void> {
    await this.write("device_status", VIRTIO_CONFIG_S_ACKNOWLEDGE);
    await this.write("device_status", VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
    let bits = 0;
    for (const bit of features) bits = (bits | (1 << bit)) >>> 0;
    await this.write("driver_features", bits);
  }

  /** Allocates a queue of the size the device dictates, in the legacy layout, and tells the device where it is. */
  async addQueue(index: number): Promise<SplitRing> {
    await this.write("queue_select", index);
    const size = await this.read("queue_size");
    if (size === 0) throw new CaseFailure(`the device has no legacy queue ${index}`);
    const { arena, model } = this.guest;
    const base = arena.allocate(legacyQueueBytes(size, VIRTIO_PCI_VRING_ALIGN), VIRTIO_PCI_VRING_ALIGN);
    const name = model.queues[index] ?? `queue ${index}`;
    const ring = new SplitRing(arena, index, name, size, {
      descriptors: base,
      driver: base + descTableBytes(size),
      device: base + legacyUsedOffset(size, VIRTIO_PCI_VRING_ALIGN),
    });
    this.guest.rings.set(index, ring);
    await this.write("queue_address", base / 2 ** VIRTIO_PCI_QUEUE_ADDR_SHIFT);
    return ring;
  }

  /** Makes what was placed available and notifies the device. */
  async kick(ring: SplitRing): Promise<void> {
    ring.publish();
    await this.write("queue_notify", ring.index);
  }

  /** Sends the model's probe; returns what is wrong with the answer, null when nothing is. */
  async probe(ring: SplitRing): Promise<string | null> {
    const { guest } = this;
    const probe = guest.model.probe(ring.index);
    const request = guest.place(ring, probe.readable, probe.writableBytes);
    await this.kick(ring);
    const used = await guest.used(ring);
    if (used === null) return "the device does not return the buffer";
    if (used.id !== request.placed.id) return `the device returned id ${used.id}, not ${request.placed.id}`;
    return probe.check(guest.writtenBytes(request), used.lengthBytes);
  }

  /** Sends a chain of elements and waits for its answer. */
  async exchange(ring: SplitRing, elements: readonly Element[]): Promise<Answer> {
    const request = this.guest.placeElements(ring, elements);
    await this.kick(ring);
    return this.guest.answer(request);
  }
}

function widthOf(register: LegacyRegister): AccessWidth {
  const field = fieldsOf(virtio_pci_legacy_cfg).find(({ name }) => name === register);
  return field?.sizeBytes as AccessWidth;
}
