/** Names of the numbers of the render device, for messages, traces and timelines. */
import * as render from "./render.ts";

/** Every command type with its name. */
export const RENDER_COMMAND_NAMES: ReadonlyMap<number, string> =
  /* @__PURE__ */ namesOf("VIRTIO_RENDER_CMD_");

/** Every response type with its name. */
export const RENDER_RESPONSE_NAMES: ReadonlyMap<number, string> =
  /* @__PURE__ */ namesOf("VIRTIO_RENDER_RESP_");

function namesOf(prefix: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const [name, value] of Object.entries(render)) {
    if (typeof value === "number" && name.startsWith(prefix)) names.set(value, name);
  }
  return names;
}

/**
 * The name of a command type, or its value in hexadecimal when there is none.
 *
 * @example
 * ```ts
 * renderCommandName(0xffff); // "0xffff"
 * ```
 */
export function renderCommandName(type: number): string {
  return RENDER_COMMAND_NAMES.get(type) ?? hex(type);
}

/**
 * The name of a response type, or its value in hexadecimal when there is none.
 *
 * @example
 * ```ts
 * renderResponseName(0xffff); // "0xffff"
 * ```
 */
export function renderResponseName(type: number): string {
  return RENDER_RESPONSE_NAMES.get(type) ?? hex(type);
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(4, "0")}`;
}
