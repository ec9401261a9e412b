// What a real kernel sent, against the model of its driver: equal for every capture, and when a capture is tampered with,
// the field that was is named.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readCaptureFolders } from "../../src/cli/compare-linux/capture-files.ts";
import {
  compareFolder,
  type FolderResult,
  type ScenarioResult,
} from "../../src/cli/compare-linux/compare-folder.ts";
import { runCommandLine } from "../../src/cli/run.ts";
import { GUEST_PROGRAMS } from "../../src/driver/kms/index.ts";

const GOLDEN = "spec-tests/fixtures/golden/linux-6.1";
const SETS = ["edid", "uuid", "blob"] as const;

function compare(path: string): FolderResult {
  const [folder] = readCaptureFolders(path);
  if (folder === undefined) throw new Error(`${path} holds no captures`);
  return compareFolder(folder, "linux-6.1");
}

function scenarioOf(result: FolderResult, name: string): ScenarioResult {
  const scenario = result.scenarios.find((each) => each.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  return scenario;
}

const golden = suite("compare-linux, captures of Linux 6.1");

for (const set of SETS) {
  golden(`${set}: every scenario is equal`, () => {
    const result = compare(join(GOLDEN, set));
    const names = readdirSync(join(GOLDEN, set))
      .filter((name) => !name.startsWith("_"))
      .map((name) => name.replace(".jsonl", ""));
    assert.equal(result.scenarios.map(({ name }) => name).sort(), names.sort());
    for (const { name, status, note, comparison } of result.scenarios) {
      assert.is(status, "equal", `${name}: ${JSON.stringify(comparison?.difference)}`);
      assert.is(note, null, `${name}: everything follows from the scenario before`);
      const lines = readFileSync(join(GOLDEN, set, `${name}.jsonl`), "utf8").split("\n");
      assert.is(comparison?.commands, lines.filter((line) => line.includes('"hex"')).length, name);
      const calls = lines.filter((line) => line.includes('"END '));
      assert.is(comparison?.calls, calls.length, name);
    }
    assert.is(result.features.stated, true);
    assert.equal(result.display, { width: 1280, height: 800 });
  });
}

golden("there is a program for everything that was captured", () => {
  const names = GUEST_PROGRAMS.map(({ name }) => name);
  for (const name of ["dirty", "flip", "prime", "cursor", "closeonly", "blob", "xblob", "params"]) {
    assert.ok(names.includes(name), name);
  }
});
golden.run();

// Captures that nobody has seen

type Json = Record<string, unknown>;
type Line = Json & { hex?: string; args: Json; desc: { out: number[]; in: number[]; indirect: boolean } };

interface Copy {
  readonly folder: string;
  edit(scenario: string, change: (lines: Line[]) => Line[] | undefined): void;
}

/** Calls with a copy of a folder of captures. */
function withCopy(set: (typeof SETS)[number], body: (copy: Copy) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "compare-linux-test-"));
  try {
    cpSync(join(GOLDEN, set), folder, { recursive: true });
    body({
      folder,
      edit: (scenario, change) => {
        const path = join(folder, `${scenario}.jsonl`);
        const lines = readFileSync(path, "utf8").trim().split("\n");
        const parsed = lines.map((line) => JSON.parse(line) as Line);
        const changed = change(parsed) ?? parsed;
        writeFileSync(path, changed.map((line) => JSON.stringify(line)).join("\n"));
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const isCommand = (line: Line) => line.hex !== undefined;

/** Line of the `n`th command, counted from 1. */
function command(lines: Line[], n: number): Line {
  return lines.filter(isCommand)[n - 1] as Line;
}

/** Changes 32 bits of a command. */
function poke(line: Line, offset: number, change: (value: number) => number): void {
  const bytes = Buffer.from(line.hex as string, "hex");
  bytes.writeUInt32LE(change(bytes.readUInt32LE(offset)) >>> 0, offset);
  line.hex = bytes.toString("hex");
}

const peek = (line: Line, offset: number) => Buffer.from(line.hex as string, "hex").readUInt32LE(offset);

const tampered = suite("compare-linux, captures that were tampered with");

interface Tampering {
  readonly what: string;
  readonly set: (typeof SETS)[number];
  readonly scenario: string;
  readonly change: (lines: Line[]) => Line[] | undefined;
  /** Command, name, and the fields as `name: expected → got`. */
  readonly at: number | null;
  readonly name: string;
  readonly fields: readonly string[];
}

const TAMPERINGS: readonly Tampering[] = [
  {
    what: "a coordinate of a transfer",
    set: "edid",
    scenario: "dirty",
    change: (lines) => void poke(command(lines, 8), 24, () => 17),
    at: 8,
    name: "TRANSFER_TO_HOST_2D",
    fields: ["r.x: 16 → 17"],
  },
  {
    what: "several fields of one command",
    set: "edid",
    scenario: "dirty",
    change: (lines) => {
      poke(command(lines, 11), 40, () => 51236);
      poke(command(lines, 11), 32, () => 291);
      return undefined;
    },
    at: 11,
    name: "TRANSFER_TO_HOST_2D",
    fields: ["r.width: 290 → 291", "offset: 51240 → 51236"],
  },
  {
    what: "padding that is not zero",
    set: "edid",
    scenario: "flip",
    change: (lines) => void poke(command(lines, 8), 44, () => 1),
    at: 8,
    name: "RESOURCE_FLUSH",
    fields: ["padding: 0 → 1"],
  },
  {
    what: "a byte of the header's padding",
    set: "edid",
    scenario: "flip",
    change: (lines) => void poke(command(lines, 1), 20, (value) => value | 0x100),
    at: 1,
    name: "RESOURCE_CREATE_2D",
    fields: ["hdr.padding[0]: 0 → 1"],
  },
  {
    what: "a context id",
    set: "uuid",
    scenario: "prime",
    change: (lines) => void poke(command(lines, 7), 16, () => 1),
    at: 7,
    name: "RESOURCE_ASSIGN_UUID",
    fields: ["hdr.ctx_id: 0 → 1"],
  },
  {
    what: "a flush that lost its fence",
    set: "blob",
    scenario: "flip",
    change: (lines) => {
      const line = lines.filter(isCommand).find((each) => peek(each, 4) === 1) as Line;
      poke(line, 4, () => 0);
      poke(line, 8, () => 0);
      return undefined;
    },
    at: 6,
    name: "RESOURCE_FLUSH",
    fields: ["hdr.flags: 1 → 0"],
  },
  {
    what: "a fence id out of turn",
    set: "blob",
    scenario: "flip",
    change: (lines) => {
      const fenced = lines.filter((each) => isCommand(each) && peek(each, 4) === 1);
      poke(fenced[2] as Line, 8, (value) => value + 1);
      return undefined;
    },
    at: 12,
    name: "RESOURCE_FLUSH",
    fields: ["hdr.fence_id: 1368 → 1369"],
  },
  {
    what: "another resource",
    set: "edid",
    scenario: "flip",
    change: (lines) => void poke(command(lines, 9), 48, () => 6),
    at: 9,
    name: "TRANSFER_TO_HOST_2D",
    fields: ["resource_id: 7 → 6"],
  },
  {
    what: "a resource id used again",
    set: "edid",
    scenario: "flip",
    change: (lines) => void poke(command(lines, 3), 24, () => 6),
    at: 3,
    name: "RESOURCE_CREATE_2D",
    fields: ["resource_id: an id not used before → 6"],
  },
  {
    what: "a resource where there is none",
    set: "edid",
    scenario: "dirty",
    change: (lines) => void poke(command(lines, 3), 44, () => 5),
    at: 3,
    name: "SET_SCANOUT",
    fields: ["resource_id: 0 → 5"],
  },
  {
    what: "a command that is missing",
    set: "edid",
    scenario: "dirty",
    change: (lines) => lines.filter((line) => line !== command(lines, 9)),
    at: 9,
    name: "SET_SCANOUT",
    fields: ["command: SET_SCANOUT → RESOURCE_FLUSH"],
  },
  {
    what: "the last command that is missing",
    set: "edid",
    scenario: "closeonly",
    change: (lines) => lines.filter((line) => line !== lines.filter(isCommand).at(-1)),
    at: 8,
    name: "RESOURCE_UNREF",
    fields: ["command: RESOURCE_UNREF → nothing"],
  },
  {
    what: "a command too many",
    set: "edid",
    scenario: "blob",
    change: (lines) => [...lines, command(lines, 1)],
    at: 2,
    name: "SET_SCANOUT",
    fields: ["command: nothing → SET_SCANOUT"],
  },
  {
    what: "a command that was cut",
    set: "edid",
    scenario: "dirty",
    change: (lines) => {
      const line = command(lines, 2);
      line.hex = (line.hex as string).slice(0, -8);
      line.desc.out[0] = 28;
      return undefined;
    },
    at: 2,
    name: "RESOURCE_ATTACH_BACKING",
    fields: ["desc.out[0]: 32 → 28", "desc.out[1…]: 0 (in one piece, or in pages) → 624"],
  },
  {
    what: "room for another response",
    set: "edid",
    scenario: "init",
    change: (lines) => {
      command(lines, 2).desc.in = [400];
      return undefined;
    },
    at: 2,
    name: "GET_DISPLAY_INFO",
    fields: ["desc.in: 408 → 400"],
  },
  {
    what: "a response for a cursor",
    set: "edid",
    scenario: "cursor",
    change: (lines) => {
      command(lines, 10).desc.in = [24];
      return undefined;
    },
    at: 10,
    name: "UPDATE_CURSOR",
    fields: ["desc.in: none → 24"],
  },
  {
    what: "direct descriptors",
    set: "edid",
    scenario: "prime",
    change: (lines) => {
      command(lines, 4).desc.indirect = false;
      return undefined;
    },
    at: 4,
    name: "TRANSFER_TO_HOST_2D",
    fields: ["desc.indirect: true → false"],
  },
  {
    what: "a list that is too short",
    set: "blob",
    scenario: "dirty",
    change: (lines) => {
      const line = command(lines, 1);
      line.desc.out = [56, 656];
      return undefined;
    },
    at: 1,
    name: "RESOURCE_CREATE_BLOB",
    fields: ["desc.out[1…]: 672 (in one piece, or in pages) → 656"],
  },
  {
    what: "memory that is missing",
    set: "blob",
    scenario: "dirty",
    change: (lines) => {
      command(lines, 1).args["entries_len_sum"] = 4091904;
      return undefined;
    },
    at: 1,
    name: "RESOURCE_CREATE_BLOB",
    fields: ["entries_len_sum: 4096000 → 4091904"],
  },
  {
    what: "a notification too many",
    set: "edid",
    scenario: "flip",
    change: (lines) => {
      for (const line of lines.filter(isCommand).slice(10)) line["kick"] = (line["kick"] as number) + 100;
      return undefined;
    },
    at: 11,
    name: "RESOURCE_FLUSH",
    fields: ["notification: that of the command before → one of its own"],
  },
  {
    what: "a cursor command on the control queue",
    set: "edid",
    scenario: "cursor",
    change: (lines) => {
      command(lines, 11)["q"] = "control";
      return undefined;
    },
    at: 11,
    name: "MOVE_CURSOR",
    fields: ["queue: cursor → control"],
  },
  {
    what: "a call that failed",
    set: "edid",
    scenario: "params",
    change: (lines) => {
      const line = lines.findLast((each) => String(each["marker"]).startsWith("END")) as Line;
      line["marker"] = "END DRM_IOCTL_VIRTGPU_GETPARAM rc=0 errno=0";
      return undefined;
    },
    at: null,
    name: "DRM_IOCTL_VIRTGPU_GETPARAM (call 9)",
    fields: ["result: EINVAL → success"],
  },
];

for (const { what, set, scenario, change, at, name, fields } of TAMPERINGS) {
  tampered(what, () => {
    withCopy(set, ({ folder, edit }) => {
      edit(scenario, change);
      const result = compare(folder);
      const { status, comparison } = scenarioOf(result, scenario);
      const difference = comparison?.difference;
      assert.is(status, "different");
      const shown = difference?.fields.map(({ field, expected, got }) => `${field}: ${expected} → ${got}`);
      assert.equal(shown, fields);
      assert.is(difference?.command, at);
      assert.is(difference?.name, name);
      for (const other of result.scenarios) {
        if (other.name !== scenario) assert.is(other.status, "equal", other.name);
      }
    });
  });
}
tampered.run();

const unseen = suite("compare-linux, captures nobody has seen");

/** The captures as a display of another size would have made them. */
function resize(copy: Copy, width: number, height: number): void {
  const across = (value: number) => (value === 1280 ? width : value === 1279 ? width - 1 : value);
  const down = (value: number) => (value === 800 ? height : value === 799 ? height - 1 : value);
  const size = Math.ceil((width * height * 4) / 4096) * 4096;
  for (const scenario of ["dirty", "flip", "prime", "cursor", "closeonly", "blob"]) {
    copy.edit(scenario, (lines) => {
      for (const line of lines.filter(isCommand)) {
        const cmd = line["cmd"] as string;
        if (/SET_SCANOUT|FLUSH|TRANSFER/.test(cmd)) {
          poke(line, 24, across);
          poke(line, 28, down);
          poke(line, 32, across);
          poke(line, 36, down);
        }
        if (cmd === "TRANSFER_TO_HOST_2D")
          poke(line, 40, () => peek(line, 24) * 4 + peek(line, 28) * width * 4);
        if (cmd === "RESOURCE_CREATE_2D") {
          poke(line, 32, across);
          poke(line, 36, down);
        }
        if (cmd === "SET_SCANOUT_BLOB") {
          poke(line, 48, across);
          poke(line, 52, down);
          poke(line, 64, (pitch) => (pitch === 5120 ? width * 4 : pitch));
        }
        if (cmd === "RESOURCE_CREATE_BLOB") poke(line, 48, (bytes) => (bytes === 4096000 ? size : bytes));
        if (line.args["entries_len_sum"] === 4096000) line.args["entries_len_sum"] = size;
      }
      return undefined;
    });
  }
}

for (const [width, height] of [
  [1920, 1080],
  [1366, 768],
  [320, 270],
] as const) {
  unseen(`a display of ${width} × ${height}`, () => {
    for (const set of ["edid", "blob"] as const) {
      withCopy(set, (copy) => {
        resize(copy, width, height);
        const result = compare(copy.folder);
        assert.equal(result.display, { width, height });
        for (const { name, status, comparison } of result.scenarios) {
          assert.is(status, "equal", `${name}: ${JSON.stringify(comparison?.difference)}`);
        }
      });
    }
  });
}

unseen("no handshake: the features follow from the commands", () => {
  withCopy("blob", ({ folder }) => {
    rmSync(join(folder, "_vhost-user-handshake.jsonl"));
    const result = compare(folder);
    assert.is(result.features.stated, false);
    assert.ok(result.scenarios.every(({ status }) => status === "equal"));
  });
});

unseen("each scenario on its own: what the CRTC did before is stated", () => {
  for (const { name } of compare(join(GOLDEN, "edid")).scenarios) {
    withCopy("edid", ({ folder }) => {
      for (const file of readdirSync(folder)) if (file !== `${name}.jsonl`) rmSync(join(folder, file));
      const { status, note, comparison } = scenarioOf(compare(folder), name);
      assert.is(status, "equal", `${name}: ${JSON.stringify(comparison?.difference)}`);
      assert.is(note !== null, name !== "init" && name !== "params", name);
    });
  }
});

unseen("notifications may be suppressed, all of them", () => {
  withCopy("blob", ({ folder, edit }) => {
    edit("flip", (lines) => {
      for (const line of lines.filter(isCommand)) line["kick"] = 1;
      return undefined;
    });
    const { status, comparison } = scenarioOf(compare(folder), "flip");
    assert.is(status, "equal");
    assert.is(comparison?.suppressed, (comparison?.notifications ?? 0) - 1);
  });
});

unseen("the first commands of a group may be taken before its notification", () => {
  withCopy("edid", ({ folder, edit }) => {
    // Under the notification before: the transfer of a flip; the rest of it comes with its own.
    edit("flip", (lines) => {
      command(lines, 12)["kick"] = command(lines, 11)["kick"];
      return undefined;
    });
    assert.is(scenarioOf(compare(folder), "flip").status, "equal");
  });
});

unseen("files as other systems write them", () => {
  withCopy("edid", ({ folder }) => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      writeFileSync(path, `\uFEFF${readFileSync(path, "utf8").replaceAll("\n", "\r\n")}`);
    }
    assert.ok(compare(folder).scenarios.every(({ status }) => status === "equal"));
  });
});

unseen("lists page by page", () => {
  withCopy("blob", ({ folder, edit }) => {
    edit("dirty", (lines) => {
      const line = command(lines, 1);
      poke(line, 36, () => 999);
      line.desc.out = [56, 4096, 4096, 4096, 999 * 16 - 3 * 4096];
      return undefined;
    });
    assert.is(scenarioOf(compare(folder), "dirty").status, "equal");
  });
});

unseen("flips once a frame, where the kernel does not pace them", () => {
  withCopy("edid", ({ folder, edit }) => {
    let frame = 0;
    const pace = (lines: Line[]) => {
      for (const line of lines.filter(isCommand)) {
        if (line["cmd"] === "RESOURCE_FLUSH") frame++;
        line["guest"] = { t: 9 + frame / 60 };
      }
      return undefined;
    };
    edit("mvsync", pace);
    const { status, comparison } = scenarioOf(compare(folder), "mvsync");
    assert.is(status, "different");
    assert.is(comparison?.difference?.name, "pacing");
    assert.equal(comparison?.difference?.fields, [
      { field: "frames, ms apart", expected: "as fast as the machine", got: "16.7, one a frame" },
    ]);
    // A program that pauses itself may do so for a frame.
    edit("dirty", pace);
    assert.is(scenarioOf(compare(folder), "dirty").status, "equal");
  });
});

unseen("captures without times are not compared for them", () => {
  withCopy("edid", ({ folder, edit }) => {
    edit("mvsync", (lines) => {
      for (const line of lines.filter(isCommand)) {
        delete line["guest"];
        delete line["t_ms"];
      }
      return undefined;
    });
    const { status, comparison } = scenarioOf(compare(folder), "mvsync");
    assert.is(status, "equal");
    assert.is(comparison?.pacing, null);
  });
});

unseen("a scenario nobody has a program for is named", () => {
  withCopy("edid", ({ folder }) => {
    cpSync(join(folder, "dirty.jsonl"), join(folder, "weston.jsonl"));
    const result = compare(folder);
    assert.equal(scenarioOf(result, "weston"), {
      name: "weston",
      status: "skipped",
      note: "there is no program of this name",
      comparison: null,
    });
  });
});

unseen("modetest may be stopped anywhere, but not go wrong", () => {
  withCopy("edid", ({ folder, edit }) => {
    edit("mvsync", (lines) => lines.slice(0, 38));
    assert.is(scenarioOf(compare(folder), "mvsync").status, "equal");
    edit("mvsync", (lines) => {
      poke(command(lines, 28), 48, (id) => 7 - id);
      return undefined;
    });
    assert.is(scenarioOf(compare(folder), "mvsync").status, "different");
  });
});
unseen.run();

const commandLine = suite("compare-linux, command line");

async function run(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  let out = "";
  let error = "";
  const code = await runCommandLine(["compare-linux", ...args], {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
    outIsTerminal: false,
  } as Parameters<typeof runCommandLine>[1]);
  return { code, out, error };
}

commandLine("all equal: a line for each scenario, and 0", async () => {
  const { code, out, error } = await run(join(GOLDEN, "uuid"), "--profile", "linux-6.1");
  assert.is(code, 0);
  assert.is(error, "");
  assert.match(out, /^ {2}dirty +equal {2}19 commands, 11 notifications \(2 suppressed\), 15 calls$/m);
  assert.match(out, /^10 equal, 0 different, 0 skipped$/m);
});

commandLine("a folder of folders", async () => {
  const { code, out } = await run(GOLDEN);
  assert.is(code, 0);
  assert.match(out, /^30 equal, 0 different, 0 skipped$/m);
});

commandLine("another kernel: where it differs, field by field, and 1", async () => {
  const { code, out } = await run(join(GOLDEN, "edid"), "--profile", "linux-6.12");
  assert.is(code, 1);
  assert.match(out, /^ {2}dirty +different at command 8, TRANSFER_TO_HOST_2D$/m);
  assert.match(out, /^ {6}r\.x +expected 0, got 16$/m);
  assert.match(out, /^ {6}r\.width +expected 1280, got 64$/m);
  assert.match(out, /^ {2}params +different DRM_IOCTL_VIRTGPU_GETPARAM/m, "6.12 knows a parameter more");
});

commandLine("a report as JSON", async () => {
  const folder = mkdtempSync(join(tmpdir(), "compare-linux-test-"));
  try {
    const path = join(folder, "report.json");
    const { code } = await run(join(GOLDEN, "edid"), "--profile", "linux-7.3", "--json", path);
    assert.is(code, 1);
    const report = JSON.parse(readFileSync(path, "utf8"));
    assert.is(report.profile, "linux-7.3");
    assert.is(report.equal + report.different + report.skipped, 10);
    const dirty = report.folders[0].scenarios.find(({ name }: { name: string }) => name === "dirty");
    assert.is(dirty.status, "different");
    assert.equal(dirty.difference.fields[0], { field: "r.x", expected: "0", got: "16" });
    const { out } = await run(join(GOLDEN, "edid"), "--json", "-");
    assert.is(JSON.parse(out).different, 0);
    assert.is((await run(join(GOLDEN, "edid"), "--json")).out, out, "alone it does the same");
    // As a whole or not at all, and before the work whether it can be.
    assert.equal(readdirSync(folder), ["report.json"]);
    const refused = await run(join(GOLDEN, "edid"), "--json", folder);
    assert.is(refused.code, 2);
    assert.is(refused.out, "");
    assert.match(refused.error, /it is not a file\. Give the name of a file\.\n$/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

commandLine("what cannot be: one line, and 2", async () => {
  const empty = mkdtempSync(join(tmpdir(), "compare-linux-test-"));
  try {
    const bad = join(empty, "bad");
    mkdirSync(bad);
    writeFileSync(join(bad, "dirty.jsonl"), '{"q": "control"}\nnot json\n');
    const odd = join(empty, "odd");
    mkdirSync(odd);
    writeFileSync(join(odd, "dirty.jsonl"), '{"q": "control", "cmd": "X", "hex": "zz", "kick": 1}\n');
    const none = join(empty, "none");
    mkdirSync(none);
    const folder = join(empty, "folder");
    mkdirSync(join(folder, "dirty.jsonl"), { recursive: true });
    const gone = join(empty, "gone");
    mkdirSync(gone);
    symlinkSync(join(empty, "nowhere"), join(gone, "dirty.jsonl"));
    for (const [args, message] of [
      [["/no/such/folder"], /cannot read \/no\/such\/folder: there is no such folder/],
      [["package.json"], /it is not a folder/],
      [[none], /holds no captures/],
      [[folder], /cannot read .*dirty\.jsonl: it is a folder/],
      [[gone], /cannot read .*dirty\.jsonl: it is not there/],
      [[bad], /bad\/dirty\.jsonl, line 2 is no JSON/],
      [[odd], /odd\/dirty\.jsonl, line 1: "hex" holds no bytes/],
      [
        [join(GOLDEN, "edid"), "--profile", "linux-5.4"],
        /linux-5\.4.*linux-6\.1, linux-6\.12, linux-6\.12\.117, linux-7\.3/,
      ],
      [[join(GOLDEN, "edid"), "--json", "/no/such/folder/x"], /cannot write .*the folder does not exist/],
      [[], /missing required argument/],
    ] as const) {
      const { code, out, error } = await run(...args);
      assert.is(code, 2, args.join(" "));
      assert.is(out, "");
      assert.match(error, message);
      assert.is(error.trim().split("\n").length, 1, error);
    }
  } finally {
    rmSync(empty, { recursive: true, force: true });
  }
});
commandLine.run();
