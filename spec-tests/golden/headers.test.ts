import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type HeaderFacts, readHeaderFacts } from "../support/linux-headers.ts";
import { locate, needs, peers } from "../support/peer.ts";
import { wire } from "../support/wire.ts";
import {
  isOwnProtocol,
  unknownExports,
  wireExpressions,
  wireFacts,
  wireStructs,
} from "../support/wire-facts.ts";

const FIXTURE = "spec-tests/fixtures/headers/linux-libc-dev.json";

/** Names newer than the headers of the fixture. The second suite compares them with the specification. */
const NEWER_THAN_HEADERS: readonly string[] = [
  "VIRTIO_CONFIG_S_SUSPEND",
  "VIRTIO_F_NOTIFICATION_DATA",
  "VIRTIO_F_NOTIF_CONFIG_DATA",
  "VIRTIO_F_ADMIN_VQ",
  "VIRTIO_F_SUSPEND",
  "VIRTIO_GPU_CAPSET_GFXSTREAM",
  "VIRTIO_GPU_CAPSET_VENUS",
  "VIRTIO_GPU_CAPSET_CROSS_DOMAIN",
  "VIRTIO_GPU_CAPSET_DRM",
  "VIRTIO_GPU_F_BLOB_ALIGNMENT",
  "VIRTIO_ID_RDMA",
  "VIRTIO_ID_CAMERA",
  "VIRTIO_ID_ISM",
  "VIRTIO_ID_SPI",
  "VIRTIO_ID_TEE",
  "VIRTIO_ID_CPU_BALLOON",
  "VIRTIO_ID_MEDIA",
  "VIRTIO_ID_USB",
  "VIRTIO_MMIO_QUEUE_RESET",
  "VIRTIO_PCI_CAP_VENDOR_CFG",
  "struct virtio_gpu_config",
  "virtio_gpu_config.blob_alignment",
  "virtio_gpu_config.blob_alignment size",
  "struct virtio_pci_common_cfg",
  "virtio_pci_common_cfg.queue_reset size",
  "virtio_pci_common_cfg.admin_queue_index",
  "virtio_pci_common_cfg.admin_queue_index size",
  "virtio_pci_common_cfg.admin_queue_num",
  "virtio_pci_common_cfg.admin_queue_num size",
  "struct virtio_pci_vndr_data",
  ...wire
    .fieldsOf(wire.virtio_pci_vndr_data)
    .flatMap(({ name }) => [`virtio_pci_vndr_data.${name}`, `virtio_pci_vndr_data.${name} size`]),
];

/** Names that are not Linux': prose or tables in the specification, compared in spec-tests/unit/wire. */
const NOT_OF_LINUX: readonly string[] = [
  "PCI_CLASS_DISPLAY_OTHER",
  "PCI_CLASS_DISPLAY_VGA",
  "PVIRTQ_DESC_ALIGN",
  "PVIRTQ_EVENT_SUPPRESS_ALIGN",
  "RING_EVENT_FLAGS_MASK",
  "VIRTIO_GPU_CONTROLQ",
  "VIRTIO_GPU_CURSORQ",
  "VIRTIO_GPU_CURSOR_SIZE",
  "VIRTIO_GPU_MAX_RING_IDX",
  "VIRTIO_MMIO_MAGIC",
  "VIRTIO_MMIO_VERSION_2",
  "VIRTIO_MMIO_VERSION_LEGACY",
  "VIRTIO_PCI_DEVICE_ID_BASE",
  "VIRTIO_PCI_DEVICE_ID_FIRST",
  "VIRTIO_PCI_DEVICE_ID_LAST",
  "VIRTIO_PCI_ISR_QUEUE",
  "VIRTIO_PCI_VENDOR_ID",
  "VIRTQ_MAX_QUEUE_SIZE",
];

/** What the headers have and src/wire does not. */
const NOT_IN_WIRE: readonly string[] = [
  "VIRTIO_F_IOMMU_PLATFORM", // older name of VIRTIO_F_ACCESS_PLATFORM
  "VIRTIO_GPU_HW_H", // include guard
  "VIRTIO_PCI_CAP_BAR", // the offsets are in the struct
  "VIRTIO_PCI_CAP_CFG_TYPE",
  "VIRTIO_PCI_CAP_LEN",
  "VIRTIO_PCI_CAP_LENGTH",
  "VIRTIO_PCI_CAP_NEXT",
  "VIRTIO_PCI_CAP_OFFSET",
  "VIRTIO_PCI_CAP_VNDR",
  "virtio_gpu_ctrl_type", // enums
  "virtio_gpu_formats",
  "virtio_gpu_shm_id",
];

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
const branch = (version: string) => version.split(".").slice(0, 2).join(".");
const sorted = (names: Iterable<string>) => [...names].sort();

