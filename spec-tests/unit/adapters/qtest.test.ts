import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  haltBios,
  isPlaceholder,
  parsePpm,
  probeQemu,
  QemuRefusedError,
  QemuUnfitError,
  QmpClient,
  QtestClient,
} from "../../../src/adapters/qtest/index.ts";
import { QemuPciFunction, QemuPciHost } from "../../../src/adapters/qtest/pci-host.ts";
import { VirtioUsageError } from "../../../src/base/errors.ts";
import { FakePeer, fakePciMachine } from "../../support/fake-qtest.ts";

const qtest = suite("qtest");

/** What an operation rejects with. */
async function failure(operation: Promise<unknown>): Promise<Error> {
  const error: unknown = await operation.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("expected an error");
  return error;
}

qtest("accesses are lines, and answers are numbers", async () => {
  const answers = ["0x00000000000000ff", "0x0000000074726976", "0xfffffffffffffffe", "0x0000000080000001"];
  const peer = new FakePeer((line) => (/^(read|in)/.test(line) ? `OK ${answers.shift()}\n` : "OK\n"));
  const client = new QtestClient(peer);
  assert.is(await client.read(0xfeb00000, 1), 0xff);
  assert.is(await client.read(0xfeb00000, 4), 0x74726976);
  assert.is(await client.read64(0x8_0000_0000), 0xfffffffffffffffen);
  assert.is(await client.in(0xcfc, 4), 0x80000001);
  await client.write(0xfeb00050, 2, 7);
  await client.write(0xfeb00050, 4, -1);
  await client.write64(0x1000, -1n);
  await client.out(0xcf8, 4, 0x80002000);
  await client.interceptIrqs("ioapic");
  assert.equal(peer.lines, [
    "readb 0xfeb00000",
    "readl 0xfeb00000",
    "readq 0x800000000",
    "inl 0xcfc",
    "writew 0xfeb00050 0x7",
    "writel 0xfeb00050 0xffffffff",
    "writeq 0x1000 0xffffffffffffffff",
    "outl 0xcf8 0x80002000",
    "irq_intercept_in ioapic",
  ]);
});

qtest("pieces of memory are base64", async () => {
  const peer = new FakePeer((line) => (line.startsWith("b64read") ? "OK AQID/w==\n" : "OK\n"));
  const client = new QtestClient(peer);
  assert.equal([...(await client.readBytes(0x1000, 4))], [1, 2, 3, 255]);
  await client.writeBytes(0x2000, Uint8Array.of(1, 2, 3, 255));
  assert.is((await client.readBytes(0, 0)).length, 0);
  await client.writeBytes(0, new Uint8Array(0));
  assert.equal(peer.lines, ["b64read 0x1000 0x4", "b64write 0x2000 0x4 AQID/w=="]);
  assert.instance(await failure(client.readBytes(-1, 4)), VirtioUsageError);
});

qtest("what is asked for in one go leaves in one write, and is answered in order", async () => {
  let count = 0;
  const peer = new FakePeer(() => `OK 0x${(count++).toString(16)}\n`);
  const client = new QtestClient(peer);
  const reads = Array.from({ length: 500 }, (_, i) => client.read(i, 4));
  assert.equal(
    await Promise.all(reads),
    Array.from({ length: 500 }, (_, i) => i),
  );
  assert.is(peer.writes, 1);
  await client.read(0, 4);
  assert.is(peer.writes, 2);
});

qtest("lines may come in pieces, and interrupts in between", async () => {
  const peer = new FakePeer(() => null);
  const changes: [number, boolean][] = [];
  const client = new QtestClient(peer, { onIrq: (line, asserted) => changes.push([line, asserted]) });
  const both = Promise.all([client.read(0, 4), client.read(4, 4)]);
  for (const part of [
    "O",
    "K 0x1",
    "2\nIRQ rai",
    "se 5\nIRQ raise 21\nIRQ nonsense\nOK 0",
    "x34\nIRQ lower 5\n",
  ]) {
    peer.say(part);
    await new Promise((done) => setImmediate(done));
  }
  assert.equal(await both, [0x12, 0x34]);
  assert.equal(changes, [
    [5, true],
    [21, true],
    [5, false],
  ]);
  assert.equal([client.isAsserted(5), client.isAsserted(21), client.isAsserted(6)], [false, true, false]);
});

