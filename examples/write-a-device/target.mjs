// Puts the disk under the conformance kit: virtio-emulator conformance --target examples/write-a-device/target.mjs
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtioDevice } from "virtio-emulator/device";
import { GuestMemory } from "virtio-emulator/memory";
import { MmioTransport } from "virtio-emulator/transport/mmio";
import { Disk } from "./disk.mjs";

const SECTORS = 64;
const ID_BYTES = 20;

/**
 * What the kit has to know about a disk: above all a request that changes nothing, here the one for its name.
 * @type {import("virtio-emulator/conformance").DeviceModel}
 */
const BLK = {
  name: "blk",
  deviceId: 2,
  queues: ["requestq"],
  configBytes: 8,
  features: [{ bit: 9, name: "VIRTIO_BLK_F_FLUSH" }],
  probe: (queue) => ({
    queue,
    readable: Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), // VIRTIO_BLK_T_GET_ID
    writableBytes: ID_BYTES + 1,
    check: (response, lengthBytes) =>
      lengthBytes === ID_BYTES + 1 && response[ID_BYTES] === 0
        ? null
        : `${lengthBytes} bytes used, status ${response[ID_BYTES]}`,
  }),
};

/** @type {import("virtio-emulator/conformance").Target} */
export default {
  name: "write-a-device",
  description: "the disk of examples/write-a-device over mmio",
  transport: "mmio",
  devices: ["blk"],
  models: [BLK],

  async open() {
    const folder = await mkdtemp(join(tmpdir(), "disk-"));
    const file = await open(join(folder, "disk.img"), "w+");
    await file.truncate(SECTORS * 512);
    const buffer = new ArrayBuffer(16 << 20);
    const bytes = new Uint8Array(buffer);
    let line = false;
    const memory = new GuestMemory([{ base: 0, memory: buffer }]);
    const device = new VirtioDevice(new Disk(file, SECTORS), { memory });
    const mmio = new MmioTransport(device, { onInterrupt: (asserted) => (line = asserted) });
    return {
      device: "blk",
      bus: { kind: "mmio", mmio },
      ram: {
        sizeBytes: buffer.byteLength,
        read: (address, length) => bytes.slice(address, address + length),
        write: (address, data) => bytes.set(data, address),
      },
      interruptLine: () => line,
      settle: () => new Promise((done) => setTimeout(done, 0)),
      async close() {
        await file.close();
        await rm(folder, { recursive: true });
      },
    };
  },
};
