import { type Mutant, mutant } from "../../support/mutants/mutant.ts";
import { breaks, RULES } from "./gpu-common.ts";

const device = breaks("device");
const displays = breaks("output/displays");
const edid = breaks("output/edid-blocks");
const protocol = breaks("protocol");
const queue = breaks("queue/command-queue");
const fences = breaks("queue/fences");
const commands2d = breaks("commands/commands-2d");

/** Configuration space, events, displays, requests and responses as such, fences. */
export const GPU_PROTOCOL_MUTANTS: readonly Mutant[] = [
  device("config", "no-scanouts", "        return this.scanoutCount;", "        return 0;"),
  device("config", "too-many-scanouts", "        return this.scanoutCount;", "        return 17;"),
  device(
    "config",
    "one-scanout-more",
    "        return this.scanoutCount;",
    "        return this.scanoutCount + 1;",
  ),
  device("config", "odd-alignment", "        return this.#blobAlignmentBytes;", "        return 3000;"),
  device("config", "alignment-0", "        return this.#blobAlignmentBytes;", "        return 0;"),
  device(
    "config",
    "events-read-writable",
    "VIRTIO_GPU_CONFIG.events_clear;",
    "VIRTIO_GPU_CONFIG.events_read;",
  ),
  device(
    "config",
    "bytes-read-as-0",
    "(this.#configWord(offset & ~3) >>> (8 * (offset & 3)))",
    "(this.#configWord(offset) >>> 0)",
  ),
  device("events", "no-event", "      this.#eventsRead |= VIRTIO_GPU_EVENT_DISPLAY;", ""),
  device("events", "other-event", "this.#eventsRead |= VIRTIO_GPU_EVENT_DISPLAY;", "this.#eventsRead |= 2;"),
  device(
    "events",
    "event-without-notification",
    "    this.#host?.changeConfig(() => {",
    "    ((change: () => void) => change())(() => {",
  ),
  device(
    "events",
    "events-not-cleared",
    "if (at >= 0 && at < 4) this.#eventsRead &=",
    "if (at >= 4) this.#eventsRead &=",
  ),
  device("events", "any-write-clears", "~(((value >>> (8 * i)) & 0xff) << (8 * at))", "0 * value"),
  device(
    "events",
    "cleared-by-reading",
    "        return this.#eventsRead;",
    "        {\n          const bits = this.#eventsRead;\n          this.#eventsRead = 0;\n          return bits;\n        }",
  ),
  displays("events", "display-keeps-its-size", "      this.#states[index] = state;", ""),
  displays(
    "displayInfo",
    "width-for-height",
    "VIRTIO_GPU_RECT.height, state.heightPixels",
    "VIRTIO_GPU_RECT.height, state.widthPixels",
  ),
  displays("displayInfo", "all-enabled", "state.enabled ? 1 : 0", "1 + 1"),
  displays(
    "displayInfo",
    "flags-set",
    "    for (const [i, state] of this.#states.entries()) {",
    "    response.setU32(44, 1);\n    for (const [i, state] of this.#states.entries()) {",
  ),
  displays(
    "displayInfo",
    "entries-beyond-the-scanouts",
    "    for (const [i, state] of this.#states.entries()) {",
    "    for (const [i, state] of [...this.#states, ...this.#states].entries()) {",
  ),
  displays(
    "displayInfo",
    "short-display-info",
    "response.begin(VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes);",
    "response.begin(VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes - VIRTIO_GPU_DISPLAY_ONE.sizeBytes);",
  ),
  commands2d(
    "displayInfo",
    "display-info-of-another-type",
    "return VIRTIO_GPU_RESP_OK_DISPLAY_INFO;",
    "return OK;",
  ),
  commands2d("edid", "edid-of-another-type", "return VIRTIO_GPU_RESP_OK_EDID;", "return OK;"),
  commands2d(
    "edid",
    "edid-of-any-scanout",
    "  if (display === null) {",
    "  display ??= core.displays.get(0);\n  if (display === null) {",
  ),
  commands2d(
    "edid",
    "edid-of-the-first",
    "core.displays.get(scanoutId);",
    "scanoutId < core.scanouts.count ? core.displays.get(0) : null;",
  ),
  commands2d("edid", "no-edid-size", "response.setU32(VIRTIO_GPU_RESP_EDID.size, edid.length);", ""),
  commands2d(
    "edid",
    "edid-size-beyond-the-array",
    "VIRTIO_GPU_RESP_EDID.size, edid.length)",
    "VIRTIO_GPU_RESP_EDID.size, 2048)",
  ),
  commands2d(
    "edid",
    "edid-padding",
    "response.setU32(VIRTIO_GPU_RESP_EDID.size, edid.length);",
    "response.setU32(VIRTIO_GPU_RESP_EDID.size, edid.length);\n  response.setU32(28, 9);",
  ),
  edid(
    "edid",
    "edid-header",
    "block.set([0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00]);",
    "block.set([0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);",
  ),
  mutant(
    "edid-of-another-size",
    RULES.edid,
    "src/devices/gpu/output/displays.ts",
    "createEdid(edidOptions(config, widthPixels, heightPixels))",
    "createEdid(edidOptions(config, heightPixels, widthPixels))",
    { targets: ["builtin-mmio"] },
  ),
  mutant(
    "edid-extension-missing",
    RULES.edid,
    "src/devices/gpu/output/edid.ts",
    "  writeBaseBlock(edid.subarray(0, BLOCK_BYTES), monitor);",
    "  writeBaseBlock(edid.subarray(0, BLOCK_BYTES), monitor);\n  edid[126] = 1;\n  edid[127] = (edid[127] as number) - 1;",
    { targets: ["builtin-mmio"] },
  ),
  mutant(
    "edid-checksum",
    RULES.edid,
    "src/devices/gpu/output/edid.ts",
    "  writeBaseBlock(edid.subarray(0, BLOCK_BYTES), monitor);",
    "  writeBaseBlock(edid.subarray(0, BLOCK_BYTES), monitor);\n  edid[127] = (edid[127] as number) + 1;",
    { targets: ["builtin-mmio"] },
  ),

  // Requests and responses
  queue(
    "response",
    "unknown-command-accepted",
    'return core.refuse(policy.unknownCommand, "no such command");',
    "return VIRTIO_GPU_CONTROLQ + 0x1100;",
  ),
  queue(
    "response",
    "unknown-command-of-no-response-type",
    'return core.refuse(policy.unknownCommand, "no such command");',
    "return 0x1300;",
  ),
  queue(
    "response",
    "short-request-accepted",
    "if (request.lengthBytes < command.requestBytes) {",
    "if (request.lengthBytes < 0) {",
  ),
  queue(
    "response",
    "short-header-taken-for-whole",
    ': core.refuse(core.policy.shortHeader, "the request is shorter than a header");',
    ": (findCommand(0x100)?.handler(core, request, response) ?? 0);",
  ),
  queue(
    "response",
    "request-never-answered",
    "    queue.push(chain, written);",
    "    if (type < VIRTIO_GPU_RESP_ERR_UNSPEC) queue.push(chain, written);",
  ),
  queue(
    "response",
    "no-response-written",
    "const written = silent ? 0 : response.write(chain);",
    "const written = 0;",
  ),
  queue(
    "response",
    "used-length-of-the-buffer",
    "    queue.push(chain, written);",
    "    queue.push(chain, chain.writableBytes);",
  ),
  queue(
    "cursor",
    "no-response-to-cursor-commands",
    "const silent = index === VIRTIO_GPU_CURSORQ &&",
    "const silent = index === VIRTIO_GPU_CURSORQ ||",
  ),
  protocol(
    "response",
    "fence-not-flagged",
    "VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX : VIRTIO_GPU_FLAG_FENCE;",
    "VIRTIO_GPU_FLAG_INFO_RING_IDX : 0;",
  ),
  protocol("response", "fence-id-low-half-lost", "words[2] = le32(to.fenceLo);", "words[2] = 0;"),
  protocol("response", "fence-id-high-half-lost", "words[3] = le32(to.fenceHi);", "words[3] = 0;"),
  protocol(
    "response",
    "fence-id-signed",
    "words[3] = le32(to.fenceHi);",
    "words[3] = le32(to.fenceLo >> 31);",
  ),
  protocol("response", "fence-flagged-always", "      words[1] = 0;", "      words[1] = le32(1);"),
  protocol(
    "response",
    "padding-leaks",
    "words[5] = le32(to.hasRing ? to.ringIdx : 0);",
    "words[5] = 0x01020304;",
  ),
  protocol("response", "padding-leaks-without-fence", "      words[5] = 0;", "      words[5] = 0x01020304;"),
  queue(
    "response",
    "fence-lost-on-errors",
    "      response.setHeader(type, request);",
    "      response.setHeader(type, type >= VIRTIO_GPU_RESP_ERR_UNSPEC ? { ...request, flags: 0 } : request);",
  ),
  protocol(
    "response",
    "fence-echoed-without-its-flag-on-odd-ids",
    "if ((to.flags & VIRTIO_GPU_FLAG_FENCE) === 0) {",
    "if ((to.flags & VIRTIO_GPU_FLAG_FENCE) === 0 || (to.fenceLo & 1) !== 0) {",
  ),

  // Order of fences
  fences("timeline", "fences-overtake", "return first !== null && isUpTo(first, command);", "return false;"),
  fences(
    "timeline",
    "fences-compared-by-their-low-half",
    "return aHi < bHi || (aHi === bHi && a.fenceLo >>> 0 <= b.fenceLo >>> 0);",
    "return aHi >= 0 && bHi >= 0 && a.fenceLo >>> 0 <= b.fenceLo >>> 0;",
  ),
  fences(
    "timeline",
    "fences-released-as-they-complete",
    "      if (first !== null && isUpTo(first, next)) return;\n",
    "",
  ),
  queue("ringIdx", "any-ring", "request.ringIdx > VIRTIO_GPU_MAX_RING_IDX", "request.ringIdx > 0xff"),
  queue(
    "ringIdx",
    "63-rings",
    "request.ringIdx > VIRTIO_GPU_MAX_RING_IDX",
    "request.ringIdx >= VIRTIO_GPU_MAX_RING_IDX",
  ),
];
