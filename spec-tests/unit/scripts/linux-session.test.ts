import { suite } from "uvu";
import * as assert from "uvu/assert";
import { GuestConsole } from "../../../scripts/linux/guest-console.ts";
import { GuestSession, type ScenarioReport } from "../../../scripts/linux/guest-session.ts";
import type { CommandRecord, LinuxDevice, Picture } from "../../../scripts/linux/linux-device.ts";
import type { Machine } from "../../../scripts/linux/machine.ts";
import { DrawnPicture, hashPicture, hexHash } from "../../../scripts/linux/pattern.ts";
import { countBy, formatReport } from "../../../scripts/linux/report.ts";
import { citeDriverStatement } from "../../../src/conformance/driver-checker/index.ts";

const session = suite("linux session");

const COMMAND: CommandRecord = {
  atMs: 1,
  queue: "controlq",
  head: 3,
  indirect: true,
  ctxId: 0,
  ringIdx: null,
  command: "SET_SCANOUT",
  fenceId: 7,
  args: { r: { x: 1, y: 2, width: 8, height: 4 }, scanout_id: 0, resource_id: 2 },
  backingBytes: null,
  readableBytes: [48],
  writableBytes: [24],
  response: "OK_NODATA",
  writtenBytes: 24,
  reason: "",
};

/** A guest that answers each line it is sent with the lines of a script. */
function guestOf(script: (line: string) => readonly string[]) {
  let onByte = (_byte: number): void => undefined;
  const sent: string[] = [];
  const emulator = {
    add_listener: (_event: string, listener: (byte: number) => void) => {
      onByte = listener;
    },
    remove_listener: () => undefined,
    serial0_send: (text: string) => {
      sent.push(text);
      const answer = script(text.trimEnd());
      setTimeout(() => {
        for (const line of answer) for (const byte of Buffer.from(`${line}\r\n`)) onByte(byte);
      }, 1);
    },
  };
  const console = new GuestConsole(emulator as never);
  const machine = { emulator, console, close: () => Promise.resolve() } as unknown as Machine;
  return { machine, sent };
}

class FakeDevice implements LinuxDevice {
  readonly identity = { pciId: 72, configSpace: new Uint8Array(256), barSizes: [256] };
  readonly commands: CommandRecord[] = [];
  readonly complaints: string[] = [];
  readonly sizes: string[] = [];
  screen: Picture | undefined;
  pointer: ReturnType<LinuxDevice["cursor"]>;

  attach(): void {}
  resize(width: number, height: number): void {
    this.sizes.push(`${width}×${height}`);
  }
  scanout(): Picture | undefined {
    return this.screen;
  }
  cursor(): ReturnType<LinuxDevice["cursor"]> {
    return this.pointer;
  }
  checkedDriver(): null {
    return null;
  }
}

function drawn(seed: number): DrawnPicture {
  const picture = new DrawnPicture(8, 4);
  picture.draw(0, 0, 8, 4, seed);
  return picture;
}

const HASH = hexHash(hashPicture(drawn(1)));

/** Runs "flip" in a guest that says these lines, the last one a stage, and then ends. */
async function run(device: FakeDevice, lines: readonly string[]): Promise<ScenarioReport> {
  const { machine } = guestOf((line) => {
    if (line === "load") return ["@@DONE load 0"];
    return line === "run flip" ? lines : ["@@DONE run 0"];
  });
  const reports = await new GuestSession({ machine, device }).run("flip");
  assert.equal(
    reports.map(({ name }) => name),
    ["load", "flip"],
  );
  return reports[1] as ScenarioReport;
}

const SHOWN = [
  "@@MODE 8 4 60",
  "@@DRAW a 0 0 8 4 seed=1",
  `@@PIXELS fnv1a=${HASH} width=8 height=4`,
  "@@SHOW a",
  "@@STAGE flip/set 8 4",
];

session("a stage where all is as the guest drew it has no problem", async () => {
  const device = new FakeDevice();
  device.screen = drawn(1);
  const { problems, timeline, exitCode } = await run(device, SHOWN);
  assert.equal(problems, []);
  assert.is(exitCode, 0);
  const stage = timeline.find(({ kind }) => kind === "stage");
  assert.is(stage?.kind === "stage" ? stage.stage.screenHash : "", HASH);
});

