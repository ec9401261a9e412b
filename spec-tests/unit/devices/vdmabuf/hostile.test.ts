// What a hostile guest can think of. Each is answered with the status that PROTOCOL.md names, and leaves nothing behind.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { VdmabufBuffer } from "../../../../src/devices/vdmabuf/index.ts";
import { ElementList } from "../../../../src/driver/index.ts";
import type { AddressTranslator, Translation } from "../../../../src/memory/index.ts";
import { VIRTIO_F_ACCESS_PLATFORM } from "../../../../src/wire/index.ts";
import {
  FORMATS,
  RAM_BASE,
  RAM_BYTES,
  VdmabufGuest,
  type VdmabufGuestOptions,
} from "../../../support/vdmabuf-guest.ts";
import {
  DMABUF_REL,
  EXPORT,
  type ExportFields,
  exportMessage,
  NEED_VMID,
  PAGE,
  RECV,
  readWords,
  S,
  SEND,
  statusOf,
  words,
} from "../../../support/vdmabuf-messages.ts";

const RAM_END = RAM_BASE + RAM_BYTES;

for (const format of FORMATS) {
  const test = suite(`vdmabuf, hostile guest, ${format}`);
  const guestWith = (options: VdmabufGuestOptions = {}) => new VdmabufGuest({ format, ...options });

  /** The status of an EXPORT; whatever it is, the device lives and nothing is held unless it is OK. */
  const tryExport = (guest: VdmabufGuest, fields: ExportFields): number => {
    const held = guest.type.buffers.length;
    const status = statusOf(guest.send(exportMessage(fields)));
    assert.is(guest.type.buffers.length, held + (status === S.OK ? 1 : 0));
    assert.is(guest.driven.device.counters.queueFaults, 0);
    assert.equal(readWords(guest.send(words(NEED_VMID))), [0, 1, 0, 0, 0, 0]);
    return status;
  };

  test("a message truncated at every byte", () => {
    const guest = guestWith();
    const message = exportMessage({ top: guest.tables([guest.page()]), data: new Uint8Array(13) });
    for (let length = 1; length < message.length; length++) {
      const answer = guest.send(message.slice(0, length));
      // Without its last byte, the command word is another: 0x10 alone is EXPORT all the same.
      assert.is(statusOf(answer), S.LENGTH, `${length} bytes`);
      // The identifier is echoed once it is there, as a whole.
      const echoed = length >= 20 ? [1, 1, 0xaaaa0000, 0xbbbb0000] : [0, 0, 0, 0];
      assert.equal(readWords(answer).slice(1, 5), echoed, `${length} bytes`);
    }
    assert.is(guest.type.buffers.length, 0);
    assert.is(statusOf(guest.send(message)), S.OK);
  });

  test("no message at all", () => {
    const guest = guestWith();
    assert.equal(readWords(guest.send(new Uint8Array(0))), [0, 0, 0, 0, 0, S.LENGTH]);
  });

  test("an answer buffer of every length", () => {
    const guest = guestWith();
    for (let room = 1; room < 24; room++) {
      const answer = guest.send(words(NEED_VMID), room);
      assert.is(answer.length, room);
      assert.equal(Array.from(answer), [0, 0, 0, 0, 1, ...new Array<number>(19).fill(0)].slice(0, room));
    }
  });

  test("commands that are none of a guest's", () => {
    const guest = guestWith();
    const top = guest.tables([guest.page()]);
    for (const command of [DMABUF_REL, 1, 0x0f, 0x12, 0x1000, 0x80000010, 0xffffffff]) {
      const message = exportMessage({ top });
      message.set(words(command));
      assert.is(statusOf(guest.send(message)), S.COMMAND);
    }
    assert.is(guest.type.buffers.length, 0);
  });

  test("ids of other VMs", () => {
    const guest = guestWith();
    const other = new VdmabufGuest({ format, host: guest.host });
    assert.is(other.type.vmId, 2);
    const theirs = other.tables([other.page()]);
    assert.is(statusOf(other.send(exportMessage({ vmId: 2, top: theirs }))), S.OK);
    const top = guest.tables([guest.page()]);
    for (const vmId of [0, 2, 3, 0x80000001, 0xffffffff]) assert.is(tryExport(guest, { vmId, top }), S.VMID);
    assert.is(statusOf(other.send(exportMessage({ vmId: 1, top: theirs }))), S.VMID);
    // Not even whether there is such a buffer: with the right keys the answer is the same.
    assert.is(tryExport(guest, { vmId: 2, counter: 1, key0: 1, top }), S.VMID);
    assert.is(tryExport(guest, { top }), S.OK);
    assert.equal(
      [...guest.host.buffers()].map(({ id }) => id.vmId),
      [1, 2],
    );
  });

  test("the same buffer exported again and again", () => {
    const guest = guestWith();
    const top = guest.tables([guest.page()]);
    assert.is(tryExport(guest, { top }), S.OK);
    const tables = guest.type.counters.tableBytes;
    for (let i = 0; i < 100; i++) assert.is(tryExport(guest, { top }), S.HELD);
    assert.is(tryExport(guest, { top: 0xffffffff, pages: 0xffffffff }), S.HELD);
    assert.is(guest.type.counters.tableBytes, tables, "no table was read for it");
    assert.is(guest.exported.length, 1);
  });

  test("wrong keys", () => {
    const guest = guestWith();
    const top = guest.tables([guest.page()]);
    assert.is(tryExport(guest, { top, key0: 1, key1: 2 }), S.OK);
    for (const [key0, key1] of [
      [2, 1],
      [1, 3],
      [0, 2],
      [0xffffffff, 0xffffffff],
    ] as const) {
      assert.is(tryExport(guest, { top, key0, key1 }), S.KEY);
    }
    assert.is(guest.host.find({ vmId: 1, counter: 1, key0: 1, key1: 3 }), null);
    // Another number under the same keys is another buffer.
    assert.is(tryExport(guest, { top, counter: 2, key0: 1, key1: 2 }), S.OK);
  });

  test("page counts beyond memory, and such that overflow when multiplied", () => {
    const guest = guestWith();
    const top = guest.tables(new Array<number>(1024).fill(guest.page()));
    const before = guest.type.counters.tableBytes;
    for (const pages of [
      0,
      RAM_BYTES / PAGE + 1,
      65537,
      262145,
      0x00100000,
      0x10000000,
      0x20000000,
      0x20000001,
      0x40000000,
      0x7fffffff,
      0x80000000,
      0x80000001,
      0xfffffffe,
      0xffffffff,
    ]) {
      assert.is(tryExport(guest, { top, pages }), S.RANGE, `${pages} pages`);
    }
    assert.is(guest.type.counters.tableBytes, before, "nothing was read");
    // The limit of the embedder comes before that of memory.
    const small = guestWith({ device: { limits: { maxPagesPerBuffer: 3 } } });
    const table = small.tables([small.page(), small.page(), small.page(), small.page()]);
    assert.is(tryExport(small, { top: table, pages: 4 }), S.RANGE);
    assert.is(tryExport(small, { top: table, pages: 3 }), S.OK);
  });

  test("more pages than the tables hold", () => {
    const guest = guestWith();
    const top = guest.tables(Array.from({ length: 520 }, () => guest.page()));
    assert.is(tryExport(guest, { top, pages: 521 }), S.PAGE, "the next entry is 0");
    assert.is(tryExport(guest, { counter: 1, top, pages: 520 }), S.OK);
    const full = guest.tables(new Array<number>(1024).fill(guest.page()));
    assert.is(tryExport(guest, { counter: 2, top: full, pages: 1025 }), S.TABLE);
    assert.is(tryExport(guest, { counter: 2, top: full, pages: 1024 }), S.OK);
  });

  test("offsets and lengths out of their pages", () => {
    const guest = guestWith();
    const one = guest.tables([guest.page()]);
    const two = guest.tables([guest.page(), guest.page()]);
    for (const [pages, offset, last] of [
      [1, 4096, 4096],
      [1, 0, 0],
      [1, 0, 4097],
      [1, 10, 10],
      [1, 11, 10],
      [1, 0xffffffff, 4096],
      [1, 0, 0xffffffff],
      [1, 0x80000000, 0x80000001],
      [2, 4096, 4096],
      [2, 0, 0],
      [2, 0, 4097],
      [2, 0xfffff001, 1],
      [2, 0, 0x80000000],
    ] as const) {
      const top = pages === 1 ? one : two;
      assert.is(tryExport(guest, { top, pages, offset, last }), S.RANGE, `${pages}, ${offset}, ${last}`);
    }
    assert.is(tryExport(guest, { counter: 1, top: one, offset: 10, last: 11 }), S.OK);
    assert.is(tryExport(guest, { counter: 2, top: two, pages: 2, offset: 4095, last: 1 }), S.OK);
    assert.equal(
      guest.exported.map(({ sizeBytes }) => sizeBytes),
      [1, 2],
    );
  });

  test("tables with loops", () => {
    const guest = guestWith();
    const page = guest.page();
    const self = guest.page();
    guest.table([self], self);
    assert.is(tryExport(guest, { top: self }), S.TABLE, "a table that is its own second level");

    const [a, b] = [guest.page(), guest.page()];
    guest.table([b], a);
    guest.table([a], b);
    assert.is(tryExport(guest, { top: a }), S.PAGE, "the top-level table as a page");

    const inner = guest.page();
    guest.table([inner], inner);
    assert.is(
      tryExport(guest, { top: guest.table([inner]) }),
      S.PAGE,
      "a second-level table as its own page",
    );

    const full = guest.table(new Array<number>(512).fill(page));
    const pages = 2 * 512;
    assert.is(tryExport(guest, { top: guest.table([full, full]), pages }), S.TABLE, "the same table twice");

    const later = guest.table(new Array<number>(512).fill(page));
    const earlier = guest.table([...new Array<number>(511).fill(page), later]);
    assert.is(
      tryExport(guest, { top: guest.table([earlier, later]), pages }),
      S.PAGE,
      "a table of later as a page",
    );

    // All of them in one ring of tables, as deep as tables can be nested.
    const ring = Array.from({ length: 64 }, () => guest.page());
    for (const [i, at] of ring.entries()) guest.table([...ring.slice(i + 1), ...ring.slice(0, i + 1)], at);
    for (const top of ring) assert.is(tryExport(guest, { top, pages: 4096 }), S.PAGE);
  });

  test("a page that occurs more than once is read more than once", () => {
    const guest = guestWith();
    const page = guest.page();
    guest.memory.write(page, [42]);
    assert.is(tryExport(guest, { top: guest.tables([page, page, page]), pages: 3 }), S.OK);
    const byte = new Uint8Array(1);
    (guest.exported[0] as VdmabufBuffer).read(2 * PAGE, byte, 0, 1);
    assert.is(byte[0], 42);
  });

  test("tables and pages outside of memory, and such that leave it", () => {
    const guest = guestWith();
    const page = guest.page();
    const second = guest.table([page]);
    const nowhere = [0, PAGE, RAM_BASE - PAGE, RAM_END, 0xfffff000, 2 ** 32, 2 ** 52, (1n << 64n) - 4096n];
    for (const address of nowhere) {
      const hi = Number(BigInt(address) >> 32n);
      const lo = Number(BigInt(address) & 0xffffffffn);
      assert.is(tryExport(guest, { topHi: hi, top: lo }), S.TABLE, `top at ${address}`);
      assert.is(tryExport(guest, { top: guest.table([address]) }), S.TABLE, `table at ${address}`);
      assert.is(tryExport(guest, { top: guest.tables([address]) }), S.PAGE, `page at ${address}`);
      const pages = [page, address, page];
      assert.is(
        tryExport(guest, { top: guest.tables(pages), pages: 3 }),
        S.PAGE,
        `second page at ${address}`,
      );
    }
    assert.is(
      tryExport(guest, { topHi: 1, top: guest.table([second]) }),
      S.TABLE,
      "the right half of an address",
    );
    assert.is(tryExport(guest, { top: guest.table([second]) }), S.OK);
  });

  test("tables and pages that are not aligned", () => {
    const guest = guestWith();
    const page = guest.page(2);
    const second = guest.page(2);
    guest.table([page], second);
    const top = guest.table([second]);
    for (const shift of [1, 4, 8, 2048, 4095]) {
      assert.is(tryExport(guest, { top: top + shift }), S.TABLE);
      assert.is(tryExport(guest, { top: guest.table([second + shift]) }), S.TABLE);
      assert.is(tryExport(guest, { top: guest.tables([page + shift]) }), S.PAGE);
    }
  });

  test("private data beyond the operands, beyond the message, beyond what the host takes", () => {
    const guest = guestWith({ device: { limits: { maxPrivateBytes: 100 } } });
    const top = guest.tables([guest.page()]);
    for (const privateSize of [101, 216, 217, 256, 0x7fffffff, 0xffffffff]) {
      assert.is(tryExport(guest, { top, privateSize }), S.PRIVATE, `${privateSize} bytes`);
      assert.is(tryExport(guest, { top, privateSize, data: new Uint8Array(216) }), S.PRIVATE);
    }
    for (const privateSize of [1, 50, 100]) {
      const data = new Uint8Array(privateSize - 1);
      assert.is(tryExport(guest, { top, privateSize, data }), S.LENGTH, `${privateSize} bytes, one missing`);
    }
    // Operands behind the private data mean nothing, and are not kept.
    assert.is(tryExport(guest, { top, privateSize: 5, data: new Uint8Array(100).fill(1) }), S.OK);
    assert.is(guest.exported[0]?.privateData.length, 5);
  });

  test("nothing of one message shows in the next", () => {
    const guest = guestWith();
    const top = guest.tables([guest.page()]);
    guest.send(exportMessage({ counter: 1, top, data: new Uint8Array(216).fill(0xee) }));
    assert.equal(readWords(guest.send(Uint8Array.of(EXPORT))), [EXPORT, 0, 0, 0, 0, S.LENGTH]);
    guest.send(new Uint8Array(260).fill(0xee));
    assert.equal(readWords(guest.send(Uint8Array.of(EXPORT))), [EXPORT, 0, 0, 0, 0, S.LENGTH]);
    guest.send(exportMessage({ counter: 2, top, privateSize: 216, data: new Uint8Array(215) }));
    guest.send(exportMessage({ counter: 3, top, data: new Uint8Array(3) }));
    assert.equal(Array.from(guest.exported[1]?.privateData ?? []), [0, 0, 0]);
  });

  test("releases that are never sent", () => {
    const limits = { maxBuffers: 10, maxPages: 24 };
    const guest = guestWith({ device: { limits } });
    const pages = [guest.page(), guest.page(), guest.page()];
    const top = guest.tables(pages);
    for (let counter = 0; counter < 8; counter++)
      assert.is(tryExport(guest, { counter, top, pages: 3 }), S.OK);
    assert.is(tryExport(guest, { counter: 8, top, pages: 1 }), S.LIMIT, "pages of all buffers");
    (guest.exported[0] as VdmabufBuffer).release();
    (guest.exported[1] as VdmabufBuffer).release();
    for (let counter = 20; counter < 24; counter++) assert.is(tryExport(guest, { counter, top }), S.OK);
    assert.is(guest.type.buffers.length, 10);
    for (let i = 0; i < 100; i++) assert.is(tryExport(guest, { counter: 100 + i, top }), S.LIMIT);
    assert.is(guest.type.buffers.length, 10);
    // Only a reset gives the guest back what the host keeps.
    guest.driver.close();
    assert.is(guest.type.buffers.length, 0);
    assert.is(guest.type.counters.lost, 10);
  });

  test("a receive queue that is never filled", () => {
    const guest = guestWith({ importer: { onExport: (buffer) => buffer.release() } });
    const top = guest.tables([guest.page()]);
    for (let counter = 0; counter < 1000; counter++) {
      assert.is(statusOf(guest.send(exportMessage({ counter, top }))), S.OK);
      assert.ok(guest.type.pendingEvents <= 32);
    }
    for (let i = 0; i < 100; i++) guest.send(words(NEED_VMID), 0);
    assert.is(guest.type.pendingEvents, 32);
    assert.is(guest.type.counters.eventsDropped, 1000 + 100 - 32);
    assert.is(guest.type.counters.eventsDelivered, 0);
  });

  test("a receive queue that is filled too late gets the last 32 messages", () => {
    const guest = guestWith({ importer: { onExport: (buffer) => buffer.release() } });
    const top = guest.tables([guest.page()]);
    for (let counter = 0; counter < 50; counter++) guest.send(exportMessage({ counter, top }));
    const heard = guest.hear(...new Array<number>(40).fill(260));
    assert.equal(
      heard.map(({ words: [command, counter] }) => [command, counter]),
      Array.from({ length: 32 }, (_, i) => [DMABUF_REL, 18 + i]),
    );
    assert.is(guest.type.pendingEvents, 0);
  });

  test("buffers of the receive queue that are too short, or not to be written, come back empty", () => {
    const guest = guestWith({ importer: { onExport: (buffer) => buffer.release() } });
    guest.send(exportMessage({ counter: 7, top: guest.tables([guest.page()]) }));
    assert.equal(
      guest.hear(1, 4, 19, 0).map(({ written }) => written),
      [0, 0, 0, 0],
    );
    assert.is(guest.type.counters.shortReceiveBuffers, 4);
    assert.is(guest.type.pendingEvents, 1, "the message is still there");
    assert.equal(guest.hear(20), [{ written: 20, words: [DMABUF_REL, 7, 1, 0xaaaa0000, 0xbbbb0000] }]);
    // The answer to a message without room for one is longer than a release.
    guest.send(words(NEED_VMID), 0);
    assert.equal(guest.hear(23, 24), [
      { written: 0, words: [] },
      { written: 24, words: [NEED_VMID, 1, 0, 0, 0, S.OK] },
    ]);
  });

  test("tables that the guest rewrites while the device looks", () => {
    const reads: string[] = [];
    const translator: AddressTranslator = {
      translate(hi: number, lo: number, lengthBytes: number, _write: boolean, result: Translation) {
        reads.push(`${hi * 2 ** 32 + lo}+${lengthBytes}`);
        result.hi = hi;
        result.lo = lo;
        return lengthBytes;
      },
    };
    const guest = guestWith({ translator });
    assert.ok(guest.driven.driver.hasFeature(VIRTIO_F_ACCESS_PLATFORM));
    const pages = Array.from({ length: 513 }, () => guest.page());
    const top = guest.tables(pages);
    reads.length = 0;
    assert.is(statusOf(guest.send(exportMessage({ top, pages: 513 }))), S.OK);
    const walked = reads.filter((read) => /\+(16|8|4096)$/.test(read));
    // Each table once, as far as it is in use, and each page once: there is no second look to lie to.
    assert.is(walked.filter((read) => read === `${top}+16`).length, 1);
    assert.is(walked.filter((read) => read.endsWith("+4096")).length, 1 + 513, "a full table and the pages");
    assert.is(new Set(reads).size, reads.length);
    // What the guest does to its tables afterwards changes nothing.
    guest.memory.view(top, PAGE).fill(0xff);
    guest.memory.write(pages[512] as number, [77]);
    const byte = new Uint8Array(1);
    (guest.exported[0] as VdmabufBuffer).read(512 * PAGE, byte, 0, 1);
    assert.is(byte[0], 77);
  });

  test("memory that the platform does not grant", () => {
    const translator: AddressTranslator = {
      translate(hi, lo, lengthBytes, _write, result) {
        if (hi === 0x77) return 0;
        result.hi = hi;
        result.lo = lo;
        return lengthBytes;
      },
    };
    const guest = guestWith({ translator });
    const page = guest.page();
    const hidden = 0x77n << 32n;
    assert.is(tryExport(guest, { topHi: 0x77, top: guest.tables([page]) }), S.TABLE);
    assert.is(tryExport(guest, { top: guest.table([hidden | BigInt(guest.table([page]))]) }), S.TABLE);
    assert.is(tryExport(guest, { top: guest.tables([hidden | BigInt(page)]) }), S.PAGE);
    assert.is(tryExport(guest, { top: guest.tables([page]) }), S.OK);
  });

  test("a walk looks at no more than what was announced", () => {
    let translations = 0;
    const translator: AddressTranslator = {
      translate(hi, lo, lengthBytes, _write, result) {
        translations++;
        result.hi = hi;
        result.lo = lo;
        return lengthBytes;
      },
    };
    const guest = guestWith({ translator });
    const page = guest.page();
    const last = new Array<number>(3 * 512).fill(page);
    last[last.length - 1] = 0;
    const top = guest.tables(last);
    translations = 0;
    assert.is(statusOf(guest.send(exportMessage({ top, pages: 3 * 512 }))), S.PAGE);
    assert.ok(translations <= 1 + 3 + 3 * 512 + 16, `${translations}`);
    assert.is(guest.type.buffers.length, 0);
  });

  test("tables and pages that lie in the message, in the answer or in the rings", () => {
    const guest = guestWith();
    const rings = [RECV, SEND].flatMap((index) => {
      const ring = guest.driven.driver.queue(index)?.ring.memory;
      assert.ok(ring);
      return [ring.desc.lo, ring.driver.lo, ring.device.lo].map((lo) => Math.floor(lo / PAGE) * PAGE);
    });
    for (const [counter, at] of rings.entries()) {
      // Read as tables they hold nothing sensible; read as pages they are pages.
      const status = tryExport(guest, { counter: 1000 + counter, top: at });
      assert.ok(status === S.TABLE || status === S.PAGE, `${status}`);
      assert.is(tryExport(guest, { counter, top: guest.tables([at]) }), S.OK);
    }
    for (const buffer of guest.exported) {
      const copy = new Uint8Array(PAGE);
      assert.is(buffer.read(0, copy, 0, PAGE), PAGE);
      buffer.release();
    }
    assert.is(statusOf(guest.send(words(NEED_VMID))), S.OK);
  });

  test("an importer that throws, releases, resets or asks back", () => {
    let act: (buffer: VdmabufBuffer) => void = () => {};
    const gone: string[] = [];
    const guest = guestWith({
      importer: { onExport: (buffer) => act(buffer), onRelease: (_buffer, reason) => void gone.push(reason) },
      device: { limits: { maxPages: 3, maxPagesPerBuffer: 3 } },
    });
    const top = guest.tables([guest.page()]);
    let kept: VdmabufBuffer | null = null;
    act = (buffer) => {
      kept = buffer;
      throw new Error("not now");
    };
    assert.is(tryExport(guest, { top }), S.IMPORT);
    assert.is((kept as VdmabufBuffer | null)?.held, false);
    assert.is((kept as VdmabufBuffer | null)?.read(0, new Uint8Array(1), 0, 1), 0);
    (kept as VdmabufBuffer | null)?.release();
    assert.is(guest.type.pendingEvents, 0, "a refused buffer is not released");
    act = () => {
      throw "a string";
    };
    assert.is(tryExport(guest, { top }), S.IMPORT);
    act = (buffer) => {
      buffer.release();
      throw new Error("released, and refused too");
    };
    assert.is(statusOf(guest.send(exportMessage({ top }))), S.IMPORT);
    assert.equal(gone, ["released"]);
    // Nothing was counted twice: of 3 pages altogether, 3 can be had and no more.
    act = () => {};
    assert.is(tryExport(guest, { counter: 50, top, pages: 4 }), S.RANGE);
    for (const counter of [51, 52, 53]) assert.is(tryExport(guest, { counter, top }), S.OK);
    assert.is(tryExport(guest, { counter: 54, top }), S.LIMIT);
    for (const buffer of guest.type.buffers) buffer.release();
    gone.length = 0;
    guest.hear(20, 20, 20, 20, 20, 20);
    act = (buffer) => {
      assert.is(guest.host.find(buffer.id), buffer);
      buffer.release();
      assert.is(guest.host.find(buffer.id), null);
    };
    assert.is(statusOf(guest.send(exportMessage({ top }))), S.OK);
    act = () => guest.driven.device.writeStatus(0);
    // Without room for an answer, too: what is left of the message says nothing to the guest of after the reset.
    assert.throws(() => guest.send(exportMessage({ counter: 60, top }), 0));
    assert.is(guest.type.buffers.length, 0);
    assert.is(guest.type.pendingEvents, 0);
    assert.is(gone.at(-1), "reset");
  });

  test("a broken send queue stops alone: releases still arrive", () => {
    const guest = guestWith({ driver: { receiveBuffers: 4 } });
    const buffer = guest.driver.allocate(PAGE);
    guest.driver.export(buffer);
    const queue = guest.driven.driver.queue(SEND);
    const elements = new ElementList();
    elements.readable(0x77, 0, 4);
    queue?.add(elements);
    queue?.kick();
    assert.is(guest.driven.device.counters.queueFaults, 1);
    assert.is(guest.driven.driver.needsReset(), true);
    (guest.exported[0] as VdmabufBuffer).release();
    guest.driver.process();
    assert.is(buffer.exported, false);
  });

  test("20,000 random messages", () => {
    const limits = { maxBuffers: 8, maxPages: 1500, maxPagesPerBuffer: 1030, maxEvents: 5 };
    const guest = guestWith({ device: { limits }, importer: { onExport: (buffer) => decide(buffer) } });
    let seed = 12345;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const pick = <T>(...choices: readonly T[]): T => choices[random(choices.length)] as T;
    const held: VdmabufBuffer[] = [];
    function decide(buffer: VdmabufBuffer): void {
      const what = random(10);
      if (what === 0) throw new Error("no");
      if (what < 4) buffer.release();
      else held.push(buffer);
    }
    const arena = guest.page(16);
    const bytes = guest.memory.view(arena, 16 * PAGE);
    const tables = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const address = () => arena + random(16) * PAGE + (random(500) === 0 ? 8 : 0);
    const statuses = new Set<number>();
    for (let i = 0; i < 20_000; i++) {
      for (let k = 0; i % 100 === 0 && k < 4096; k++) tables.setUint32(8 * random(16 * 512), address(), true);
      const message = exportMessage({
        counter: random(12),
        vmId: pick(1, 1, 1, 1, 1, 1, 2, 0),
        key0: pick(1, 1, 1, 1, 2),
        key1: 1,
        pages: pick(1, 1, 2, 3, random(500), random(2000), random(2 ** 32)),
        offset: pick(0, 0, 0, random(5000), random(2 ** 32)),
        last: pick(4096, 4096, random(4100), random(2 ** 32)),
        topHi: pick(0, 0, 0, 0, 0, random(2 ** 32)),
        top: address(),
        privateSize: pick(0, 0, random(300), random(2 ** 32)),
        data: new Uint8Array(random(217)),
      });
      const cut = random(20) === 0 ? message.slice(0, 1 + random(message.length)) : message;
      if (random(50) === 0) cut[0] = random(256);
      statuses.add(statusOf(guest.send(cut)));
      assert.ok(guest.type.buffers.length <= 8 && guest.type.pendingEvents <= 5);
      if (random(30) === 0) held.splice(random(held.length + 1), 1)[0]?.release();
    }
    assert.is(guest.driven.device.counters.queueFaults, 0);
    assert.equal(
      [...statuses].sort((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    );
  });

  test.run();
}
