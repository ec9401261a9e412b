import { toBigInt } from "../../base/u64.ts";
import { formatUuid } from "../../device/shared-objects.ts";
import { renderCommandName } from "../../wire/render-names.ts";
import type { WireField, WireStruct } from "../../wire/schema.ts";
import type { RenderRequest } from "./protocol.ts";

/** A field of a request as an observer sees it: 64-bit numbers as bigint, UUIDs as text, structs as objects. */
export type RenderFieldValue =
  | number
  | bigint
  | string
  | readonly number[]
  | { readonly [name: string]: RenderFieldValue };

/** Everything about one command, for timelines and logs. */
export interface RenderCommandRecord {
  /** The command's name, or its type in hexadecimal. */
  readonly name: string;
  readonly type: number;
  readonly ctxId: number;
  /** The fence id, null without VIRTIO_RENDER_FLAG_FENCE. */
  readonly fence: bigint | null;
  /** The fields of its struct behind the header; empty when the request is too short for them. */
  readonly fields: { readonly [name: string]: RenderFieldValue };
  /** Head of the descriptor chain (split) or buffer id (packed), and the number of its descriptors. */
  readonly head: number;
  readonly descriptors: number;
  /** When it was taken from the queue, and when it was finished, in milliseconds of the device's clock. */
  readonly takenMs: number;
  finishedMs: number;
  /** The outcome by its name: of fenced commands the response, of others what became of them after it. */
  response: string;
  responseType: number;
  /** Why it was refused, empty on success. */
  reason: string;
  /** Pixels drawn. */
  pixels: number;
}

/** Receives every command once it is finished. It must not throw. */
export type RenderCommandObserver = (record: RenderCommandRecord) => void;

/** Begins the record of a request that was just loaded; `schema` is null when there is no such command. */
export function beginRecord(
  request: RenderRequest,
  schema: WireStruct<unknown> | null,
  takenMs: number,
): RenderCommandRecord {
  const { chain } = request;
  return {
    name: renderCommandName(request.type),
    type: request.type,
    ctxId: request.ctxId,
    fence: request.fenced ? toBigInt(request.fenceHi, request.fenceLo) : null,
    fields: schema !== null && request.lengthBytes >= schema.span ? decodeStruct(schema, request, 0) : {},
    head: chain?.head ?? 0,
    descriptors: chain?.descriptorCount ?? 0,
    takenMs,
    finishedMs: takenMs,
    response: "",
    responseType: 0,
    reason: "",
    pixels: 0,
  };
}

function decodeStruct(
  schema: WireStruct<unknown>,
  request: RenderRequest,
  offset: number,
): { [name: string]: RenderFieldValue } {
  const fields: { [name: string]: RenderFieldValue } = {};
  let at = offset;
  for (const field of schema.fields) {
    const name = field.property ?? "";
    if (name !== "hdr" && name !== "padding") fields[name] = decodeField(field, request, at);
    at += field.span;
  }
  return fields;
}

function decodeField(field: WireField<unknown>, request: RenderRequest, offset: number): RenderFieldValue {
  const inner = field as Partial<WireStruct<unknown>> & WireField<unknown>;
  if (inner.fields !== undefined) {
    if (inner.fields[0]?.property === "lo") return toBigInt(request.u32(offset + 4), request.u32(offset));
    return decodeStruct(inner as WireStruct<unknown>, request, offset);
  }
  if (field.span === 4) return request.u32(offset);
  if (field.property === "uuid") return formatUuid(request.scratch.u8.subarray(offset, offset + field.span));
  return Array.from({ length: field.span >>> 2 }, (_, i) => request.u32(offset + 4 * i));
}
