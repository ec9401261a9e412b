import { VirtioUsageError } from "../../../base/errors.ts";
import { VIRTIO_F_ADMIN_VQ, VIRTIO_MSI_NO_VECTOR } from "../../../wire/common.ts";
import {
  PCI_CAP_ID_MSIX,
  PCI_CAP_ID_VNDR,
  PCI_DEVICE_ID,
  PCI_REVISION_ID,
  PCI_SUBSYSTEM_ID,
  VIRTIO_PCI_CAP,
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_VENDOR_CFG,
  VIRTIO_PCI_COMMON_CFG,
  VIRTIO_PCI_DEVICE_ID_BASE,
  VIRTIO_PCI_ISR_CONFIG,
  VIRTIO_PCI_ISR_QUEUE,
} from "../../../wire/pci.ts";
import { transitionalPciId } from "../pci-ids.ts";
import { type CheckedPci, type PciStructure, readPciLayout, structureAt } from "../pci-layout.ts";
import { type PresentedCapability, presentFunction } from "./presented-function.ts";
import type { PciStage } from "./stage.ts";

const DISCOVERY = "transport-pci.driver.pci-device-discovery";
const CAPABILITIES = "transport-pci.driver.virtio-structure-pci-capabilities";
const COMMON_STATEMENTS = "transport-pci.driver.common-configuration-structure-layout";
const MSIX_STATEMENTS = "transport-pci.driver.msi-x-vector-configuration";
const DETECTION = "transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti";
const COMMON = VIRTIO_PCI_COMMON_CFG;

const REGISTER_TYPES = [
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
];
const RESERVED_BAR = 7;
const RESERVED_TYPE = 0x40;
const LOOKS = 3;
/** Room for each structure, and where the second ones lie, in a BAR of a page. */
const LONG = 0x400;
const SECOND = 0x800;
const PAGE = 0x1000;
/** A vendor that no driver knows. */
const NOBODY = 0xfffe;

type Change = (bytes: Uint8Array) => void;

function put32(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = (value >>> (8 * i)) & 0xff;
}

function changed({ bytes, origin }: PresentedCapability, change: Change): PresentedCapability {
  const copy = bytes.slice();
  change(copy);
  return { bytes: copy, origin };
}

function isStructure({ bytes }: PresentedCapability, types: readonly number[]): boolean {
  return bytes[0] === PCI_CAP_ID_VNDR && types.includes(bytes[VIRTIO_PCI_CAP.cfg_type] ?? -1);
}

/** The register structures; throws when they are not all in the first page of one BAR. */
function inOnePage(bus: CheckedPci, lengthBytes: number): readonly PciStructure[] {
  const found = readPciLayout(bus).structures.filter(({ type }) => REGISTER_TYPES.includes(type));
  const fits = found.every(
    (structure) =>
      structure.bar === found[0]?.bar &&
      structure.lengthBytes <= lengthBytes &&
      structure.offset + structure.lengthBytes <= PAGE,
  );
  if (!fits || found.length > PAGE / lengthBytes)
    throw new VirtioUsageError("the structures of this device cannot be moved");
  return found;
}

function reservedType(bus: CheckedPci): CheckedPci {
  return presentFunction(bus, {
    capabilities: (own) => {
      const bytes = (
        own.find((found) => isStructure(found, [VIRTIO_PCI_CAP_COMMON_CFG]))?.bytes ?? []
      ).slice();
      const reserved = Uint8Array.from(bytes);
      reserved[VIRTIO_PCI_CAP.cfg_type] = RESERVED_TYPE;
      put32(reserved, VIRTIO_PCI_CAP.offset, PAGE - 64);
      return [{ bytes: reserved, origin: -1 }, ...own];
    },
  });
}

function reservedBar(bus: CheckedPci): CheckedPci {
  return presentFunction(bus, {
    capabilities: (own) => [
      ...own
        .filter((found) => isStructure(found, REGISTER_TYPES))
        .map(({ bytes }) =>
          changed({ bytes, origin: -1 }, (copy) => {
            copy[VIRTIO_PCI_CAP.bar] = RESERVED_BAR;
          }),
        ),
      ...own,
    ],
  });
}

