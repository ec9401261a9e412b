// The example of docs/write-a-device.md: a disk written through the door for authors of devices, driven by requests and put
// under the conformance kit, against the built package.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { RequestDeviceType } from "../../../src/device/index.ts";
import { TestMachine } from "../../../src/testing/index.ts";
import { buildCommandLine } from "../../support/command-line.ts";

const test = suite("docs/write-a-device.md");
buildCommandLine();

const FOLDER = "examples/write-a-device";
const SECTORS = 8;
const [IN, OUT, FLUSH, GET_ID] = [0, 1, 4, 8];
const [OK, IOERR, UNSUPP] = [0, 1, 2];

interface File {
  read(data: Uint8Array, at: number, length: number, position: number): Promise<{ buffer: Uint8Array }>;
  write(data: Uint8Array, at: number, length: number, position: number): Promise<void>;
  datasync(): Promise<void>;
}

const { Disk } = (await import(pathToFileURL(resolve(FOLDER, "disk.mjs")).href)) as {
  Disk: new (file: File, sectors: number) => RequestDeviceType;
};

/** A file in memory, which may break. */
class MemoryFile implements File {
  readonly bytes = Uint8Array.from({ length: SECTORS * 512 }, (_, i) => i >> 4);
  broken = false;
  flushes = 0;

  async #work(): Promise<void> {
    await null;
    if (this.broken) throw new Error("the medium is gone");
  }
  async read(buffer: Uint8Array, at: number, length: number, position: number) {
    await this.#work();
    buffer.set(this.bytes.subarray(position, position + length), at);
    return { buffer };
  }
  async write(data: Uint8Array, at: number, length: number, position: number): Promise<void> {
    await this.#work();
    this.bytes.set(data.subarray(at, at + length), position);
  }
  async datasync(): Promise<void> {
    await this.#work();
    this.flushes++;
  }
}

function request(type: number, sector: number | bigint = 0, data: ArrayLike<number> = []): Uint8Array {
  const bytes = new Uint8Array(16 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  bytes.set(data, 16);
  return bytes;
}

const code = (name: string): string => readFileSync(`${FOLDER}/${name}`, "utf8");

test("the disk stays under 60 lines", () => {
  assert.ok(code("disk.mjs").trimEnd().split("\n").length < 60);
});

test("what the guide shows is the example's code and what it prints", () => {
  const guide = readFileSync("docs/write-a-device.md", "utf8");
  const all = ["disk.mjs", "dice.mjs", "try.mjs", "target.mjs"].map(code).join("\n");
  const snippets = [...guide.matchAll(/```js\n([\s\S]*?)```/g)].map(([, snippet]) => snippet ?? "");
  assert.ok(snippets.length >= 5);
  for (const snippet of snippets) assert.ok(all.includes(snippet), snippet);
  const { stdout, stderr, status } = spawnSync(process.execPath, [`${FOLDER}/try.mjs`], { encoding: "utf8" });
  assert.is(status, 0, stderr);
  const printed = [...guide.matchAll(/```text\n([\s\S]*?)```/g)].map(([, text]) => text);
  assert.ok(printed.includes(stdout), stdout);
  const lacking = Object.assign(new Disk(new MemoryFile(), 1), { queues: undefined });
  assert.throws(
    () => TestMachine.start(lacking as unknown as RequestDeviceType),
    (error: Error) => printed.includes(`${error.name}: ${error.message}\n`),
  );
});

for (const transport of ["mmio", "pci"] as const) {
  for (const format of ["split", "packed"] as const) {
    test(`reads, writes, flushes and says who it is: ${transport}, ${format}`, async () => {
      const file = new MemoryFile();
      const machine = TestMachine.start(new Disk(file, SECTORS), { transport, format });
      assert.is(machine.device.readConfig(0, 4), SECTORS);
      const read = await machine.request(0, request(IN, 2), 1024 + 1);
      assert.equal([...read.bytes], [...file.bytes.slice(1024, 2048), OK]);
      assert.is(read.written, 1025);
      const data = new Uint8Array(512).fill(0x77);
      const write = await machine.request(0, request(OUT, 7, data), 1);
      assert.equal([[...write.bytes], write.written], [[OK], 1]);
      assert.equal([...file.bytes.subarray(7 * 512)], [...data]);
      assert.is((await machine.request(0, request(FLUSH), 1)).bytes[0], OK);
      assert.is(file.flushes, 1);
      const id = await machine.request(0, request(GET_ID), 21);
      assert.is(new TextDecoder().decode(id.bytes.subarray(0, 18)), "a-disk-of-ones-own");
      assert.equal([id.bytes[20], id.written], [OK, 21]);
    });
  }
}

test("what cannot be done gets its status, and nothing changes", async () => {
  const file = new MemoryFile();
  const before = [...file.bytes];
  const machine = TestMachine.start(new Disk(file, SECTORS));
  const wrong: readonly (readonly [Uint8Array, number, number])[] = [
    [request(IN, SECTORS), 513, IOERR],
    [request(IN, SECTORS - 1), 1025, IOERR],
    [request(IN, 2n ** 64n - 1n), 513, IOERR],
    [request(IN), 512, IOERR],
    [request(OUT, SECTORS, new Uint8Array(512)), 1, IOERR],
    [request(OUT, 0, new Uint8Array(511)), 1, IOERR],
    [request(IN).subarray(0, 15), 513, IOERR],
    [new Uint8Array(0), 1, IOERR],
    [request(99), 1, UNSUPP],
  ];
  for (const [bytes, room, status] of wrong) {
    const answer = await machine.request(0, bytes, room);
    assert.is(answer.bytes.at(-1), status, `${bytes} with ${room}`);
    assert.is(answer.written, 0);
    assert.ok(answer.bytes.subarray(0, -1).every((byte) => byte === 0xa5));
  }
  assert.is((await machine.request(0, request(IN), 0)).written, 0, "no room for a status");
  assert.equal([...file.bytes], before);
  file.broken = true;
  for (const type of [IN, FLUSH]) {
    assert.is((await machine.request(0, request(type), type === IN ? 513 : 1)).bytes.at(-1), IOERR);
  }
  file.broken = false;
  assert.is((await machine.request(0, request(IN), 513)).bytes.at(-1), OK, "it goes on");
  assert.is(machine.device.status & 64, 0);
});

test("the conformance kit has nothing against it", () => {
  mkdirSync(".build/examples", { recursive: true });
  const report = ".build/examples/disk.json";
  const args = ["conformance", "--target", `./${FOLDER}/target.mjs`, "--timeout", "300", "--json", report];
  const { stdout, stderr, status } = spawnSync(process.execPath, ["dist/cli.js", ...args], {
    encoding: "utf8",
  });
  assert.is(status, 0, stdout + stderr);
  const { totals } = JSON.parse(readFileSync(report, "utf8")) as { totals: Record<string, number> };
  assert.ok((totals["pass"] ?? 0) > 350);
  assert.is((totals["fail"] ?? 0) + (totals["wedged"] ?? 0), 0);
});

test.run();
