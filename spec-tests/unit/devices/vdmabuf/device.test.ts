import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  formatVdmabufId,
  readVdmabufImage,
  type VdmabufBuffer,
  VdmabufDevice,
  type VdmabufDeviceOptions,
  VdmabufHost,
  type VdmabufMessageRecord,
  vdmabufIdBytes,
} from "../../../../src/devices/vdmabuf/index.ts";
import { DeviceRig, FILLER, type RigOptions, type Sent } from "../../../../src/testing/index.ts";
import { pattern } from "../../../support/gpu-rig.ts";
import {
  DMABUF_REL,
  EXPORT,
  exportMessage,
  NEED_VMID,
  PAGE,
  RECV,
  readWords,
  S,
  SEND,
  statusOf,
  words,
  writeEntry,
} from "../../../support/vdmabuf-messages.ts";

/** A device driven by rings and messages written by hand. */
class Rig extends DeviceRig {
  readonly vdmabuf: VdmabufDevice;
  readonly exported: VdmabufBuffer[] = [];
  readonly gone: string[] = [];

  constructor(options: VdmabufDeviceOptions = {}, rig: RigOptions = {}) {
    const exported: VdmabufBuffer[] = [];
    const gone: string[] = [];
    const host = new VdmabufHost({
      importer: {
        onExport: (buffer) => void exported.push(buffer),
        onRelease: (buffer, reason) => void gone.push(`${formatVdmabufId(buffer.id)} ${reason}`),
      },
    });
    const vdmabuf = new VdmabufDevice({ host, ...options });
    super(vdmabuf, rig);
    this.vdmabuf = vdmabuf;
    this.exported = exported;
    this.gone = gone;
  }

  ask(message: Uint8Array, replyBytes = 24): Uint8Array<ArrayBuffer> {
    const sent = this.offer(SEND, [message], replyBytes === 0 ? [] : [replyBytes]);
    this.notify(SEND);
    assert.ok(sent.written >= 0, "the message was answered");
    return this.response(sent).slice(0, sent.written);
  }

  listen(lengthBytes = 260): Sent {
    return this.offer(RECV, [], [lengthBytes]);
  }

  heard(sent: Sent): number[] {
    this.collect(RECV);
    return readWords(this.response(sent).slice(0, Math.max(0, sent.written)));
  }

  /** A buffer of pages that lie anywhere; the address of its top-level table. */
  tables(pages: readonly number[]): number {
    const write = (addresses: readonly number[]): number => {
      const at = this.allocate(PAGE, PAGE);
      for (const [i, address] of addresses.entries()) writeEntry(this.memory.view(at, PAGE), i, address);
      return at;
    };
    const second: number[] = [];
    for (let i = 0; i < pages.length; i += 512) second.push(write(pages.slice(i, i + 512)));
    return write(second);
  }
}

const test = suite("vdmabuf device");

test("says what it is", () => {
  const device = new VdmabufDevice();
  assert.is(device.deviceId, 37);
  assert.equal(
    device.queues.map(({ name }) => name),
    ["recv", "send"],
  );
  assert.is(device.configLengthBytes, 0);
  assert.is(device.vmId, 1);
  assert.is(new VdmabufDevice({ vmId: 0xffffffff }).vmId, 0xffffffff);
  for (const vmId of [0, -1, 1.5, 2 ** 32])
    assert.throws(() => new VdmabufDevice({ vmId }), /vmId is .*, not an integer from 1 to/);
  for (const limits of [
    { maxBuffers: 0 },
    { maxPagesPerBuffer: 262145 },
    { maxPrivateBytes: 217 },
    { maxEvents: 0 },
    { maxPages: Number.NaN },
  ]) {
    assert.throws(() => new VdmabufDevice({ limits }), /limits\.max/);
  }
});

test("NEED_VMID is answered with the VM id in operand 0, zeros and a status", () => {
  const rig = new Rig({ vmId: 0x12345678 });
  assert.equal(readWords(rig.ask(words(NEED_VMID))), [0, 0x12345678, 0, 0, 0, 0]);
  // What else is in the message means nothing.
  assert.equal(readWords(rig.ask(words(NEED_VMID, 1, 2, 3, 4, 5, 6))), [0, 0x12345678, 0, 0, 0, 0]);
});