/** Four bytes more than the specification knows. */
function longerCapabilities(bus: CheckedPci): CheckedPci {
  return presentFunction(bus, {
    capabilities: (own) =>
      own.map((capability) => {
        if (!isStructure(capability, REGISTER_TYPES)) return capability;
        const bytes = new Uint8Array(capability.bytes.length + 4);
        bytes.set(capability.bytes);
        bytes[VIRTIO_PCI_CAP.cap_len] = bytes.length;
        return { bytes, origin: capability.origin };
      }),
  });
}

/** Structures that are many times as long as what is known of them. */
function longStructures(bus: CheckedPci): CheckedPci {
  const structures = inOnePage(bus, LONG);
  return presentFunction(bus, {
    capabilities: (own) =>
      own.map((capability) => {
        const index = structures.findIndex(({ at }) => at === capability.origin);
        if (index < 0) return capability;
        return changed(capability, (bytes) => {
          put32(bytes, VIRTIO_PCI_CAP.offset, index * LONG);
          put32(bytes, VIRTIO_PCI_CAP.length, LONG);
        });
      }),
    translate: (bar, offset) => {
      if (bar !== structures[0]?.bar || offset >= PAGE) return { bar, offset };
      const structure = structures[Math.floor(offset / LONG)];
      const field = offset % LONG;
      return structure === undefined || field >= structure.lengthBytes
        ? null
        : { bar, offset: structure.offset + field };
    },
  });
}

/** Every structure a second time, elsewhere in the same BAR, at the end of the list. */
function secondStructures(bus: CheckedPci): CheckedPci {
  const structures = inOnePage(bus, PAGE / 4);
  if (structures.some(({ offset, lengthBytes }) => offset + lengthBytes > SECOND))
    throw new VirtioUsageError("the structures of this device leave no room");
  return presentFunction(bus, {
    capabilities: (own) => [
      ...own,
      ...own
        .filter((found) => isStructure(found, REGISTER_TYPES))
        .map(({ bytes, origin }) =>
          changed({ bytes, origin: -1 }, (copy) => {
            const offset = structures.find(({ at }) => at === origin)?.offset ?? 0;
            put32(copy, VIRTIO_PCI_CAP.offset, SECOND + offset);
          }),
        ),
    ],
    translate: (bar, offset) => ({
      bar,
      offset: bar === structures[0]?.bar && offset >= SECOND && offset < PAGE ? offset - SECOND : offset,
    }),
  });
}

function tableSize(size: number): (bus: CheckedPci) => CheckedPci {
  return (bus) => {
    const { msix } = readPciLayout(bus);
    if (msix === null || size >= msix.vectors)
      throw new VirtioUsageError(`the device has fewer than ${size + 1} MSI-X vectors`);
    return presentFunction(bus, {
      capabilities: (own) =>
        own.map((capability) =>
          capability.bytes[0] !== PCI_CAP_ID_MSIX
            ? capability
            : changed(capability, (bytes) => {
                bytes[2] = size & 0xff;
                bytes[3] = (size >>> 8) & 7;
              }),
        ),
    });
  };
}

/** What is read and written in the common configuration, by field. */
function withCommon(
  read: (field: number, value: number) => number,
  write: (field: number, value: number) => number | null = (_field, value) => value,
): (bus: CheckedPci) => CheckedPci {
  return (bus) => {
    const layout = readPciLayout(bus);
    const field = (bar: number, offset: number): number => {
      const found = structureAt(layout, bar, offset, [VIRTIO_PCI_CAP_COMMON_CFG]);
      return found === undefined ? -1 : offset - found.offset;
    };
    return presentFunction(bus, {
      barRead: (bar, offset, value) => {
        const at = field(bar, offset);
        return at < 0 ? value : read(at, value) >>> 0;
      },
      barWrite: (bar, offset, value) => {
        const at = field(bar, offset);
        return at < 0 ? value : write(at, value);
      },
    });
  };
}

