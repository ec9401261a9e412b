import {
  VIRTIO_GPU_CAPSET_CROSS_DOMAIN,
  VIRTIO_GPU_CAPSET_VIRGL,
  VIRTIO_GPU_CONFIG,
  VIRTIO_GPU_CTRL_HDR,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_RESP_CAPSET_INFO,
  VIRTIO_GPU_RESP_DISPLAY_INFO,
  VIRTIO_GPU_RESP_EDID,
  VIRTIO_GPU_RESP_OK_CAPSET,
  VIRTIO_GPU_RESP_OK_CAPSET_INFO,
  VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
  VIRTIO_GPU_RESP_OK_EDID,
} from "../../../wire/gpu.ts";
import { type CaseDefinition, CaseList } from "../../case.ts";
import { getCapset, getCapsetInfo, getDisplayInfo, getEdid, responseU32 } from "../../models/gpu-commands.ts";
import { CLAUSE, GPU } from "./common.ts";
import { displays, preferredMode, readEdid, scanoutCount } from "./displays.ts";
import { GpuSession } from "./session.ts";

const cases = new CaseList();

const EDID_BLOCK_BYTES = 128;
const EDID_HEADER = [0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00];
const EDID_EXTENSIONS = 126;
/** Beyond it a detailed timing cannot say how wide or high a mode is. */
const MAX_DETAILED = 4095;

const WITH_EDID = { ...GPU, features: [VIRTIO_GPU_F_EDID] };
const WITH_VIRGL = { ...GPU, features: [VIRTIO_GPU_F_VIRGL] };

cases.add({
  id: "gpu/display-info/answer",
  title: "GET_DISPLAY_INFO is answered with RESP_OK_DISPLAY_INFO and 16 entries, as the first command of all",
  clauses: [CLAUSE.displayInfo, CLAUSE.response],
  needs: { devices: ["gpu"] },
  async run(t) {
    const gpu = await GpuSession.start(t);
    const size = VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes;
    await gpu.ok(getDisplayInfo(), "GET_DISPLAY_INFO", VIRTIO_GPU_RESP_OK_DISPLAY_INFO, size);
  },
});

cases.add({
  id: "gpu/display-info/no-more-than-num-scanouts",
  title: "Entries beyond num_scanouts are not enabled, and none has flags, as there are none",
  clauses: [CLAUSE.displayInfo, CLAUSE.config],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const count = await scanoutCount(gpu);
    for (const [i, display] of (await displays(gpu)).entries()) {
      t.ok(display.enabled === 0 || display.enabled === 1, `enabled of display ${i} is 0 or 1`);
      t.equal(display.flags, 0, `the flags of display ${i}`);
      if (i >= count) t.equal(display.enabled, 0, `enabled of display ${i}`);
    }
  },
});

cases.add({
  id: "gpu/display-info/enabled-have-a-size",
  title: "Displays that are enabled have a width and a height",
  clauses: [CLAUSE.displayInfo],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    for (const [i, { enabled, width, height }] of (await displays(gpu)).entries()) {
      if (enabled !== 0) t.ok(width > 0 && height > 0, `display ${i} has a size (${width} × ${height})`);
    }
  },
});

cases.add({
  id: "gpu/display-info/same-again",
  title: "GET_DISPLAY_INFO changes nothing: asked twice it answers the same",
  clauses: [CLAUSE.displayInfo],
  needs: GPU,
  async run(t) {
    const gpu = await GpuSession.start(t);
    const first = JSON.stringify(await displays(gpu));
    t.equal(JSON.stringify(await displays(gpu)), first, "the second answer");
  },
});

cases.add({
  id: "gpu/edid/answer",
  title: "GET_EDID of every scanout is answered with RESP_OK_EDID: whole blocks, 1024 bytes at most",
  clauses: [CLAUSE.edid, CLAUSE.response],
  needs: WITH_EDID,
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_EDID]);
    const count = await scanoutCount(gpu);
    for (let scanout = 0; scanout < count; scanout++) {
      const edid = await readEdid(gpu, scanout);
      t.equal(
        edid.length % EDID_BLOCK_BYTES,
        0,
        `the bytes of the EDID of scanout ${scanout} beyond whole blocks`,
      );
      t.ok(edid.length > 0, `scanout ${scanout} has an EDID`);
    }
  },
});

