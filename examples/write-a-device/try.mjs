// Drives the disk with requests of its own: node examples/write-a-device/try.mjs
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestMachine } from "virtio-emulator/testing";
import { Disk } from "./disk.mjs";

/**
 * The header of a request.
 * @param {number} type
 * @param {number} sector  where it begins
 */
function header(type, sector = 0) {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, type, true);
  new DataView(bytes.buffer).setBigUint64(8, BigInt(sector), true);
  return bytes;
}

const folder = await mkdtemp(join(tmpdir(), "disk-"));
const file = await open(join(folder, "disk.img"), "w+");
await file.truncate(64 * 512);

const machine = TestMachine.start(new Disk(file, 64), { transport: "pci" });
const sector = new Uint8Array(512).fill(0x5a);
const written = await machine.request(0, new Uint8Array([...header(1, 3), ...sector]), 1);
const read = await machine.request(0, header(0, 3), 512 + 1);
const beyond = await machine.request(0, header(0, 64), 512 + 1);
console.log(`write: status ${written.bytes[0]}`);
console.log(`read: ${read.bytes[0]?.toString(16)}, status ${read.bytes[512]}, ${read.written} bytes used`);
console.log(`beyond the end: status ${beyond.bytes[512]}`);

await file.close();
await rm(folder, { recursive: true });