test("an answer ends after 24 bytes, however much room there is", () => {
  const rig = new Rig();
  const sent = rig.offer(SEND, [words(NEED_VMID)], [10, 3, 40]);
  rig.notify(SEND);
  assert.is(sent.written, 24);
  const bytes = rig.response(sent);
  assert.equal(readWords(bytes.slice(0, 24)), [0, 1, 0, 0, 0, 0]);
  assert.ok(bytes.slice(24).every((byte) => byte === FILLER));
});

test("EXPORT hands over the guest's pages themselves", () => {
  const rig = new Rig({ vmId: 5 });
  const pages = [0x200000, 0x100000, 0x101000, 0x300000];
  const bytes = pattern(4 * PAGE);
  for (const [i, page] of pages.entries()) rig.memory.write(page, bytes.subarray(i * PAGE, (i + 1) * PAGE));
  const data = Uint8Array.of(9, 8, 7, 6, 5);
  const message = exportMessage({
    counter: 0xfedc,
    vmId: 5,
    key0: 1,
    key1: 0xffffffff,
    pages: 4,
    offset: 100,
    last: 50,
    top: rig.tables(pages),
    data,
  });
  const answer = rig.ask(message);
  assert.equal(readWords(answer), [EXPORT, 0xfedc, 5, 1, 0xffffffff, S.OK]);
  const [buffer] = rig.exported as [VdmabufBuffer];
  assert.equal(buffer.id, { vmId: 5, counter: 0xfedc, key0: 1, key1: 0xffffffff });
  assert.equal(vdmabufIdBytes(buffer.id), message.slice(4, 20));
  assert.is(buffer.pageCount, 4);
  assert.is(buffer.sizeBytes, 4 * PAGE - 100 - (PAGE - 50));
  assert.equal(buffer.privateData, data);
  assert.is(buffer.held, true);
  // Neighbours are one piece; the first page starts, the last one ends where the message says.
  const segments = buffer.guestSegments();
  assert.equal(Array.from(segments?.offsets.subarray(0, 3) ?? []), [0x200064, 0x100000, 0x300000]);
  assert.equal(Array.from(segments?.lengths.subarray(0, 3) ?? []), [PAGE - 100, 2 * PAGE, 50]);
  const copy = new Uint8Array(buffer.sizeBytes);
  assert.is(buffer.read(0, copy, 0, copy.length), copy.length);
  assert.equal(copy, bytes.slice(100, 3 * PAGE + 50));
  // Nothing was copied: what the guest draws now is there.
  rig.memory.write(0x101000, [0xee]);
  buffer.read(2 * PAGE - 100, copy, 0, 1);
  assert.is(copy[0], 0xee);
  assert.is(buffer.write(), 0);
  assert.is(buffer.hostBytes(), null);
  assert.is(rig.vdmabuf.counters.bytesCopied, copy.length + 1, "by this test, not by the device");
  assert.is(rig.vdmabuf.counters.tableBytes, 8 + 4 * 8);
});

test("DMABUF_REL goes into the receive queue, in the guest's good time", () => {
  const rig = new Rig();
  rig.ask(exportMessage({ top: rig.tables([0x100000]), counter: 3, key0: 4, key1: 5 }));
  const first = rig.listen();
  assert.is(rig.collect(RECV).length, 0, "nothing to say yet");
  const [buffer] = rig.exported as [VdmabufBuffer];
  buffer.release();
  assert.equal(rig.heard(first), [DMABUF_REL, 3, 1, 4, 5]);
  assert.is(first.written, 20);
  assert.is(rig.interrupts[RECV], 1);
  assert.equal(rig.gone, ["1:3:00000004:00000005 released"]);
  assert.is(buffer.held, false);
  buffer.release();
  assert.is(rig.vdmabuf.pendingEvents, 0, "once is enough");
  // Whoever still has the buffer gets nothing of what the guest does with its pages.
  assert.is(buffer.read(0, new Uint8Array(1), 0, 1), 0);
  assert.is(buffer.guestSegments(), null);
  assert.is(buffer.pages.count, 0);
});

test("the same buffer can be exported again once it was released", () => {
  const rig = new Rig();
  const message = exportMessage({ top: rig.tables([0x100000]) });
  for (let i = 0; i < 5; i++) {
    assert.is(statusOf(rig.ask(message)), S.OK);
    assert.is(statusOf(rig.ask(message)), S.HELD);
    const receiver = rig.listen();
    (rig.exported[i] as VdmabufBuffer).release();
    assert.is(rig.heard(receiver)[0], DMABUF_REL);
  }
  assert.is(rig.vdmabuf.counters.exports, 5);
  assert.is(rig.vdmabuf.counters.refused, 5);
  assert.is(rig.vdmabuf.counters.releases, 5);
});