/** Refuses to map any event to a vector but the first. */
function refusedVectors(bus: CheckedPci): CheckedPci {
  const isVector = (field: number) =>
    field === COMMON.config_msix_vector || field === COMMON.queue_msix_vector;
  return withCommon(
    (_field, value) => value,
    (field, value) => (isVector(field) && value !== 0 ? VIRTIO_MSI_NO_VECTOR : value),
  )(bus);
}

/** The old status shows for a few reads after the driver wrote 0. */
function slowReset(bus: CheckedPci): CheckedPci {
  let old = 0;
  let looks = 0;
  return withCommon(
    (field, value) => {
      if (field !== COMMON.device_status) return value;
      if (looks === 0) {
        old = value;
        return value;
      }
      looks--;
      return old | 1;
    },
    (field, value) => {
      if (field === COMMON.device_status) looks = value === 0 ? LOOKS : 0;
      return value;
    },
  )(bus);
}

function slowQueueReset(bus: CheckedPci): CheckedPci {
  let looks = 0;
  return withCommon(
    (field, value) => {
      if (looks === 0 || field !== COMMON.queue_reset) return value;
      looks--;
      return 1;
    },
    (field, value) => {
      if (field === COMMON.queue_reset && value === 1) looks = LOOKS;
      return value;
    },
  )(bus);
}

/** Two administration virtqueues, which work as far as their registers go: one index is left out before them. */
function adminQueues(bus: CheckedPci): CheckedPci {
  let featureWord = 0;
  let queue = 0;
  let accepted = 0;
  const common = readPciLayout(bus).structures.find(({ type }) => type === VIRTIO_PCI_CAP_COMMON_CFG);
  const queues = common === undefined ? 0 : bus.barRead(common.bar, common.offset + COMMON.num_queues, 2);
  const ADMIN = 1 << (VIRTIO_F_ADMIN_VQ - 32);
  return withCommon(
    (field, value) => {
      if (field === COMMON.device_feature) return featureWord === 1 ? value | ADMIN : value;
      if (field === COMMON.driver_feature) return featureWord === 1 ? value | accepted : value;
      if (field === COMMON.admin_queue_index) return queues + 1;
      if (field === COMMON.admin_queue_num) return 2;
      return queue > queues && field === COMMON.queue_size ? 8 : value;
    },
    (field, value) => {
      if (field === COMMON.device_feature_select || field === COMMON.driver_feature_select)
        featureWord = value;
      if (field === COMMON.queue_select) queue = value;
      if (field !== COMMON.driver_feature || featureWord !== 1) return value;
      accepted = value & ADMIN;
      return (value & ~ADMIN) >>> 0;
    },
  )(bus);
}

/** An interrupt line that always stands for both causes. */
function bothCauses(bus: CheckedPci): CheckedPci {
  const layout = readPciLayout(bus);
  const both = VIRTIO_PCI_ISR_QUEUE | VIRTIO_PCI_ISR_CONFIG;
  return presentFunction(bus, {
    barRead: (bar, offset, value) =>
      value !== 0 && structureAt(layout, bar, offset, [VIRTIO_PCI_CAP_ISR_CFG]) !== undefined
        ? value | both
        : value,
  });
}

function transitionalId(bus: CheckedPci): CheckedPci {
  const id = bus.configRead(PCI_DEVICE_ID, 2) - VIRTIO_PCI_DEVICE_ID_BASE;
  const pciId = transitionalPciId(id);
  if (pciId < 0) throw new VirtioUsageError(`virtio device ${id} has no transitional PCI device id`);
  return presentFunction(bus, {
    header: new Map([
      [PCI_DEVICE_ID, pciId & 0xff],
      [PCI_DEVICE_ID + 1, pciId >>> 8],
      [PCI_REVISION_ID, 0],
      [PCI_SUBSYSTEM_ID, id],
      [PCI_SUBSYSTEM_ID + 1, 0],
    ]),
  });
}