qtest("an error is that of the command it answers, and of no other", async () => {
  const peer = new FakePeer((line) => (line.startsWith("bad") ? "FAIL Unknown command 'bad'\n" : "OK 0x1\n"));
  const client = new QtestClient(peer);
  const [error, value] = await Promise.all([
    failure(client.send(`bad ${"x".repeat(200)}`)),
    client.read(0, 1),
  ]);
  assert.instance(error, QemuRefusedError);
  assert.match(error.message, /^bad x+…: FAIL Unknown command 'bad'$/);
  assert.is(value, 1);
});

qtest("settling takes two rounds, and one more when something is under way", async () => {
  const client = new QtestClient(new FakePeer());
  const peer = new FakePeer();
  const other = new QtestClient(peer);
  await client.settle();
  await other.settle();
  assert.is(peer.writes, 2);
  const write = other.write(0, 4, 0);
  await other.settle();
  await write;
  assert.is(peer.writes, 5);
});

qtest("silence is noticed, slowness is not silence", async () => {
  let stalls = 0;
  const peer = new FakePeer((line) => (line === "silence" ? null : "OK\n"));
  const client = new QtestClient(peer, { answerTimeoutMs: 60, onStall: () => stalls++ });
  for (let i = 0; i < 20; i++) {
    await client.send("something");
    await new Promise((done) => setTimeout(done, 10));
  }
  await new Promise((done) => setTimeout(done, 150));
  assert.is(stalls, 0);
  const waiting = failure(client.send("silence"));
  assert.is(client.waitingFor, "silence");
  await new Promise((done) => setTimeout(done, 250));
  assert.is(stalls, 1);
  const over = new Error("over");
  client.fail(over);
  client.fail(new Error("later"));
  assert.is(await waiting, over);
  assert.is(await failure(client.send("anything")), over);
  assert.is(client.waitingFor, null);
});

qtest("QMP: greeting, answers, refusals, events", async () => {
  const peer = new FakePeer((line) => {
    const { execute, arguments: given } = JSON.parse(line);
    if (execute === "screendump") return '{"error": {"class": "GenericError", "desc": "no such device"}}\r\n';
    const event = '{"event": "RESET", "data": {"guest": false}}\r\n';
    return `not JSON\r\n[]\r\n${event}{"return": ${JSON.stringify(given)}}\r\n`;
  });
  const client = new QmpClient(peer, peer);
  const beginning = client.begin();
  peer.say('{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}}}\r\n');
  assert.equal(await beginning, { numbers: [7, 2, 22], package: "Debian" });
  const event = client.nextEvent("RESET");
  assert.equal(await client.execute("echo", { a: [1, "ü"] }), { a: [1, "ü"] });
  await event;
  const error = await failure(client.execute("screendump"));
  assert.instance(error, QemuRefusedError);
  assert.is(error.message, "screendump: no such device");
  const over = new Error("over");
  client.fail(over);
  assert.is(await failure(client.execute("echo")), over);
});

qtest("QMP: a greeting that never comes fails with the connection", async () => {
  const peer = new FakePeer();
  const client = new QmpClient(peer, peer);
  const beginning = failure(client.begin());
  const over = new Error("over");
  client.fail(over);
  assert.is(await beginning, over);
});