const expressions = wireExpressions();
const compiler = locate(peers.cc);
const installed: HeaderFacts | undefined = compiler ? readHeaderFacts(compiler, expressions) : undefined;
if (installed && process.env["VIRTIO_UPDATE_FIXTURES"] === "1") {
  const facts = Object.fromEntries(
    sorted(Object.keys(installed.facts)).map((name) => [name, installed.facts[name]]),
  );
  writeFileSync(FIXTURE, `${JSON.stringify({ package: "linux-libc-dev", ...installed, facts }, null, 2)}\n`);
}
const fixture = readJson(FIXTURE) as HeaderFacts;

function differences(facts: Readonly<Record<string, number>>): string[] {
  const differing: string[] = [];
  for (const [name, value] of wireFacts()) {
    const expected = facts[name];
    if (expected !== undefined && expected !== value)
      differing.push(`${name} is ${value}, in C (${expressions.get(name)}) it is ${expected}`);
  }
  return differing;
}

const headers = suite("Linux headers");
const withCompiler = needs(headers, peers.cc);

headers("agree with every constant, struct size, field offset and field size of src/wire", () => {
  assert.equal(differences(fixture.facts), []);
  assert.ok(Object.keys(fixture.facts).length > 700, "the fixture holds all facts");
});

headers("lack exactly the names listed here", () => {
  const unchecked = [...wireFacts().keys()].filter((name) => fixture.facts[name] === undefined);
  assert.equal(sorted(unchecked), sorted([...NEWER_THAN_HEADERS, ...NOT_OF_LINUX]));
});