const stage = (
  id: string,
  description: string,
  clauses: readonly string[],
  expects: PciStage["expects"],
  present: PciStage["present"],
): PciStage => ({ id, description, clauses, expects, present });

/** The stages for drivers over virtio-pci. */
export const PCI_STAGES: readonly PciStage[] = [
  stage("as-it-is", "The device as it is.", [`${DISCOVERY}.1`], "drives", (bus) => bus),
  stage(
    "transitional-id",
    "The device has the transitional PCI device id of its type.",
    [`${DISCOVERY}.2`],
    "drives",
    transitionalId,
  ),
  stage("revision-255", "The PCI revision id is 255.", [`${DISCOVERY}.3`], "drives", (bus) =>
    presentFunction(bus, { header: new Map([[PCI_REVISION_ID, 255]]) }),
  ),
  stage(
    "reserved-structure-type",
    "The first capability describes a structure of a reserved type.",
    [`${CAPABILITIES}.1`],
    "drives",
    reservedType,
  ),
  stage(
    "second-structures",
    "Every structure is there twice.",
    [`${CAPABILITIES}.2`],
    "drives",
    secondStructures,
  ),
  stage(
    "longer-capabilities",
    "The capabilities are longer than the specification knows them.",
    [`${CAPABILITIES}.3`],
    "drives",
    longerCapabilities,
  ),
  stage(
    "reserved-bar",
    "The first capabilities name a BAR that is reserved.",
    [`${CAPABILITIES}.4`],
    "drives",
    reservedBar,
  ),
  stage(
    "long-structures",
    "Every structure is 1024 bytes long.",
    [`${CAPABILITIES}.6`],
    "drives",
    longStructures,
  ),
  stage(
    "slow-reset",
    "The reset of the device takes a few reads of device_status.",
    [`${COMMON_STATEMENTS}.5`],
    "drives",
    slowReset,
  ),
  stage(
    "slow-queue-reset",
    "queue_reset stays 1 for a few reads.",
    [`${COMMON_STATEMENTS}.7`],
    "drives",
    slowQueueReset,
  ),
  stage(
    "administration-queues",
    "There are two administration virtqueues, and an index that is none before them.",
    [`${COMMON_STATEMENTS}.10`],
    "either",
    adminQueues,
  ),
  stage(
    "vendor-data",
    "There is a vendor data capability of a vendor nobody knows.",
    ["transport-pci.driver.vendor-data-capability.2"],
    "drives",
    (bus) =>
      presentFunction(bus, {
        capabilities: (own) => [
          {
            bytes: Uint8Array.of(
              PCI_CAP_ID_VNDR,
              0,
              12,
              VIRTIO_PCI_CAP_VENDOR_CFG,
              NOBODY & 0xff,
              NOBODY >>> 8,
              1,
              2,
              3,
              4,
              5,
              6,
            ),
            origin: -1,
          },
          ...own,
        ],
      }),
  ),
  stage(
    "one-vector",
    "There is one MSI-X vector: Table Size is 0.",
    [`${MSIX_STATEMENTS}.1`],
    "drives",
    tableSize(0),
  ),
  stage(
    "all-vectors",
    "There are 2048 MSI-X vectors; the device itself has to have them.",
    [`${MSIX_STATEMENTS}.1`],
    "drives",
    tableSize(0x7ff),
  ),
  stage(
    "refused-vectors",
    "The device maps events to the first MSI-X vector only.",
    [`${MSIX_STATEMENTS}.5`],
    "either",
    refusedVectors,
  ),
  stage(
    "both-causes",
    "Every interrupt is for used buffers and for a change of the configuration.",
    ["transport-pci.driver.notification-of-device-configuration-changes.1"],
    "drives",
    bothCauses,
  ),
  stage(
    "without-capabilities",
    "There are no virtio capabilities: a legacy device.",
    [`${DETECTION}.5`],
    "legacy",
    (bus) =>
      presentFunction(bus, {
        capabilities: (own) => own.filter(({ bytes }) => bytes[0] !== PCI_CAP_ID_VNDR),
      }),
  ),
];
