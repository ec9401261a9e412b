import { gzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { CpioWriter } from "../../../scripts/linux/cpio.ts";
import { unpackKernel } from "../../../scripts/linux/fast-kernel.ts";
import { withoutArchitectures } from "../../../scripts/linux/private-apt.ts";

const files = suite("linux files");

interface Entry {
  readonly name: string;
  readonly mode: number;
  readonly device: string;
  readonly content: string;
}

/** Reads an archive by the format's description: 6 bytes of magic, 13 numbers of 8 hexadecimal digits. */
function readArchive(bytes: Uint8Array): Entry[] {
  const archive = Buffer.from(bytes);
  const entries: Entry[] = [];
  for (let at = 0; ; ) {
    assert.is(archive.toString("latin1", at, at + 6), "070701");
    const field = (index: number): number =>
      Number.parseInt(archive.toString("latin1", at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const nameStart = at + 110;
    const nameEnd = nameStart + field(11);
    const contentStart = Math.ceil(nameEnd / 4) * 4;
    const contentEnd = contentStart + field(6);
    const name = archive.toString("utf8", nameStart, nameEnd - 1);
    assert.is(archive[nameEnd - 1], 0, `${name} ends with a zero byte`);
    if (name === "TRAILER!!!") return entries;
    entries.push({
      name,
      mode: field(1),
      device: `${field(9)}:${field(10)}`,
      content: archive.toString("utf8", contentStart, contentEnd),
    });
    at = Math.ceil(contentEnd / 4) * 4;
  }
}

files("an archive has what was put into it, folders before what is in them", () => {
  const writer = new CpioWriter();
  writer.characterDevice("dev/console", 5, 1);
  writer.file("bin/a/tool", "#!", 0o755);
  writer.link("bin/sh", "a/tool");
  writer.directory("bin");
  writer.file("odd", "12345");
  const archive = writer.finish();
  assert.is(archive.length % 512, 0);
  assert.equal(readArchive(archive), [
    { name: "dev", mode: 0o040755, device: "0:0", content: "" },
    { name: "dev/console", mode: 0o020600, device: "5:1", content: "" },
    { name: "bin", mode: 0o040755, device: "0:0", content: "" },
    { name: "bin/a", mode: 0o040755, device: "0:0", content: "" },
    { name: "bin/a/tool", mode: 0o100755, device: "0:0", content: "#!" },
    { name: "bin/sh", mode: 0o120777, device: "0:0", content: "a/tool" },
    { name: "odd", mode: 0o100644, device: "0:0", content: "12345" },
  ]);
});

/** An ELF program with one segment of "code" at `address`, entered at `entry`. */
function elf(address: number, entry: number): Buffer {
  const file = Buffer.alloc(88);
  file.write("\x7fELF\x01\x01", 0, "latin1");
  file.writeUInt16LE(3, 18);
  file.writeUInt32LE(entry, 24);
  file.writeUInt32LE(52, 28);
  file.writeUInt16LE(1, 44);
  file.writeUInt32LE(1, 52);
  file.writeUInt32LE(84, 56);
  file.writeUInt32LE(address, 64);
  file.writeUInt32LE(4, 68);
  file.writeUInt32LE(64, 72);
  file.write("code", 84);
  return file;
}

function bzImage(program: Buffer): Buffer {
  const payload = Buffer.concat([gzipSync(program), Buffer.alloc(4)]);
  payload.writeUInt32LE(program.length, payload.length - 4);
  const image = Buffer.alloc(1024 + 64 + payload.length, 0xee);
  image[0x1f1] = 1;
  image.write("HdrS", 0x202);
  image.writeUInt16LE(0x020f, 0x206);
  image.writeUInt32LE(64, 0x248);
  image.writeUInt32LE(payload.length, 0x24c);
  payload.copy(image, 1024 + 64);
  return image;
}

files("a compressed kernel becomes its segments and a jump", async () => {
  const original = bzImage(elf(0x100_0000, 0x100_0002));
  const kernel = await unpackKernel(original);
  assert.ok(kernel);
  assert.equal(
    kernel.segments.map(({ address, bytes }) => [address, Buffer.from(bytes).toString()]),
    [[0x100_0000, "code"]],
  );
  const image = Buffer.from(kernel.image);
  assert.is(image.toString("hex", 1024, 1031), "b802000001ffe0");
  assert.is(image.readUInt32LE(0x1f4), 256, "4096 bytes in units of 16");
  image.writeUInt32LE(original.readUInt32LE(0x1f4), 0x1f4);
  assert.equal(
    image.subarray(0, 1024),
    original.subarray(0, 1024),
    "the rest of the real-mode part is as it was",
  );
});

files("a kernel of another form is left alone", async () => {
  const fine = bzImage(elf(0x100_0000, 0x100_0000));
  assert.is(await unpackKernel(Buffer.alloc(10)), undefined);
  assert.is(await unpackKernel(Buffer.from("no kernel".repeat(200))), undefined);
  assert.is(await unpackKernel(fine.subarray(0, fine.length - 1)), undefined);
  for (const [address, entry] of [
    [0x8_0000, 0x8_0000], // where the real-mode part is
    [0x3ff_fff0, 0x3ff_fff0], // reaches into the initrd
    [0x100_0000, 0x200_0000], // entered where nothing is
  ] as const) {
    assert.is(await unpackKernel(bzImage(elf(address, entry))), undefined, `${address.toString(16)}`);
  }
  const unknown = Buffer.from(fine);
  unknown.writeUInt16BE(0x0bad, 1024 + 64);
  assert.is(await unpackKernel(unknown), undefined, "an unknown compression");
});

files("sources lose what ties them to an architecture", () => {
  const list = "# comment\ndeb [arch=amd64 signed-by=/k.gpg] http://host/debian stable main\n";
  assert.is(
    withoutArchitectures(list),
    "# comment\ndeb [ signed-by=/k.gpg] http://host/debian stable main\n",
  );
  assert.is(withoutArchitectures("deb [signed-by=/k arch=amd64,arm64] u s c"), "deb [signed-by=/k ] u s c");
  assert.is(withoutArchitectures("Types: deb\nArchitectures: amd64\nURIs: u\n"), "Types: deb\nURIs: u\n");
});

files.run();