cases.add({
  id: "gpu/edid/header",
  title: "The EDID begins with the header that VESA demands, version 1.3 or 1.4",
  clauses: [CLAUSE.edid],
  needs: WITH_EDID,
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_EDID]);
    const edid = await readEdid(gpu, 0);
    t.equalBytes(edid.slice(0, EDID_HEADER.length), Uint8Array.from(EDID_HEADER), "the header of the EDID");
    t.equal(edid[18], 1, "the version of the EDID");
    t.ok((edid[19] ?? 0) >= 3, "the revision of the EDID is 3 or 4");
  },
});

cases.add({
  id: "gpu/edid/checksums",
  title: "The bytes of every block of the EDID add up to 0 modulo 256",
  clauses: [CLAUSE.edid],
  needs: WITH_EDID,
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_EDID]);
    const edid = await readEdid(gpu, 0);
    for (let at = 0; at < edid.length; at += EDID_BLOCK_BYTES) {
      const sum = edid.slice(at, at + EDID_BLOCK_BYTES).reduce((a, b) => a + b, 0);
      t.equal(sum & 0xff, 0, `the sum of the block at ${at}`);
    }
  },
});

cases.add({
  id: "gpu/edid/extensions",
  title: "The EDID has as many extension blocks as its base block says",
  clauses: [CLAUSE.edid],
  needs: WITH_EDID,
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_EDID]);
    const edid = await readEdid(gpu, 0);
    const lengthBytes = ((edid[EDID_EXTENSIONS] ?? 0) + 1) * EDID_BLOCK_BYTES;
    t.ok(edid.length >= lengthBytes, `the EDID has ${lengthBytes} bytes (${edid.length} came)`);
    // Some devices give their whole array for its size.
    t.ok(
      edid.slice(lengthBytes).every((byte) => byte === 0),
      "what follows the last block is 0",
    );
  },
});

cases.add({
  id: "gpu/edid/preferred-mode",
  title: "The preferred mode of the EDID has the size that GET_DISPLAY_INFO tells",
  clauses: [CLAUSE.edid, CLAUSE.displayInfo],
  needs: WITH_EDID,
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_EDID]);
    const count = await scanoutCount(gpu);
    for (const [i, display] of (await displays(gpu)).slice(0, count).entries()) {
      if (display.enabled === 0 || Math.max(display.width, display.height) > MAX_DETAILED) continue;
      const mode = preferredMode(await readEdid(gpu, i));
      t.equal(
        `${mode.width} × ${mode.height}`,
        `${display.width} × ${display.height}`,
        `the mode of display ${i}`,
      );
    }
  },
});

cases.add({
  id: "gpu/edid/rest-is-zero",
  title: "Nothing is left in the response behind the EDID",
  clauses: [CLAUSE.edid],
  needs: WITH_EDID,
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_EDID]);
    const { sizeBytes, size, edid } = VIRTIO_GPU_RESP_EDID;
    const bytes = await gpu.ok(getEdid(0), "GET_EDID", VIRTIO_GPU_RESP_OK_EDID, sizeBytes);
    const rest = bytes.slice(edid + responseU32(bytes, size));
    t.ok(
      rest.every((byte) => byte === 0),
      "the bytes behind the EDID are 0",
    );
  },
});

cases.add({
  id: "gpu/edid/no-such-scanout",
  title: "GET_EDID of a scanout that is not there is refused",
  clauses: [CLAUSE.edid, CLAUSE.response],
  needs: WITH_EDID,
  parameters: [{ scanout: "num_scanouts" }, { scanout: "16" }, { scanout: "4294967295" }],
  async run(t, { scanout }) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_EDID]);
    const index = scanout === "num_scanouts" ? await scanoutCount(gpu) : Number(scanout);
    await gpu.refuse(getEdid(index), `GET_EDID ${index}`, VIRTIO_GPU_RESP_EDID.sizeBytes);
    await t.serves();
  },
});

/** GET_CAPSET_INFO of an index that is there. */
async function capset(
  gpu: GpuSession,
  index: number,
): Promise<{ readonly id: number; readonly maxVersion: number; readonly maxBytes: number }> {
  const at = VIRTIO_GPU_RESP_CAPSET_INFO;
  const bytes = await gpu.ok(
    getCapsetInfo(index),
    `GET_CAPSET_INFO ${index}`,
    VIRTIO_GPU_RESP_OK_CAPSET_INFO,
    at.sizeBytes,
  );
  return {
    id: responseU32(bytes, at.capset_id),
    maxVersion: responseU32(bytes, at.capset_max_version),
    maxBytes: responseU32(bytes, at.capset_max_size),
  };
}

