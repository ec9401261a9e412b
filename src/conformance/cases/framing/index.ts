import { VIRTIO_F_INDIRECT_DESC } from "../../../wire/common.ts";
import {
  VIRTIO_GPU_CTRL_HDR,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_RESP_CAPSET_INFO,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
} from "../../../wire/gpu.ts";
import { type CaseDefinition, CaseList, type CaseRun } from "../../case.ts";
import type { Answer, Layout } from "../../guest/index.ts";
import { decodeHeader, getCapsetInfo, responseU32 } from "../../models/gpu-commands.ts";
import { CONTROLQ } from "../../models/index.ts";
import { cut, FILLER } from "../support/rings.ts";
import { FRAMED_COMMANDS, type FramedCommand, PICTURE_BYTES, type Scene } from "./commands.ts";

const cases = new CaseList();
const QUEUE_SIZE = 64;
/** Pieces of a request and of a response that are cut as finely as it goes: together they fit into the cursorq. */
const FINE_PIECES = 7;
const HEADER_BYTES = VIRTIO_GPU_CTRL_HDR.sizeBytes;

/** Statements that forbid a device to care how a message is cut. */
const CLAUSES = {
  split: ["split-ring.device.message-framing.1"],
  packed: ["packed-ring.device.scatter-gather-support.1"],
} as const;

for (const format of ["split", "packed"] as const) {
  for (const command of FRAMED_COMMANDS) {
    cases.add({
      id: `framing/${format}/${command.name}`,
      title: `${command.name}: request and response, cut at every byte, give the same answer as in one piece`,
      clauses: CLAUSES[format],
      needs: { devices: ["gpu"], format, features: command.features ?? [] },
      parameters: [{ table: "none" }, { table: "indirect" }],
      run: (t, { table }) => frameEveryWay(t, command, table === "indirect"),
    });
  }
}

/** Sends a command cut in every way and compares the answers. */
async function frameEveryWay(t: CaseRun, command: FramedCommand, indirect: boolean): Promise<void> {
  const offered = await t.guest.offeredFeatures();
  if (indirect && !offered.has(VIRTIO_F_INDIRECT_DESC)) t.skip("VIRTIO_F_INDIRECT_DESC is not offered");
  const features = [...(command.features ?? []), ...(indirect ? [VIRTIO_F_INDIRECT_DESC] : [])];
  await t.guest.start({ features, queueSize: QUEUE_SIZE });
  const scene = await prepare(t, features.includes(VIRTIO_GPU_F_VIRGL));
  await succeed(t, command.setUp?.(scene) ?? [], "what comes before it");
  const request = command.request(scene);
  const { responseBytes = HEADER_BYTES } = command;
  const room = typeof responseBytes === "number" ? responseBytes : responseBytes(scene);
  const send = async (layout: Layout): Promise<Answer> => {
    await succeed(t, command.before?.(scene) ?? [], "what comes before it");
    const answer = await sendCut(t, command.queue ?? CONTROLQ, request, room, {
      ...layout,
      ...(indirect ? { indirectFrom: 0 } : {}),
    });
    await succeed(t, command.after?.(scene) ?? [], "what comes after it");
    return answer;
  };
  const whole = await send({});
  if (whole.lengthBytes >= HEADER_BYTES) {
    const { type } = decodeHeader(whole.bytes);
    const failed = type >= VIRTIO_GPU_RESP_ERR_UNSPEC;
    t.equal(failed, command.fails ?? false, `that the response, 0x${type.toString(16)}, is an error`);
  }
  // What differs between two requests in one piece is not for the framing to keep.
  const again = await send({});
  const settled = whole.bytes.map((byte, i) => (byte === again.bytes[i] ? 1 : 0));
  for (const layout of layouts(request.length, room)) {
    const answer = await send(layout);
    const how = `${show(layout.readable)} and ${show(layout.writable)} bytes`;
    t.equal(answer.lengthBytes, whole.lengthBytes, `the used length with pieces of ${how}`);
    const at = answer.bytes.findIndex((byte, i) => settled[i] === 1 && byte !== whole.bytes[i]);
    if (at >= 0) {
      t.fail(
        `with pieces of ${how}, byte ${at} of the response is ${answer.bytes[at]}, not ${whole.bytes[at]}`,
      );
    }
  }
}

function show(pieces: readonly number[] | undefined): string {
  return pieces === undefined ? "all" : pieces.join(" + ");
}

/** Every way to cut a message that is tried: at every byte of one, of the other, of both; and as finely as it goes. */
function* layouts(requestBytes: number, responseBytes: number): Iterable<Layout> {
  for (let at = 1; at < requestBytes; at++) yield { readable: [at, requestBytes - at] };
  for (let at = 1; at < responseBytes; at++) yield { writable: [at, responseBytes - at] };
  for (let at = 1; at < Math.min(requestBytes, responseBytes); at++) {
    yield { readable: [at, requestBytes - at], writable: [at, responseBytes - at] };
  }
  for (let pieces = 3; pieces <= FINE_PIECES; pieces++) {
    yield { readable: cut(requestBytes, pieces), writable: cut(responseBytes, pieces) };
  }
  // The first bytes one by one.
  const single = new Array<number>(FINE_PIECES - 1).fill(1);
  yield {
    readable: [...single, requestBytes - single.length],
    writable: [...single, responseBytes - single.length],
  };
}

/** Sends a request whose response buffer is filled with something else. */
async function sendCut(
  t: CaseRun,
  queue: number,
  request: Uint8Array,
  room: number,
  layout: Layout,
): Promise<Answer> {
  const { guest } = t;
  const ring = guest.ring(queue);
  const placed = guest.place(ring, request, room, layout);
  for (const { address, lengthBytes } of placed.writable) {
    guest.arena.ram.write(Number(address), new Uint8Array(lengthBytes).fill(FILLER));
  }
  await guest.kick(ring);
  return guest.answer(placed);
}

/** Sends requests in one piece and fails unless they succeed. */
async function succeed(t: CaseRun, requests: readonly Uint8Array[], what: string): Promise<void> {
  for (const request of requests) {
    const { bytes } = await t.guest.exchange(CONTROLQ, request, HEADER_BYTES);
    const { type } = decodeHeader(bytes);
    if (type >= VIRTIO_GPU_RESP_ERR_UNSPEC) t.fail(`${what} is answered with 0x${type.toString(16)}`);
  }
}

/** Guest memory for a picture in three pieces, and a capset to ask for. */
async function prepare(t: CaseRun, virgl: boolean): Promise<Scene> {
  const lengths = [4096, 8192, PICTURE_BYTES - 12288];
  const entries = lengths.map((lengthBytes) => ({
    address: t.guest.arena.allocate(lengthBytes, 4096),
    lengthBytes,
  }));
  if (!virgl) return { entries, capset: { id: 0, version: 0, sizeBytes: 0 } };
  const info = VIRTIO_GPU_RESP_CAPSET_INFO;
  const { bytes } = await t.guest.exchange(CONTROLQ, getCapsetInfo(0), info.sizeBytes);
  const capset = {
    id: responseU32(bytes, info.capset_id),
    version: responseU32(bytes, info.capset_max_version),
    sizeBytes: responseU32(bytes, info.capset_max_size),
  };
  return { entries, capset };
}

/** Messages cut into pieces in every way (virtio 1.4, sections 2.7.4 and 2.8.5). */
export const FRAMING_CASES: readonly CaseDefinition[] = cases.all;