session("what is not as the guest drew it is a problem", async () => {
  const device = new FakeDevice();
  assert.match((await run(device, SHOWN)).problems.join(), /flip\/set: nothing is on screen/);
  device.screen = drawn(2);
  assert.match((await run(device, SHOWN)).problems.join(), /32 pixels differ/);
  device.screen = drawn(1);
  const lying = SHOWN.map((line) => line.replace(HASH, "00000000"));
  assert.match((await run(device, lying)).problems.join(), /the guest's pixels have the hash 00000000/);
  assert.match((await run(device, ["@@STAGE flip/off 0 0"])).problems.join(), /8×4 pixels are on screen/);
});

session("pixels that only the guest knows are compared by their hash", async () => {
  const device = new FakeDevice();
  device.screen = drawn(1);
  const stage = (hash: string) => [
    `@@PIXELS fnv1a=${hash} width=8 height=4`,
    "@@SHOW -",
    "@@STAGE flip/text 8 4",
  ];
  assert.equal((await run(device, stage(HASH))).problems, []);
  assert.match((await run(device, stage("12345678"))).problems.join(), /the guest's 12345678/);
});

session("the cursor is compared too", async () => {
  const device = new FakeDevice();
  device.screen = drawn(1);
  const image = new DrawnPicture(64, 64);
  image.drawCursor(3);
  const lines = ["@@DRAW cursor 0 0 64 64 seed=3", "@@CURSOR x=5 y=-7 hot_x=1 hot_y=2", ...SHOWN];
  assert.match((await run(device, lines)).problems.join(), /the cursor is not visible/);
  device.pointer = { x: 5, y: -7, hotX: 1, hotY: 2, image };
  assert.equal((await run(device, lines)).problems, []);
  device.pointer = { x: 5, y: 7, hotX: 1, hotY: 2, image: drawn(1) };
  const { problems } = await run(device, lines);
  assert.match(problems.join(), /cursor's y is 7 instead of -7/);
  assert.match(problems.join(), /cursor: the screen has 8×4 pixels/);
  assert.match((await run(device, ["@@CURSOR off", ...SHOWN])).problems.join(), /the cursor is visible/);
});

session("failures, kernel errors and complaints of the device are problems", async () => {
  const device = new FakeDevice();
  const { machine } = guestOf((line) => {
    if (line === "load") return ["@@DONE load 0"];
    device.complaints.push("gpu queue-fault");
    return ["@@FAIL no event", "@@KMSG [1.0] [drm] *ERROR* response 0x1200", "@@KMSG fine", "@@DONE run 1"];
  });
  const [load, flip] = await new GuestSession({ machine, device }).run("flip");
  assert.equal(load?.problems, []);
  const { problems, kernelMessages, exitCode } = flip as ScenarioReport;
  assert.is(exitCode, 1);
  assert.is(kernelMessages.length, 2);
  assert.is(problems.length, 4);
  assert.match(problems.join("\n"), /no event[\s\S]*response 0x1200[\s\S]*queue-fault[\s\S]*code 1/);
});

session("commands stand between the lines that surround them", async () => {
  const device = new FakeDevice();
  const { machine } = guestOf((line) => {
    if (line === "load") return ["@@DONE load 0"];
    setTimeout(() => device.commands.push(COMMAND), 0);
    return ["@@BEGIN DRM_IOCTL_MODE_SETCRTC", "@@END DRM_IOCTL_MODE_SETCRTC rc=-22", "@@DONE run 0"];
  });
  const [, report] = await new GuestSession({ machine, device }).run("flip");
  assert.equal(
    report?.timeline.map((entry) => (entry.kind === "call" ? `${entry.name} ${entry.result}` : entry.kind)),
    ["command", "DRM_IOCTL_MODE_SETCRTC -22"],
  );
});

session("the host is asked for another size, and the guest goes on after it", async () => {
  const device = new FakeDevice();
  device.screen = drawn(1);
  await run(device, ["@@WANT resize", ...SHOWN]);
  assert.equal(device.sizes, ["1024×600"]);
});

session("a kernel panic ends the wait at once, with the guest's last words", async () => {
  const { machine } = guestOf(() => ["Oops", "Kernel panic - not syncing: dead"]);
  const begin = performance.now();
  try {
    await new GuestSession({ machine, device: new FakeDevice() }).run("flip");
    assert.unreachable();
  } catch (error) {
    assert.match(String(error), /panicked; the guest's last words: Oops \| Kernel panic/);
  }
  assert.ok(performance.now() - begin < 5000);
});

session("the report shows the chain, the fields, the fence and the response", () => {
  const scenario: ScenarioReport = {
    name: "flip",
    exitCode: 0,
    elapsedMs: 1500,
    timeline: [{ kind: "command", record: COMMAND }],
    kernelMessages: [],
    problems: ["oh"],
  };
  const counts = countBy([COMMAND, COMMAND], ({ command }) => command);
  assert.equal(counts, { SET_SCANOUT: 2 });
  const text = formatReport({
    kernel: "Linux",
    emulator: "v86",
    bootMs: null,
    elapsedMs: 2000,
    runs: [
      {
        features: ["edid"],
        startMs: 1,
        commands: counts,
        responses: {},
        scenarios: [scenario],
        driver: {
          events: 12,
          findings: [
            {
              level: "MUST",
              clause: "content.driver.device-status-field.2",
              statement: citeDriverStatement("content.driver.device-status-field.2"),
              also: ["content.driver.device-status-field.1"],
              count: 2,
              message: "status bits 0x1 were cleared",
              evidence: [{ what: "device status", address: null, before: "0x1", after: "0x2" }],
              at: 3,
              timeline: ["> 3 status ← 0x2"],
              explanation: null,
            },
            {
              level: "hint",
              clause: "hint.nothing-available",
              statement: null,
              also: [],
              count: 1,
              message: "queue 0 was notified",
              evidence: [],
              at: 9,
              timeline: [],
              explanation: "so it is",
            },
          ],
        },
      },
    ],
    problems: 1,
  });
  assert.match(
    text,
    /driver checker: 12 events, 1 statements broken, 1 hints\n {2}MUST {3}content\S+\.2 {2}2 times\n/,
  );
  assert.match(text, /device status: 0x1 → 0x2\n +> 3 status ← 0x2\n +NEW: not explained yet/);
  assert.match(text, /\n {4}Status bits are only ever added: .*\n {4}content\.tex:66 {2}https:.*#L66\n/);
  assert.match(text, /breaks as well: content\S+\.1\n/);
  assert.match(text, /\n {2}hint\.nothing-available {2}once\n {4}queue 0 was notified\n {4}known: so it is/);
  assert.match(text, /SET_SCANOUT +#3 48→24 +r=8×4\+1\+2 scanout_id=0 resource_id=2 fence=7 → OK_NODATA/);
  assert.match(text, /PROBLEM oh[\s\S]*2 SET_SCANOUT[\s\S]*1 problems/);
});

session.run();
