// The tables of docs/limits.md are those of the code: every limit with its default, every policy in every profile.
import { readdirSync, readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DEVICE_POLICIES, type Profile } from "../../../src/device/index.ts";
import { DEFAULT_GPU_LIMITS, GPU_POLICIES } from "../../../src/devices/gpu/index.ts";
import { DEFAULT_RENDER_LIMITS } from "../../../src/devices/render/index.ts";
import { DEFAULT_VDMABUF_LIMITS } from "../../../src/devices/vdmabuf/index.ts";
import {
  gpuResponseName,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIFY_ON_EMPTY,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
} from "../../../src/wire/index.ts";

const test = suite("docs/limits.md");
const guide = readFileSync("docs/limits.md", "utf8");
const cells = guide
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.slice(2, -2).split(" | "));
/** Rows of the table of limits: of what, option, default, why. */
const limits = cells.filter((row) => row.length === 4);
const policies = cells.filter((row) => row.length === 5);

/** The default in the table; of a name that several have, `of` says whose. */
function documented(of: string, option: string): string | undefined {
  return limits.find((row) => row[0] === `\`${of}\`` && row[1] === `\`${option}\``)?.[2];
}

for (const [device, defaults] of [
  ["GpuDevice", DEFAULT_GPU_LIMITS],
  ["RenderDevice", DEFAULT_RENDER_LIMITS],
  ["VdmabufDevice", DEFAULT_VDMABUF_LIMITS],
] as const) {
  test(`the limits of ${device}`, () => {
    for (const [name, value] of Object.entries(defaults)) {
      assert.is(documented(device, `limits.${name}`), String(value), name);
    }
    const rows = limits.filter((row) => row[0] === `\`${device}\`` && row[1]?.startsWith("`limits."));
    assert.is(rows.length, Object.keys(defaults).length);
  });
}

/** The value of a constant of a source file: numbers, shifts and products. */
function constant(path: string, name: string): string {
  const [, text = ""] =
    new RegExp(`const ${name}(?:: number)? = ([\\d_ *<]+);`).exec(readFileSync(path, "utf8")) ?? [];
  const [left = "", operator, right] = text.replaceAll("_", "").split(" ");
  if (operator === "*") return String(Number(left) * Number(right));
  return String(operator === "<<" ? Number(left) << Number(right) : Number(left));
}

for (const [of, option, path, name] of [
  ["VirtioDevice", "maxTurnWork", "src/device/work.ts", "DEFAULT_MAX_TURN_WORK"],
  ["GpuDevice", "cursorQueueSize", "src/devices/gpu/device.ts", "DEFAULT_CURSOR_QUEUE_SIZE"],
  ["RngDevice", "queueSize", "src/devices/rng/device.ts", "DEFAULT_QUEUE_SIZE"],
  ["RngDevice", "maxBytesPerRequest", "src/devices/rng/device.ts", "DEFAULT_MAX_BYTES"],
  ["RngDevice", "maxRequestsInFlight", "src/devices/rng/device.ts", "DEFAULT_MAX_IN_FLIGHT"],
  ["RngDevice", "maxAbandonedCalls", "src/devices/rng/device.ts", "DEFAULT_MAX_ABANDONED"],
  ["RenderDevice", "queueSize", "src/devices/render/device.ts", "DEFAULT_QUEUE_SIZE"],
  ["VdmabufDevice", "queueSize", "src/devices/vdmabuf/device.ts", "DEFAULT_QUEUE_SIZE"],
  ["VncServer", "maxClients", "src/backends/display/vnc/server.ts", "DEFAULT_MAX_CLIENTS"],
  ["VncServer", "maxPixels", "src/backends/display/pictures/rgba.ts", "DEFAULT_MAX_PIXELS"],
  ["VncServer", "maxFramesPerSecond", "src/backends/display/vnc/server.ts", "DEFAULT_FRAMES_PER_SECOND"],
  ["VncServer", "handshakeTimeoutMs", "src/backends/display/vnc/server.ts", "DEFAULT_HANDSHAKE_MS"],
  ["VncServer", "stallTimeoutMs", "src/backends/display/vnc/server.ts", "DEFAULT_STALL_MS"],
  [
    "TerminalDisplay",
    "maxFramesPerSecond",
    "src/backends/display/terminal/terminal-display.ts",
    "DEFAULT_FRAMES_PER_SECOND",
  ],
  ["FrameRecorder", "maxPending", "src/backends/display/recorder/frame-recorder.ts", "DEFAULT_MAX_PENDING"],
  [
    "FrameRecorder",
    "maxPendingBytes",
    "src/backends/display/recorder/frame-recorder.ts",
    "DEFAULT_MAX_PENDING_BYTES",
  ],
  ["FrameRecorder", "maxFrames", "src/backends/display/recorder/frame-recorder.ts", "DEFAULT_MAX_FRAMES"],
  ["FrameRecorder", "maxPixels", "src/backends/display/pictures/rgba.ts", "DEFAULT_MAX_PIXELS"],
  ["CanvasDisplay", "maxPixels", "src/backends/display/pictures/rgba.ts", "DEFAULT_MAX_PIXELS"],
  ["DeviceEndpoint", "spinUs", "src/adapters/worker/device-endpoint.ts", "DEFAULT_SPIN_US"],
  ["DeviceEndpoint", "turnMs", "src/adapters/worker/device-endpoint.ts", "DEFAULT_TURN_MS"],
  ["DriverEndpoint", "spinUs", "src/adapters/worker/driver-endpoint.ts", "DEFAULT_SPIN_US"],
  ["DriverEndpoint", "timeoutMs", "src/adapters/worker/driver-endpoint.ts", "DEFAULT_TIMEOUT_MS"],
  ["attachDriver", "timeoutMs", "src/adapters/worker/attach-driver.ts", "DEFAULT_WAIT_TIMEOUT_MS"],
  ["QemuMachine", "answerTimeoutMs", "src/adapters/qtest/launch.ts", "DEFAULT_ANSWER_TIMEOUT_MS"],
  ["DriverChecker", "timelineLength", "src/conformance/driver-checker/checker.ts", "DEFAULT_TIMELINE"],
  ["DriverChecker", "violationsPerClause", "src/conformance/driver-checker/checker.ts", "DEFAULT_PER_CLAUSE"],
  ["DriverChecker", "notificationPatience", "src/conformance/driver-checker/checker.ts", "DEFAULT_PATIENCE"],
  ["runCases", "caseTimeoutMs", "src/conformance/runner.ts", "DEFAULT_CASE_TIMEOUT_MS"],
] as const) {
  test(`${of} ${option}`, () => assert.is(documented(of, option), constant(path, name)));
}