headers("are compared with everything that any file of src/wire exports", () => {
  const files = readdirSync("src/wire").filter((name) => /(?<!\.d)\.ts$/.test(name) && name !== "index.ts");
  const declared = files.flatMap((name) => {
    const text = readFileSync(join("src/wire", name), "utf8");
    return [...text.matchAll(/^export (?:const|let|var|function|class) (\w+)/gm)].map(
      ([, found]) => found ?? "",
    );
  });
  assert.ok(declared.length > 400);
  // What follows looks at what the index passes on.
  const modulesOf = (path: string) =>
    [...readFileSync(path, "utf8").matchAll(/([a-z-]+\.ts)";/g)].map(([, name]) => name);
  assert.equal(modulesOf("src/wire/index.ts").sort(), modulesOf("spec-tests/support/wire.ts").sort());
  assert.equal(
    declared.filter((name) => !(name in wire)),
    [],
    "declared in src/wire, not exported by its index",
  );
  assert.equal(unknownExports(), []);
});

headers("have nothing that src/wire lacks, but for the names listed here", () => {
  const spelled = [...expressions.values()].flatMap((expression) => expression.match(/\w+/g) ?? []);
  const known = new Set([...Object.keys(wire), ...spelled]);
  assert.equal(
    fixture.identifiers.filter((name) => !known.has(name)),
    NOT_IN_WIRE,
  );
});

withCompiler("installed here say what the fixture says", () => {
  if (!installed) throw new Error("unreachable: the compiler is there");
  assert.equal(differences(installed.facts), []);
  const lacking = NEWER_THAN_HEADERS.filter((name) => installed.facts[name] === undefined);
  const names = lacking.filter((name) => !/ size$|vndr_data\./.test(name)).join(", ");
  process.stderr.write(
    `skipped: comparison with the headers of Linux ${installed.version}, which lack these names: ${names}\n`,
  );
  const own = Object.keys(wire).filter(isOwnProtocol).length;
  process.stderr.write(
    `skipped: comparison with headers of ${NOT_OF_LINUX.length} names of the specification that are not Linux', and of ` +
      `${own} of this project's own protocols, virtio_vdmabuf_* and virtio_render_*\n`,
  );
  if (branch(installed.version) === branch(fixture.version)) {
    assert.equal(installed.facts, fixture.facts);
    assert.equal(installed.identifiers, fixture.identifiers);
  } else {
    // Older or newer headers: what both know is the same, and whatever is new has been compared above.
    for (const [name, value] of Object.entries(fixture.facts)) {
      const here = installed.facts[name];
      if (here !== undefined) assert.is(here, value, name);
    }
    const appeared = NEWER_THAN_HEADERS.filter((name) => installed.facts[name] !== undefined);
    if (appeared.length > 0) {
      process.stderr.write(
        `skipped: nothing, but Linux ${installed.version} now has ${appeared.join(", ")}: renew ${FIXTURE} with VIRTIO_UPDATE_FIXTURES=1\n`,
      );
    }
  }
});

headers.run();

interface SpecificationFacts {
  readonly deviceStatus: Readonly<Record<string, number>>;
  readonly deviceIds: Readonly<Record<string, number>>;
  readonly mmioRegisters: Readonly<Record<string, number>>;
  readonly constants: Readonly<Record<string, number>>;
  readonly structs: Readonly<
    Record<
      string,
      { readonly size: number; readonly fields: Readonly<Record<string, readonly [number, number]>> }
    >
  >;
}

const specification = suite("listings of the specification");
const spec = readJson("spec-tests/fixtures/headers/virtio-1.4-cs01.json") as SpecificationFacts;
const facts = wireFacts();

specification("agree with src/wire on every struct", () => {
  const structs = wireStructs();
  for (const [name, { size, fields }] of Object.entries(spec.structs)) {
    const schema = structs.get(name);
    if (!schema) throw new Error(`src/wire lacks ${name}`);
    assert.is(schema.span, size, name);
    const declared = wire.fieldsOf(schema).map((field) => [field.name, [field.offsetBytes, field.sizeBytes]]);
    assert.equal(declared, Object.entries(fields), name);
  }
  // Structs of 3D commands, which the specification names without listing them.
  const unlisted = [...structs.keys()].filter((name) => !(name in spec.structs));
  assert.equal(unlisted.sort(), [
    "virtio_gpu_box",
    "virtio_gpu_cmd_submit",
    "virtio_gpu_ctx_destroy",
    "virtio_gpu_ctx_resource",
    "virtio_gpu_resource_create_3d",
    "virtio_gpu_transfer_host_3d",
    // A table, compared in spec-tests/spec/legacy-pci.
    "virtio_pci_legacy_cfg",
  ]);
});

specification("agree with src/wire on every constant", () => {
  for (const [name, value] of Object.entries(spec.constants)) assert.is(facts.get(name), value, name);
});

specification("agree with src/wire on the bits of the device status", () => {
  for (const [name, value] of Object.entries(spec.deviceStatus)) {
    const constant = `VIRTIO_CONFIG_S_${name.replace("DEVICE_", "")}`;
    assert.is(facts.get(constant), value, constant);
  }
});

specification("agree with src/wire on the device ids", () => {
  const ours = [...facts].filter(([name]) => name.startsWith("VIRTIO_ID_")).map(([, id]) => id);
  const theirs = Object.values(spec.deviceIds).filter((id) => id !== 0);
  // 37 was given to Vdmabuf, which never made it into the table.
  assert.equal(
    ours.filter((id) => id !== wire.VIRTIO_ID_DMABUF).sort((a, b) => a - b),
    theirs.sort((a, b) => a - b),
  );
  const newer: Readonly<Record<string, number>> = {
    "RDMA device": wire.VIRTIO_ID_RDMA,
    "Camera device": wire.VIRTIO_ID_CAMERA,
    "ISM device": wire.VIRTIO_ID_ISM,
    "SPI controller": wire.VIRTIO_ID_SPI,
    "TEE device": wire.VIRTIO_ID_TEE,
    "CPU balloon device": wire.VIRTIO_ID_CPU_BALLOON,
    "Media device": wire.VIRTIO_ID_MEDIA,
    "USB controller": wire.VIRTIO_ID_USB,
  };
  for (const [name, id] of Object.entries(newer)) assert.is(spec.deviceIds[name], id, name);
});

specification("agree with src/wire on the registers of virtio over MMIO", () => {
  const spelled: Readonly<Record<string, string>> = {
    QueueSizeMax: "QUEUE_NUM_MAX",
    QueueSize: "QUEUE_NUM",
    QueueDriverLow: "QUEUE_AVAIL_LOW",
    QueueDriverHigh: "QUEUE_AVAIL_HIGH",
    QueueDeviceLow: "QUEUE_USED_LOW",
    QueueDeviceHigh: "QUEUE_USED_HIGH",
  };
  const upperSnake = (name: string) => name.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
  const special: Readonly<Record<string, string>> = { SHMLenLow: "SHM_LEN_LOW", SHMLenHigh: "SHM_LEN_HIGH" };
  for (const [name, offset] of Object.entries(spec.mmioRegisters)) {
    const register =
      spelled[name] ??
      special[name] ??
      upperSnake(name).replace("SHMSEL", "SHM_SEL").replace("SHMBASE", "SHM_BASE");
    assert.is(facts.get(`VIRTIO_MMIO_${register}`), offset, name);
  }
  assert.ok(Object.keys(spec.mmioRegisters).length >= 30);
});

specification.run();
