import { toBigInt } from "../../../base/u64.ts";
import type { DescriptorChain } from "../../../virtqueue/chain.ts";
import { VIRTIO_GPU_FLAG_FENCE } from "../../../wire/gpu.ts";
import { gpuCommandName } from "../../../wire/gpu-names.ts";
import type { WireField, WireStruct } from "../../../wire/schema.ts";
import type { GpuCommand } from "../commands/commands.ts";
import type { GpuRequest } from "../protocol.ts";
import type { GpuCommandRecord, GpuFieldValue } from "./observe.ts";

/** Begins the record of a request that was just loaded. */
export function beginRecord(
  queueIndex: number,
  chain: DescriptorChain,
  request: GpuRequest,
  command: GpuCommand | null,
): GpuCommandRecord {
  const lengths = Array.from(chain.segments.lengths.subarray(0, chain.segments.count));
  const decodable = command !== null && request.lengthBytes >= command.requestBytes;
  return {
    queue: queueIndex === 0 ? "controlq" : "cursorq",
    head: chain.head,
    descriptors: chain.descriptorCount,
    indirect: chain.indirect,
    readable: lengths.slice(0, chain.readableCount),
    writable: lengths.slice(chain.readableCount),
    name: gpuCommandName(request.type),
    type: request.type,
    fields: decodable ? decodeFields(command.request, request) : {},
    fence: (request.flags & VIRTIO_GPU_FLAG_FENCE) !== 0 ? toBigInt(request.fenceHi, request.fenceLo) : null,
    ctxId: request.ctxId,
    ringIdx: request.hasRing ? request.ringIdx : null,
    response: "",
    responseType: 0,
    reason: "",
    writtenBytes: 0,
    bytesCopied: 0,
    late: false,
  };
}

function decodeFields(schema: WireStruct<unknown>, request: GpuRequest): { [name: string]: GpuFieldValue } {
  const fields: { [name: string]: GpuFieldValue } = {};
  let offset = 0;
  for (const field of schema.fields) {
    const name = field.property ?? "";
    if (name !== "hdr" && name !== "padding") fields[name] = decodeField(field, request, offset);
    offset += field.span;
  }
  // The header of commands that have nothing else is their struct.
  return schema.fields[0]?.property === "hdr" ? fields : {};
}

function decodeField(field: WireField<unknown>, request: GpuRequest, offset: number): GpuFieldValue {
  const inner = (field as Partial<WireStruct<unknown>>).fields;
  if (inner !== undefined) {
    if (inner[0]?.property === "lo") return toBigInt(request.u32(offset + 4), request.u32(offset));
    const fields: { [name: string]: GpuFieldValue } = {};
    let at = offset;
    for (const each of inner) {
      fields[each.property ?? ""] = decodeField(each, request, at);
      at += each.span;
    }
    return fields;
  }
  if (field.span === 4) return request.u32(offset);
  if (field.property === "debug_name") {
    const bytes = request.scratch.u8.subarray(offset, offset + field.span);
    const end = bytes.indexOf(0);
    return String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end));
  }
  return Array.from({ length: field.span >>> 2 }, (_, i) => request.u32(offset + 4 * i));
}