test("no option that is a limit is left out", () => {
  const option =
    /readonly (max[A-Z]\w*|\w*[tT]imeoutMs|\w*[qQ]ueueSize|violationsPerClause|timelineLength|\w+Patience|turnMs|spinUs)\?: number;/g;
  const named = new Set(limits.map((row) => row[1]?.replace(/^`(?:.*\.)?|`$/g, "")));
  for (const folder of ["device", "devices", "backends", "adapters", "conformance"]) {
    const files = readdirSync(`src/${folder}`, { recursive: true, encoding: "utf8" });
    for (const file of files.filter((name) => name.endsWith(".ts"))) {
      for (const [, name = ""] of readFileSync(`src/${folder}/${file}`, "utf8").matchAll(option)) {
        assert.ok(named.has(name), `${name} of src/${folder}/${file}`);
      }
    }
  }
});

const BITS: Readonly<Record<number, string>> = {
  [VIRTIO_F_EVENT_IDX]: "VIRTIO_F_EVENT_IDX",
  [VIRTIO_F_INDIRECT_DESC]: "VIRTIO_F_INDIRECT_DESC",
  [VIRTIO_F_NOTIFY_ON_EMPTY]: "VIRTIO_F_NOTIFY_ON_EMPTY",
  [VIRTIO_F_RING_PACKED]: "VIRTIO_F_RING_PACKED",
  [VIRTIO_F_RING_RESET]: "VIRTIO_F_RING_RESET",
  [VIRTIO_F_SUSPEND]: "VIRTIO_F_SUSPEND",
};
/** No policy has a number as large as the type of a response that would be something else. */
const SMALLEST_RESPONSE = 0x1100;

/** A decision as the guide writes it. */
function words(value: unknown): string {
  if (value === null) return "as the device type says";
  if (Array.isArray(value))
    return value.length === 0 ? "none" : value.map((bit) => `\`${BITS[Number(bit)]}\``).join(", ");
  if (typeof value !== "number" || value < SMALLEST_RESPONSE) return `\`${String(value)}\``;
  return `\`${gpuResponseName(value).replace("VIRTIO_GPU_RESP_", "")}\``;
}

const PROFILES: readonly Profile[] = ["spec", "qemu", "crosvm"];

test("the policies in every profile", () => {
  const rows = [GPU_POLICIES, DEVICE_POLICIES].flatMap((table) =>
    Object.keys(table.spec).map((name) => [
      `\`${name}\``,
      ...PROFILES.map((profile) => words((table[profile] as unknown as Record<string, unknown>)[name])),
    ]),
  );
  assert.equal(
    policies.map((row) => row.slice(0, 4)),
    rows,
  );
});

test.run();
