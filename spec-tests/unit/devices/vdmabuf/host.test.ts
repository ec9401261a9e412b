// What is around the device: a host with several VMs, other devices that use the buffers, saved states.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  formatUuid,
  type PlainValue,
  type SavedDevice,
  SharedObjectRegistry,
} from "../../../../src/device/index.ts";
import {
  type VdmabufBuffer,
  VdmabufDevice,
  VdmabufHost,
  type VdmabufReleaseReason,
  vdmabufIdBytes,
} from "../../../../src/devices/vdmabuf/index.ts";
import { drive } from "../../../../src/testing/index.ts";
import { FORMATS, VdmabufGuest } from "../../../support/vdmabuf-guest.ts";
import {
  DMABUF_REL,
  exportMessage,
  NEED_VMID,
  PAGE,
  S,
  statusOf,
  words,
} from "../../../support/vdmabuf-messages.ts";

const test = suite("vdmabuf host");

test("every VM has an id of its own", () => {
  const host = new VdmabufHost();
  const first = new VdmabufDevice({ host });
  const named = new VdmabufDevice({ host, vmId: 2 });
  const next = new VdmabufDevice({ host });
  assert.equal([first.vmId, named.vmId, next.vmId], [1, 2, 3]);
  assert.equal(host.vmIds, [1, 2, 3]);
  assert.throws(() => new VdmabufDevice({ host, vmId: 3 }), /already a VM 3/);
  // The others go on when one is gone, and its id is free.
  named.unplug();
  assert.is(new VdmabufDevice({ host }).vmId, 2);
  // Without a host of their own choice they know nothing of each other.
  assert.is(new VdmabufDevice().vmId, 1);
  assert.is(new VdmabufDevice().vmId, 1);
});

test("buffers of several VMs do not mix", () => {
  const seen: number[] = [];
  const host = new VdmabufHost({ importer: { onExport: ({ id }) => void seen.push(id.vmId) } });
  const guests = [1, 2, 3].map(() => new VdmabufGuest({ host }));
  for (const guest of guests) {
    const page = guest.page();
    guest.memory.write(page, [guest.type.vmId]);
    const message = exportMessage({ vmId: guest.type.vmId, top: guest.tables([page]) });
    assert.is(statusOf(guest.send(message)), S.OK);
  }
  assert.equal(seen, [1, 2, 3]);
  const byte = new Uint8Array(1);
  for (const buffer of host.buffers()) {
    buffer.read(0, byte, 0, 1);
    assert.is(byte[0], buffer.id.vmId, "read from the memory of its own VM");
  }
  const [, second, third] = guests as [VdmabufGuest, VdmabufGuest, VdmabufGuest];
  second.type.buffers[0]?.release();
  assert.is(guests[0]?.type.pendingEvents, 0);
  assert.is(second.type.pendingEvents, 1);
  third.driven.device.writeStatus(0);
  assert.equal(
    [...host.buffers()].map(({ id }) => id.vmId),
    [1],
  );
});

test("without an importer, buffers wait to be looked up", () => {
  const guest = new VdmabufGuest({ host: new VdmabufHost() });
  guest.send(exportMessage({ top: guest.tables([guest.page()]) }));
  const [buffer] = guest.type.buffers as [VdmabufBuffer];
  assert.is(guest.host.find(buffer.id), buffer);
  buffer.release();
  assert.is(guest.host.find(buffer.id), null);
});

test("other devices find a buffer under the 16 bytes of its identifier, and hold up its release", () => {
  const sharedObjects = new SharedObjectRegistry();
  const gone: VdmabufReleaseReason[] = [];
  const host = new VdmabufHost({
    sharedObjects,
    importer: { onExport: () => {}, onRelease: (_buffer, reason) => void gone.push(reason) },
  });
  const guest = new VdmabufGuest({ host });
  const page = guest.page();
  guest.memory.write(page, [1, 2, 3, 4]);
  const message = exportMessage({
    counter: 0x01020304,
    key0: 0x11223344,
    key1: 0x55667788,
    top: guest.tables([page]),
  });
  guest.send(message);
  const [buffer] = guest.type.buffers as [VdmabufBuffer];
  const uuid = vdmabufIdBytes(buffer.id);
  assert.is(formatUuid(uuid), "04030201-0100-0000-4433-221188776655");
  const use = sharedObjects.acquire(uuid);
  assert.is(use?.content?.owner, "vdmabuf");
  assert.is(use?.content?.sizeBytes, PAGE);
  const copy = new Uint8Array(4);
  assert.is(use?.content?.read(0, copy, 0, 4), 4);
  assert.equal(copy, Uint8Array.of(1, 2, 3, 4));
  assert.is(use?.content?.guestSegments()?.count, 1);
  assert.is(use?.content?.write(0, copy, 0, 4), 0, "for reading only");

  buffer.release();
  assert.is(buffer.held, false);
  assert.is(guest.type.pendingEvents, 0, "somebody still reads");
  assert.is(use?.content?.read(0, copy, 0, 4), 4);
  assert.is(statusOf(guest.send(message)), S.HELD);
  assert.equal(gone, []);
  use?.release();
  assert.is(guest.type.pendingEvents, 1);
  assert.equal(gone, ["released"]);
  assert.is(sharedObjects.size, 0);
  assert.is(statusOf(guest.send(message)), S.OK);
});