test("a message without room for an answer gets it through the receive queue, as in the proposal", () => {
  const rig = new Rig({ vmId: 9 });
  const receivers = [rig.listen(), rig.listen(), rig.listen()] as const;
  assert.is(rig.ask(words(NEED_VMID), 0).length, 0);
  rig.ask(exportMessage({ vmId: 9, top: rig.tables([0x100000]) }), 0);
  rig.ask(words(0x77), 0);
  assert.equal(rig.heard(receivers[0]), [NEED_VMID, 9, 0, 0, 0, S.OK]);
  assert.equal(rig.heard(receivers[1]), [EXPORT, 1, 9, 0xaaaa0000, 0xbbbb0000, S.OK]);
  assert.equal(rig.heard(receivers[2]), [0x77, 0, 0, 0, 0, S.COMMAND]);
});

test("messages split anywhere are understood", () => {
  const rig = new Rig({ queueSize: 256, limits: { maxBuffers: 1000 } }, { queueSize: 256 });
  const top = rig.tables([0x100000]);
  const data = pattern(20);
  for (let cut = 1; cut < 64; cut++) {
    const message = exportMessage({ counter: cut, top, data });
    const sent = rig.offer(SEND, [message.subarray(0, cut), message.subarray(cut)], [cut % 24 || 24, 24]);
    rig.notify(SEND);
    assert.is(sent.written, 24);
    assert.is(statusOf(rig.response(sent).slice(0, 24)), S.OK);
    assert.equal(rig.exported.at(-1)?.privateData, data);
  }
  const message = exportMessage({ counter: 100, top, data });
  const bytes = Array.from(message, (byte) => Uint8Array.of(byte));
  const sent = rig.offer(SEND, bytes, new Array<number>(24).fill(1));
  rig.notify(SEND);
  assert.is(statusOf(rig.response(sent)), S.OK);
});

test("a message is 4 to 260 bytes long", () => {
  const rig = new Rig();
  const full = new Uint8Array(260);
  assert.is(statusOf(rig.ask(full)), S.OK, "NEED_VMID with all operands");
  assert.is(statusOf(rig.ask(new Uint8Array(261))), S.LENGTH);
  const most = exportMessage({ top: rig.tables([0x100000]), data: pattern(216) });
  assert.is(most.length, 260);
  assert.is(statusOf(rig.ask(most)), S.OK);
  assert.equal(rig.exported[0]?.privateData, pattern(216));
});

test("every message is told to who watches", () => {
  const records: VdmabufMessageRecord[] = [];
  const rig = new Rig({ onMessage: (record) => void records.push(record) });
  rig.ask(words(NEED_VMID));
  rig.ask(exportMessage({ counter: 2, top: rig.tables([0x100000, 0x101000]), pages: 2, data: pattern(8) }));
  rig.ask(words(5));
  rig.listen();
  (rig.exported[0] as VdmabufBuffer).release();
  assert.equal(
    records.map(({ queue, name, status, messageBytes, readable, writable, tableBytes, writtenBytes }) => [
      queue,
      name,
      status,
      messageBytes,
      readable,
      writable,
      tableBytes,
      writtenBytes,
    ]),
    [
      ["send", "VIRTIO_VDMABUF_CMD_NEED_VMID", "VIRTIO_VDMABUF_S_OK", 4, [4], [24], 0, 24],
      ["send", "VIRTIO_VDMABUF_CMD_EXPORT", "VIRTIO_VDMABUF_S_OK", 52, [52], [24], 24, 24],
      ["send", "0x5", "VIRTIO_VDMABUF_S_COMMAND", 4, [4], [24], 0, 24],
      ["recv", "VIRTIO_VDMABUF_CMD_DMABUF_REL", null, 20, [], [260], 0, 20],
    ],
  );
  assert.equal(records[1]?.id, { vmId: 1, counter: 2, key0: 0xaaaa0000, key1: 0xbbbb0000 });
  assert.is(records[1]?.descriptors, 2);
  assert.is(records[2]?.reason, "no command of a guest");
});