/** All capsets. */
export async function capsets(gpu: GpuSession): Promise<Awaited<ReturnType<typeof capset>>[]> {
  const count = await gpu.t.guest.registers.config(VIRTIO_GPU_CONFIG.num_capsets, 4);
  const all = [];
  for (let index = 0; index < count; index++) all.push(await capset(gpu, index));
  return all;
}

cases.add({
  id: "gpu/capset-info/every-index",
  title: "Every capset_index less than num_capsets is answered with RESP_OK_CAPSET_INFO",
  clauses: [CLAUSE.capsetIndex, CLAUSE.response],
  needs: WITH_VIRGL,
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_VIRGL]);
    const all = await capsets(gpu);
    t.equal(new Set(all.map(({ id }) => id)).size, all.length, "the number of different capset ids");
  },
});

cases.add({
  id: "gpu/capset-info/known-id",
  title: "capset_id is one of the five the specification lists",
  clauses: [CLAUSE.capsetId],
  needs: WITH_VIRGL,
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_VIRGL]);
    for (const { id } of await capsets(gpu)) {
      t.ok(
        id >= VIRTIO_GPU_CAPSET_VIRGL && id <= VIRTIO_GPU_CAPSET_CROSS_DOMAIN,
        `${id} is the id of a capset`,
      );
    }
  },
});

cases.add({
  id: "gpu/capset-info/index-too-large",
  title: "A capset_index that is not less than num_capsets is refused",
  clauses: [CLAUSE.capsetIndex, CLAUSE.response],
  needs: WITH_VIRGL,
  parameters: [{ beyond: 0 }, { beyond: 1 }, { beyond: 0x7fffffff }],
  async run(t, { beyond }) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_VIRGL]);
    const index = (await t.guest.registers.config(VIRTIO_GPU_CONFIG.num_capsets, 4)) + beyond;
    await gpu.refuse(getCapsetInfo(index), `GET_CAPSET_INFO ${index}`, VIRTIO_GPU_RESP_CAPSET_INFO.sizeBytes);
    await t.serves();
  },
});

cases.add({
  id: "gpu/capset/every-version",
  title: "GET_CAPSET of every capset and version is answered with capset_max_size bytes at most",
  clauses: [CLAUSE.capsetId, CLAUSE.response],
  needs: WITH_VIRGL,
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_VIRGL]);
    for (const { id, maxVersion, maxBytes } of await capsets(gpu)) {
      const room = VIRTIO_GPU_CTRL_HDR.sizeBytes + maxBytes;
      for (const version of new Set([0, maxVersion])) {
        const { header, lengthBytes, bytes } = await gpu.send(getCapset(id, version), room + 64);
        t.equal(header.type, VIRTIO_GPU_RESP_OK_CAPSET, `the type of the response to GET_CAPSET ${id}`);
        t.ok(
          lengthBytes <= room,
          `capset ${id} has ${maxBytes} bytes at most (the response has ${lengthBytes})`,
        );
        t.ok(
          bytes.slice(room).every((byte) => byte === 0xa5),
          "nothing is written behind the capset",
        );
      }
    }
  },
});

cases.add({
  id: "gpu/capset/no-such-capset",
  title: "GET_CAPSET of a capset that is not there is refused",
  clauses: [CLAUSE.capsetId, CLAUSE.response],
  needs: WITH_VIRGL,
  parameters: [{ id: 0 }, { id: 63 }, { id: 0xffffffff }],
  async run(t, { id }) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_VIRGL]);
    await gpu.refuse(getCapset(id, 0), `GET_CAPSET ${id}`, 256);
    await t.serves();
  },
});

cases.add({
  id: "gpu/capset/version-too-large",
  title: "GET_CAPSET of a version beyond capset_max_version is refused",
  clauses: [CLAUSE.capsetId, CLAUSE.response],
  needs: WITH_VIRGL,
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_VIRGL]);
    const [first] = await capsets(gpu);
    if (first === undefined) return t.skip("the device has no capset");
    await gpu.refuse(
      getCapset(first.id, first.maxVersion + 1),
      "GET_CAPSET of the version after the last",
      4096,
    );
    await t.serves();
  },
});

/** Commands that ask. */
export const QUERY_CASES: readonly CaseDefinition[] = cases.all;