qtest("base address registers of all kinds get a place, in line with their size", async () => {
  const slot = 4;
  // 32 ports, 4 KiB, a 64-bit one of 16 KiB, and a 64-bit one of 8 GiB.
  const peer = fakePciMachine(slot, [0xffffffe1, 0xfffff000, 0xffffc00c, 0xffffffff, 0x0000000c, 0xfffffffe]);
  const client = new QtestClient(peer);
  const host = new QemuPciHost(client);
  assert.is(await host.configRead(slot, 0x10, 4), 1);
  assert.equal(peer.lines, ["outl 0xcf8 0x80002010", "inl 0xcfc"]);
  await host.initialize();
  const bars = await host.place(slot);
  assert.equal(
    bars.map(({ index, kind, is64Bit, sizeBytes }) => [index, kind, is64Bit, sizeBytes]),
    [
      [0, "io", false, 32],
      [1, "memory", false, 4096],
      [2, "memory", true, 16384],
      [4, "memory", true, 2 ** 33],
    ],
  );
  for (const { address, sizeBytes } of bars) assert.is(address % sizeBytes, 0);
  assert.ok((bars[3]?.address ?? 0) >= 2 ** 32);
  const pci = new QemuPciFunction(client, host, slot, bars);
  assert.is((await pci.configRead(0x20, 4)) & ~15, 0);
  assert.is((await pci.configRead(0x24, 4)) * 2 ** 32, bars[3]?.address);
  assert.is(await pci.configRead(4, 2), 7);
  peer.lines.length = 0;
  await pci.barWrite(0, 2, 2, 5);
  await pci.barWrite(4, 8, 4, 6);
  await pci.barWrite(5, 0, 4, 7);
  assert.equal(peer.lines, [
    `outw 0x${((bars[0]?.address ?? 0) + 2).toString(16)} 0x5`,
    `writel 0x${((bars[3]?.address ?? 0) + 8).toString(16)} 0x6`,
  ]);
  await pci.configWrite(0x14, 4, 0xd0000000);
  peer.lines.length = 0;
  await pci.barWrite(1, 4, 1, 9);
  assert.is(peer.lines.at(-1), "writeb 0xd0000004 0x9");
  assert.instance(await failure(Promise.resolve().then(() => pci.configRead(4096, 4))), VirtioUsageError);
});

qtest("the firmware stops the processor where it starts", () => {
  const image = haltBios();
  assert.is(image.length, 65536);
  assert.equal([...image.subarray(0xfff0, 0xfff5)], [0xfa, 0xf4, 0xeb, 0xfd, 0xf4]);
});

qtest("pictures are read from PPM", () => {
  const file = Buffer.concat([Buffer.from("P6\n2 1\n255\n"), Buffer.from([1, 2, 3, 10, 35, 30])]);
  assert.equal(parsePpm(file), { width: 2, height: 1, rgba: Uint8Array.of(1, 2, 3, 255, 10, 35, 30, 255) });
  // Rows as QEMU writes them, up to a multiple of four bytes.
  const padded = Buffer.concat([Buffer.from("P6\n1 2\n255\n"), Buffer.from([1, 2, 3, 99, 10, 35, 30, 99])]);
  assert.equal(parsePpm(padded), { width: 1, height: 2, rgba: Uint8Array.of(1, 2, 3, 255, 10, 35, 30, 255) });
  assert.is(parsePpm(file.subarray(0, -1)), undefined);
  assert.is(parsePpm(Buffer.from("P5\n2 1\n255\n123456")), undefined);
  assert.is(parsePpm(new Uint8Array(0)), undefined);
});

qtest("neither black nor grey is taken for QEMU's placeholder", () => {
  const picture = (level: number) => ({
    width: 320,
    height: 64,
    rgba: new Uint8Array(320 * 64 * 4).fill(level),
  });
  assert.not(isPlaceholder(picture(0)));
  assert.not(isPlaceholder(picture(0xaa)));
});

qtest("what is no QEMU is told in one line", async () => {
  for (const path of ["/no/such/program", "no-such-program", process.execPath, "/bin/true", "/"]) {
    const error = await failure(probeQemu(path));
    assert.instance(error, QemuUnfitError, path);
    assert.match(error.message, path);
    assert.not.match(error.message, "\n");
  }
});

qtest.run();
