import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as wire from "../../../src/wire/index.ts";

const test = suite("wire: Vdmabuf");

test("commands, queues and device id are those of the proposal", () => {
  assert.is(wire.VIRTIO_ID_DMABUF, 37);
  assert.is(wire.VIRTIO_VDMABUF_RECVQ, 0);
  assert.is(wire.VIRTIO_VDMABUF_SENDQ, 1);
  assert.is(wire.VIRTIO_VDMABUF_CMD_NEED_VMID, 0);
  assert.is(wire.VIRTIO_VDMABUF_CMD_EXPORT, 0x10);
  assert.is(wire.VIRTIO_VDMABUF_CMD_DMABUF_REL, 0x11);
  assert.is(wire.VIRTIO_VDMABUF_MAX_OPS, 64);
  assert.is(wire.VIRTIO_VDMABUF_EVENTS, 32);
});

test("operands lie where the table of the proposal puts them", () => {
  const op = (index: number) => 4 + 4 * index;
  assert.equal(
    { ...wire.VIRTIO_VDMABUF_EXPORT },
    {
      cmd: 0,
      id: op(0),
      page_count: op(4),
      first_page_offset: op(5),
      last_page_length: op(6),
      top_table_hi: op(7),
      top_table_lo: op(8),
      private_size: op(9),
      sizeBytes: op(10),
    },
  );
  assert.equal({ ...wire.VIRTIO_VDMABUF_MSG }, { cmd: 0, op: op(0), sizeBytes: op(64) });
  assert.equal({ ...wire.VIRTIO_VDMABUF_REL }, { cmd: 0, id: op(0), sizeBytes: op(4) });
  assert.equal({ ...wire.VIRTIO_VDMABUF_REPLY }, { cmd: 0, result: op(0), status: op(4), sizeBytes: 24 });
  // A little-endian u64 `vm id << 32 | counter` has the counter first.
  assert.equal({ ...wire.VIRTIO_VDMABUF_BUF_ID }, { counter: 0, vm_id: 4, key0: 8, key1: 12, sizeBytes: 16 });
});

test("limits follow from the layout", () => {
  assert.is(wire.VIRTIO_VDMABUF_MAX_PRIVATE_BYTES, 4 * (64 - 10));
  assert.is(
    wire.VIRTIO_VDMABUF_TABLE_ENTRIES * wire.VIRTIO_VDMABUF_REF.sizeBytes,
    wire.VIRTIO_VDMABUF_PAGE_BYTES,
  );
  assert.is(wire.VIRTIO_VDMABUF_MAX_PAGES, wire.VIRTIO_VDMABUF_TABLE_ENTRIES ** 2);
  assert.is(wire.VIRTIO_VDMABUF_IMAGE.sizeBytes, 40);
});

test("statuses are numbered as the host answers them, and no number of the protocol is left out here", () => {
  const statuses = "OK LENGTH COMMAND VMID HELD KEY LIMIT PRIVATE RANGE TABLE PAGE IMPORT".split(" ");
  const compared = new Set([
    ...["RECVQ", "SENDQ", "CMD_NEED_VMID", "CMD_EXPORT", "CMD_DMABUF_REL", "MAX_OPS", "EVENTS"],
    ...["MAX_PRIVATE_BYTES", "TABLE_ENTRIES", "PAGE_BYTES", "MAX_PAGES"],
  ]);
  const numbers = Object.entries(wire).filter(
    ([name, value]) => name.startsWith("VIRTIO_VDMABUF_") && typeof value === "number",
  );
  for (const [name, value] of numbers) {
    const short = name.replace("VIRTIO_VDMABUF_", "");
    if (compared.delete(short)) continue;
    assert.is(value, statuses.indexOf(short.replace(/^S_/, "")), name);
  }
  assert.is(compared.size, 0);
  assert.is(wire.VIRTIO_VDMABUF_PAGE_BYTES, 4096);
  assert.is(wire.VIRTIO_VDMABUF_TABLE_ENTRIES, 512);
});

test("every status and command has a name", () => {
  const statuses = Object.entries(wire).filter(([name]) => name.startsWith("VIRTIO_VDMABUF_S_"));
  assert.is(statuses.length, 12);
  for (const [name, value] of statuses) assert.is(wire.vdmabufStatusName(value as number), name);
  assert.is(wire.vdmabufStatusName(0xff), "0xff");
  const commands = Object.entries(wire).filter(([name]) => name.startsWith("VIRTIO_VDMABUF_CMD_"));
  assert.is(commands.length, 3);
  for (const [name, value] of commands) assert.is(wire.vdmabufCommandName(value as number), name);
  assert.is(wire.vdmabufCommandName(0x12), "0x12");
});

test.run();
