// What a response has to look like whatever was asked.
import { OK } from "../gpu-messages.ts";

const HEADER = 24;
const LENGTHS: ReadonlyMap<number, number> = new Map([
  [OK.NODATA, HEADER],
  [OK.DISPLAY_INFO, HEADER + 16 * 24],
  [OK.CAPSET_INFO, HEADER + 16],
  [OK.EDID, HEADER + 8 + 1024],
  [OK.UUID, HEADER + 16],
  [OK.MAP_INFO, HEADER + 8],
]);

/** What is wrong with a response, null when nothing is. `response` came back, `room` bytes would have fitted. */
export function judgeResponse(
  request: Uint8Array,
  response: Uint8Array,
  room: number,
  scanouts: number,
  silent: boolean,
): string | null {
  if (silent) return response.length === 0 ? null : "the cursor queue is not silent";
  if (response.length < HEADER) return response.length === room ? null : "a header cut short";
  const view = new DataView(response.buffer, response.byteOffset, response.length);
  const type = view.getUint32(0, true);
  const isError = type >= 0x1200 && type <= 0x1205;
  if (!isError && (type < 0x1100 || type > 0x1106)) return `response type 0x${type.toString(16)}`;
  const expected = isError ? HEADER : (LENGTHS.get(type) ?? response.length);
  if (response.length !== Math.min(expected, room))
    return `${response.length} bytes for type 0x${type.toString(16)}`;
  if (type === OK.CAPSET && response.length > HEADER + 308) return "more of a capset than promised";
  return judgeHeader(request, response) ?? judgePayload(type, response, scanouts);
}

function judgeHeader(request: Uint8Array, response: Uint8Array): string | null {
  if ((response[21] as number) + (response[22] as number) + (response[23] as number) !== 0) return "padding";
  const fenced = request.length >= HEADER && ((request[4] as number) & 1) !== 0;
  if (!fenced)
    return response.subarray(4, HEADER).some((byte) => byte !== 0) ? "a fence nobody asked for" : null;
  if (((response[4] as number) & 1) === 0) return "the fence flag is lost";
  for (let i = 8; i < 20; i++) if (request[i] !== response[i]) return "the fence or context is another one";
  return null;
}

function judgePayload(type: number, response: Uint8Array, scanouts: number): string | null {
  const zeros = (from: number, to: number): boolean =>
    response.subarray(from, to).every((byte) => byte === 0);
  switch (type) {
    case OK.DISPLAY_INFO:
      return zeros(HEADER + 24 * scanouts, response.length) ? null : "displays that do not exist";
    case OK.CAPSET_INFO:
      return zeros(HEADER + 12, response.length) ? null : "padding of the capset's description";
    case OK.MAP_INFO:
      return zeros(HEADER + 4, response.length) ? null : "padding of the map's description";
    case OK.EDID: {
      const size = (response[HEADER] ?? 0) + 256 * (response[HEADER + 1] ?? 0);
      return zeros(HEADER + 4, HEADER + 8) && zeros(HEADER + 8 + size, response.length)
        ? null
        : "what follows the EDID";
    }
    default:
      return null;
  }
}