test("reset gives everything back to the guest, without a word", () => {
  const rig = new Rig();
  for (let counter = 0; counter < 4; counter++) {
    rig.ask(exportMessage({ counter, top: rig.tables([0x100000 + counter * PAGE]) }));
  }
  (rig.exported[0] as VdmabufBuffer).release();
  assert.is(rig.vdmabuf.pendingEvents, 1);
  rig.device.writeStatus(0);
  assert.is(rig.vdmabuf.pendingEvents, 0);
  assert.is(rig.vdmabuf.buffers.length, 0);
  assert.is(rig.vdmabuf.counters.lost, 3);
  assert.equal(
    rig.gone.map((line) => line.split(" ")[1]),
    ["released", "reset", "reset", "reset"],
  );
  for (const buffer of rig.exported) {
    assert.is(buffer.held, false);
    assert.is(buffer.read(0, new Uint8Array(1), 0, 1), 0);
    buffer.release();
  }
  rig.initialize();
  assert.is(rig.vdmabuf.vmId, 1);
  assert.is(statusOf(rig.ask(exportMessage({ counter: 2, top: rig.tables([0x100000]) }))), S.OK);
  assert.is(rig.vdmabuf.pendingEvents, 0, "nothing of before");
});

test("a reset of the receive queue keeps what waits; one of the send queue keeps the buffers", () => {
  const rig = new Rig();
  rig.ask(exportMessage({ counter: 1, top: rig.tables([0x100000]) }));
  rig.ask(exportMessage({ counter: 2, top: rig.tables([0x101000]) }));
  (rig.exported[0] as VdmabufBuffer).release();
  rig.device.resetQueue(RECV);
  rig.device.resetQueue(SEND);
  assert.is(rig.vdmabuf.buffers.length, 1);
  (rig.exported[1] as VdmabufBuffer).release();
  assert.is(rig.vdmabuf.pendingEvents, 2);
  rig.enableQueue(RECV);
  const receivers = [rig.listen(), rig.listen()] as const;
  rig.notify(RECV);
  assert.is(rig.heard(receivers[0])[1], 1);
  assert.is(rig.heard(receivers[1])[1], 2);
});

test("removed memory turns a buffer into a hole", () => {
  const rig = new Rig();
  const extra = rig.memory.addRegion({ base: 0x1_0000_0000, memory: new ArrayBuffer(2 * PAGE) });
  const top = rig.tables([0x1_0000_0000, 0x100000, 0x1_0000_1000]);
  assert.is(statusOf(rig.ask(exportMessage({ top, pages: 3 }))), S.OK);
  const [buffer] = rig.exported as [VdmabufBuffer];
  rig.memory.write(0x100000, [1, 2, 3]);
  rig.memory.removeRegion(extra);
  const copy = new Uint8Array(3 * PAGE).fill(7);
  assert.is(buffer.read(0, copy, 0, 3 * PAGE), PAGE);
  assert.equal(Array.from(copy.subarray(PAGE - 1, PAGE + 3)), [7, 1, 2, 3]);
});

test("addresses above 4 GiB are not mistaken for those below", () => {
  const rig = new Rig();
  const top = rig.tables([0x100000]);
  // A page and a table whose lower halves are those of the tables.
  rig.memory.addRegion({
    base: 0x1_0000_0000,
    memory: new ArrayBuffer(rig.memory.regions[0]?.sizeBytes ?? 0),
  });
  const twin = 0x1_0000_0000 + top;
  rig.memory.write(twin, [4, 5, 6]);
  assert.is(statusOf(rig.ask(exportMessage({ counter: 1, top: rig.tables([twin]) }))), S.OK);
  writeEntry(rig.memory.view(top, PAGE), 0, twin);
  writeEntry(rig.memory.view(twin, PAGE), 0, 0x100000);
  assert.is(statusOf(rig.ask(exportMessage({ counter: 2, top }))), S.OK);
});

test("a host finds a buffer by its whole identifier only", () => {
  const rig = new Rig({ vmId: 2 });
  rig.ask(exportMessage({ vmId: 2, counter: 1, key0: 3, key1: 4, top: rig.tables([0x100000]) }));
  const { host } = rig.vdmabuf;
  const id = { vmId: 2, counter: 1, key0: 3, key1: 4 };
  assert.is(host.find(id), rig.exported[0]);
  for (const wrong of [{ vmId: 1 }, { counter: 2 }, { key0: 4 }, { key1: 3 }]) {
    assert.is(host.find({ ...id, ...wrong }), null);
  }
});