test("a reset takes buffers away from everybody", () => {
  const sharedObjects = new SharedObjectRegistry();
  const guest = new VdmabufGuest({ host: new VdmabufHost({ sharedObjects }) });
  guest.send(exportMessage({ counter: 1, top: guest.tables([guest.page()]) }));
  guest.send(exportMessage({ counter: 2, top: guest.tables([guest.page()]) }));
  const [first, second] = guest.type.buffers as [VdmabufBuffer, VdmabufBuffer];
  const revoked: number[] = [];
  const uses = [first, second].map(({ id }) =>
    sharedObjects.acquire(vdmabufIdBytes(id), () => revoked.push(id.counter)),
  );
  second.release();
  guest.driven.device.writeStatus(0);
  assert.equal(revoked, [1, 2]);
  assert.is(sharedObjects.size, 0);
  for (const use of uses) assert.is(use?.content, null);
  assert.is(guest.type.counters.lost, 2);
  assert.is(guest.type.counters.releases, 0);
});

test("an identifier that another object has is refused", () => {
  const sharedObjects = new SharedObjectRegistry();
  const guest = new VdmabufGuest({ host: new VdmabufHost({ sharedObjects }) });
  const other = new VdmabufGuest({ host: new VdmabufHost({ sharedObjects }) });
  const message = exportMessage({ top: guest.tables([guest.page()]) });
  assert.is(statusOf(other.send(exportMessage({ top: other.tables([other.page()]) }))), S.OK);
  assert.is(statusOf(guest.send(message)), S.IMPORT);
  assert.is(guest.type.buffers.length, 0);
  assert.is(sharedObjects.size, 1, "the other one is untouched");
});

test("an importer that refuses leaves nothing in the registry", () => {
  const sharedObjects = new SharedObjectRegistry();
  const importer = {
    onExport: () => {
      throw new Error("no");
    },
  };
  const guest = new VdmabufGuest({ host: new VdmabufHost({ sharedObjects, importer }) });
  assert.is(statusOf(guest.send(exportMessage({ top: guest.tables([guest.page()]) }))), S.IMPORT);
  assert.is(sharedObjects.size, 0);
  assert.is(guest.type.pendingEvents, 0);
});

for (const format of FORMATS) {
  test(`a saved device goes on with its buffers and its messages, ${format}`, () => {
    const guest = new VdmabufGuest({ format, device: { vmId: 6 } });
    const pages = [guest.page(), guest.page(), guest.page()];
    guest.memory.write(pages[2] as number, [9, 9, 9]);
    const data = Uint8Array.of(1, 2, 3);
    const send = (counter: number) =>
      statusOf(
        guest.send(exportMessage({ counter, vmId: 6, pages: 3, last: 3, top: guest.tables(pages), data })),
      );
    assert.is(send(1), S.OK);
    assert.is(send(2), S.OK);
    (guest.exported[0] as VdmabufBuffer).release();
    const saved = JSON.parse(JSON.stringify(guest.driven.device.save())) as SavedDevice;

    const exported: VdmabufBuffer[] = [];
    const type = new VdmabufDevice({
      host: new VdmabufHost({ importer: { onExport: (buffer) => void exported.push(buffer) } }),
    });
    const { device } = drive(type, { transport: "mmio", device: { memory: guest.memory } });
    device.restore(saved);
    assert.is(type.vmId, 6);
    assert.equal(type.host.vmIds, [6]);
    assert.is(exported.length, 1);
    const [buffer] = exported as [VdmabufBuffer];
    assert.equal(buffer.id, (guest.exported[1] as VdmabufBuffer).id);
    assert.equal(buffer.privateData, data);
    assert.is(buffer.pageCount, 3);
    assert.is(buffer.sizeBytes, 2 * PAGE + 3);
    const copy = new Uint8Array(3);
    assert.is(buffer.read(2 * PAGE, copy, 0, 100), 3);
    assert.equal(copy, Uint8Array.of(9, 9, 9));
    assert.is(type.pendingEvents, 1);
    buffer.release();
    assert.is(type.pendingEvents, 2);
    // And the same once more.
    assert.equal((device.save().type as { events: PlainValue[] }).events.length, 2);
  });
}

test("a buffer that was released but is still used is saved as a release", () => {
  const sharedObjects = new SharedObjectRegistry();
  const guest = new VdmabufGuest({ host: new VdmabufHost({ sharedObjects }) });
  guest.send(exportMessage({ top: guest.tables([guest.page()]) }));
  const [buffer] = guest.type.buffers as [VdmabufBuffer];
  sharedObjects.acquire(vdmabufIdBytes(buffer.id));
  buffer.release();
  const state = guest.type.save() as { buffers: PlainValue[]; events: { command: number }[] };
  assert.is(state.buffers.length, 0);
  assert.equal(
    state.events.map(({ command }) => command),
    [DMABUF_REL],
  );
});

test("memory that was taken away before saving stays a hole", () => {
  const guest = new VdmabufGuest();
  const extra = guest.memory.addRegion({ base: 0x1_0000_0000, memory: new ArrayBuffer(PAGE) });
  const pages = [guest.page(), 0x1_0000_0000, guest.page()];
  guest.memory.write(pages[2] as number, [5]);
  guest.send(exportMessage({ top: guest.tables(pages), pages: 3 }));
  guest.memory.removeRegion(extra);
  const state = guest.type.save();
  guest.type.reset();
  guest.type.prepareRestore(state).takeOver();
  const buffer = guest.type.buffers[0] as VdmabufBuffer;
  assert.is(buffer.sizeBytes, 3 * PAGE);
  const copy = new Uint8Array(3 * PAGE).fill(7);
  assert.is(buffer.read(0, copy, 0, 3 * PAGE), 2 * PAGE);
  assert.is(copy[PAGE], 7);
  assert.is(copy[2 * PAGE], 5);
});

test("states that do not fit are refused", () => {
  const guest = new VdmabufGuest();
  guest.send(exportMessage({ top: guest.tables([guest.page()]) }));
  const state = guest.type.save() as { readonly [key: string]: PlainValue };
  const [buffer] = state["buffers"] as [{ readonly [key: string]: PlainValue }];
  const restore = (changes: object) => () =>
    guest.type.prepareRestore({ ...state, ...changes } as PlainValue).takeOver();
  guest.type.reset();
  assert.throws(() => guest.type.prepareRestore(null).takeOver(), /not an object/);
  assert.throws(() => guest.type.prepareRestore([]).takeOver(), /not an object/);
  assert.throws(restore({ version: 2 }), /version is 2, and this library reads versions 1 … 1/);
  assert.throws(restore({ vmId: 0 }), /vmId is 0/);
  assert.throws(restore({ vmId: -1 }), /vmId/);
  assert.throws(restore({ buffers: 3 }), /buffers is 3, not a list/);
  assert.throws(restore({ events: [{}] }), /events\[0\].command is missing/);
  assert.throws(
    restore({ buffers: [{ ...buffer, pieces: [[0, 0, 0, PAGE]] }] }),
    /buffers\[0\].pieces\[0\] is 4096 bytes at 0x0, where there is no memory/,
  );
  assert.throws(
    restore({ buffers: [{ ...buffer, privateData: ["x"] }] }),
    /buffers\[0\].privateData\[0\] is "x"/,
  );
  assert.throws(restore({ buffers: [{ ...buffer, id: undefined }] }), /buffers\[0\].id is missing/);
  const other = new VdmabufDevice({ host: guest.host });
  assert.is(other.vmId, 2);
  assert.throws(restore({ vmId: 2 }), /vmId is 2/);
  guest.type.prepareRestore(state).takeOver();
  assert.is(guest.type.buffers.length, 1);
  assert.is(statusOf(guest.send(words(NEED_VMID))), S.OK);
});

test("a device type belongs to one device", () => {
  const guest = new VdmabufGuest();
  assert.throws(() => drive(guest.type, { transport: "mmio" }), /already belongs/);
});

test.run();