test("a picture in the private data is checked against the buffer", () => {
  const rig = new Rig();
  const image = (...fields: readonly number[]) => words(...fields);
  // width, height, stride, offset, format, scanout, damage x, y, width, height
  const good = [16, 8, 64, 0, 2, 1, 4, 5, 6, 3];
  const cases: [readonly number[], boolean][] = [
    [good, true],
    [good.with(3, PAGE - 512), true],
    [good.with(3, PAGE - 511), false],
    [good.with(2, 63), false],
    [good.with(2, 0xffffffff), false],
    [good.with(0, 0), false],
    [good.with(1, 0), false],
    [good.with(0, 0x40000000), false],
    [good.with(1, 0xffffffff), false],
    [good.with(6, 11), false],
    [good.with(6, 0xffffffff), false],
    [good.with(9, 4), false],
    [good.with(8, 0xffffffff), false],
    [good.slice(0, 9), false],
    [[...good, 1, 2], true],
  ];
  for (const [i, [fields, accepted]] of cases.entries()) {
    rig.ask(exportMessage({ counter: i, top: rig.tables([0x100000]), data: image(...fields) }));
    const read = readVdmabufImage(rig.exported[i] as VdmabufBuffer);
    assert.is(read !== null, accepted, `case ${i}`);
    if (i === 0) {
      assert.equal(read, {
        widthPixels: 16,
        heightPixels: 8,
        strideBytes: 64,
        offsetBytes: 0,
        format: 2,
        scanoutId: 1,
        damage: { x: 4, y: 5, widthPixels: 6, heightPixels: 3 },
      });
    }
  }
});

const protocol = readFileSync("src/devices/vdmabuf/PROTOCOL.md", "utf8");

test("the example of the protocol's description holds, byte for byte", () => {
  const lines = protocol.slice(protocol.indexOf("## An example")).split("\n");
  const block = lines.slice(lines.indexOf("```") + 1, lines.lastIndexOf("```"));
  const parts = new Map<string, number[]>();
  let name = "";
  for (const line of block) {
    if (line.slice(0, 17).trim() !== "") name = line.slice(0, 17).trim();
    const bytes = (line.slice(17).match(/[0-9a-f]{2}/g) ?? []).map((hex) => Number.parseInt(hex, 16));
    parts.set(name, [...(parts.get(name) ?? []), ...bytes]);
  }
  const part = (key: string) => Uint8Array.from(parts.get(key) ?? []);
  const rig = new Rig();
  rig.memory.write(0x70000, part("0x70000"));
  rig.memory.write(0x71000, part("0x71000"));
  assert.is(part("send, readable").length, 44);
  assert.equal(rig.ask(part("send, readable")), part("send, writable"));
  const [buffer] = rig.exported as [VdmabufBuffer];
  assert.equal(Array.from(buffer.pages.segments.offsets.subarray(0, 2)), [0x81000, 0x90000]);
  const receiver = rig.listen();
  buffer.release();
  rig.collect(RECV);
  assert.equal(rig.response(receiver).slice(0, receiver.written), part("recv, writable"));
});

test("the tables of the protocol's description are those of the tests", () => {
  const rows = [...protocol.matchAll(/^\| (\d+) \| VIRTIO_VDMABUF_S_(\w+) \|/gm)];
  assert.equal(Object.fromEntries(rows.map(([, value, name]) => [name, Number(value)])), S);
  const commands = [...protocol.matchAll(/^\| 0x(\w+) \| VIRTIO_VDMABUF_CMD_(\w+) \|/gm)];
  assert.equal(
    commands.map(([, value, name]) => [name, Number.parseInt(value ?? "", 16)]),
    [
      ["NEED_VMID", NEED_VMID],
      ["EXPORT", EXPORT],
      ["DMABUF_REL", DMABUF_REL],
    ],
  );
});

test("one notification costs no more than a turn's work: messages, and pages that are listed", () => {
  const rig = new Rig({}, { device: { maxTurnWork: 4 * 1024 } });
  while (rig.scheduled.length > 0) rig.scheduled.shift()?.();
  const sent = Array.from({ length: 12 }, () => rig.offer(SEND, [words(NEED_VMID)], [24]));
  const answered = (): number => {
    rig.collect(SEND);
    return sent.filter(({ written }) => written >= 0).length;
  };
  rig.notify(SEND);
  assert.is(answered(), 4);
  for (let turn = 2; rig.scheduled.length > 0; turn++) {
    assert.is(rig.scheduled.length, 1, "one turn is asked for at a time");
    rig.scheduled.shift()?.();
    assert.is(answered(), Math.min(12, 4 * turn));
  }
  assert.is(answered(), 12);
});

test.run();
