/** edid-decode judges the EDIDs of virtual monitors: no failure, no warning, and the mode that was asked for. */
import { spawnSync } from "node:child_process";
import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createEdid, EDID_MAX_PIXELS, type EdidOptions } from "../../src/devices/gpu/output/edid.ts";
import { locate, needs, peers } from "../support/peer.ts";

const edid = suite("EDID");
const withDecoder = needs(edid, peers.edidDecode);

function decode(options: EdidOptions): string {
  const program = locate(peers.edidDecode) ?? "edid-decode";
  const flags = ["--check", "--preferred-timings", "--native-resolution", "--skip-hex-dump", "--skip-sha"];
  const { stdout, error } = spawnSync(program, flags, { input: createEdid(options), encoding: "utf8" });
  if (error) throw error;
  return stdout;
}

/** What the decoder holds for the preferred mode once it has read all blocks. */
function preferredMode(report: string): { width: number; height: number; refreshHz: number } {
  const last = report.slice(report.lastIndexOf("Preferred Video Timing"));
  const [, width, height, refreshHz] = /DTD.*?:\s*(\d+)x(\d+)\s+([\d.]+) Hz/.exec(last) ?? [];
  return { width: Number(width), height: Number(height), refreshHz: Number(refreshHz) };
}

function judge(options: EdidOptions): string {
  const report = decode(options);
  const label = `${JSON.stringify(options)}:\n${report}`;
  assert.ok(report.includes("EDID conformity: PASS"), label);
  assert.not.match(report, /^(Warnings|Failures):/m);
  const { width, height, refreshHz } = preferredMode(report);
  assert.is(width, options.widthPixels, label);
  assert.is(height, options.heightPixels, label);
  // The pixel clock has a granularity of 10 kHz and is at least 10.1 MHz.
  assert.ok(Math.abs(refreshHz / (options.refreshHz ?? 60) - 1) < 0.0005, label);
  return report;
}

const USUAL =
  "640x480 800x600 1024x768 1280x720 1280x800 1280x1024 1366x768 1440x900 1600x900 1600x1200 1680x1050 1920x1080 " +
  "1920x1200 2048x1152 2560x1440 2560x1600 3440x1440 3840x2160 4096x2160 5120x2880 7680x4320 15360x8640 16384x16384";
const ODD =
  "1361x767 1023x769 641x479 639x481 101x997 4095x4095 4096x4096 4095x4096 4097x3 3x4097 16384x1 1x16384 16383x16383";
const TINY = "1x1 2x3 16x16 31x33 32x32 48x48 63x64 64x63 64x64 65x65 100x100 320x200";

const sizes = (list: string) =>
  list.split(" ").map((size) => {
    const [widthPixels = 0, heightPixels = 0] = size.split("x").map(Number);
    return { widthPixels, heightPixels };
  });

withDecoder("of usual sizes has no fault", () => {
  for (const size of sizes(USUAL)) judge(size);
});

withDecoder("with modes above the preferred size has no fault, and names them", () => {
  for (const [size, largest] of [
    ["800x600", "1920x1080"],
    ["320x200", "16384x16384"],
    ["1024x768", "1280x1024"],
    ["3840x2160", "5120x2880"],
  ] as const) {
    const [preferred, max] = [...sizes(size), ...sizes(largest)];
    assert.ok(preferred && max);
    const report = judge({
      widthPixels: preferred?.widthPixels ?? 0,
      heightPixels: preferred?.heightPixels ?? 0,
      maxWidthPixels: max?.widthPixels ?? 0,
      maxHeightPixels: max?.heightPixels ?? 0,
      serial: "1",
    });
    const listed = largest === "1280x1024" ? "1280x1024" : "1920x1080";
    assert.ok(report.includes(listed), report);
    assert.is(report.includes("1920x1200"), size === "320x200" || size === "3840x2160", report);
  }
});

withDecoder("of odd sizes has no fault", () => {
  for (const size of sizes(ODD)) judge(size);
});

withDecoder("of tiny sizes has no fault", () => {
  for (const size of sizes(TINY)) judge(size);
});

withDecoder("of other refresh rates has no fault", () => {
  for (const size of sizes("64x64 800x600 1920x1080 3840x2160 7680x4320"))
    for (const refreshHz of [10, 24, 30, 50, 59.94, 75, 120, 144, 240, 360, 500])
      judge({ ...size, refreshHz });
});

withDecoder("of a grid of sizes has no fault", () => {
  for (let widthPixels = 7; widthPixels <= 16384; widthPixels = Math.ceil(widthPixels * 2.7))
    for (let heightPixels = 5; heightPixels <= 16384; heightPixels = Math.ceil(heightPixels * 2.9))
      judge({ widthPixels, heightPixels });
});

withDecoder("of random displays, every option given or not, has no fault", () => {
  const side = fc.oneof(fc.integer({ min: 1, max: EDID_MAX_PIXELS }), fc.integer({ min: 1, max: 2000 }));
  const millimetres = fc.integer({ min: 100, max: 2550 });
  const text = fc.stringMatching(/^[\x20-\x7e]{0,12}[\x21-\x7e]$/);
  const options = fc.record<EdidOptions, "widthPixels" | "heightPixels">(
    {
      widthPixels: side,
      heightPixels: side,
      refreshHz: fc.oneof(fc.integer({ min: 10, max: 500 }), fc.double({ min: 10, max: 500, noNaN: true })),
      name: text,
      vendor: fc.stringMatching(/^[A-Z]{3}$/),
      serial: fc.oneof(text, fc.nat(0xffffffff)),
      widthMm: millimetres,
      heightMm: millimetres,
    },
    { requiredKeys: ["widthPixels", "heightPixels"] },
  );
  fc.assert(
    fc.property(options, (display) => {
      // So many pixels at such a rate have no clock that DisplayID could tell: refused, and tested elsewhere.
      fc.pre(display.widthPixels * display.heightPixels * (display.refreshHz ?? 60) < 1.2e11);
      judge(display);
    }),
    { numRuns: 300 },
  );
});

withDecoder("carries the identity it was given", () => {
  const size = { widthPixels: 1920, heightPixels: 1080 };
  const text = judge({
    ...size,
    vendor: "ABZ",
    name: "Left monitor!",
    serial: "SN 0000000042",
    widthMm: 600,
  });
  assert.match(text, /Manufacturer: ABZ$/m);
  assert.match(text, /Display Product Name: 'Left monitor!'$/m);
  assert.match(text, /Display Product Serial Number: 'SN 0000000042'$/m);
  assert.match(text, /Maximum image size: 60 cm x 34 cm$/m);
  assert.match(text, /\(600 mm x 338 mm\)$/m);
  const number = judge({ ...size, serial: 0xfedcba98, widthMm: 521, heightMm: 293 });
  assert.match(number, new RegExp(`^    Serial Number: ${0xfedcba98}$`, "m"));
  assert.match(number, /\(521 mm x 293 mm\)$/m);
  assert.match(number, /Display Product Name: 'virtio-gpu'$/m);
});

withDecoder("lists smaller usual modes", () => {
  const report = judge({ widthPixels: 1920, heightPixels: 1080 });
  for (const mode of [
    "640x480",
    "800x600",
    "1024x768",
    "1280x720",
    "1280x800",
    "1280x1024",
    "1600x900",
    "1680x1050",
  ])
    assert.match(report, new RegExp(`DMT 0x.*\\b${mode}\\b`));
  assert.not.match(report, /1600x1200|1920x1200|2048x1152/);
});

withDecoder("has a mode of the same shape in the base block for readers that stop there", () => {
  const base = (options: EdidOptions) =>
    /DTD 1:\s*(\d+x\d+)\s+(\d+)/.exec(judge(options))?.slice(1).join(" ");
  assert.is(base({ widthPixels: 7680, heightPixels: 4320 }), "3840x2160 60");
  assert.is(base({ widthPixels: 5120, heightPixels: 2880 }), "2560x1440 60");
  assert.is(base({ widthPixels: 3840, heightPixels: 2160, refreshHz: 144 }), "3840x2160 71");
  assert.is(base({ widthPixels: 1920, heightPixels: 1080 }), "1920x1080 59");
});

withDecoder("has display range limits where EDID can express them", () => {
  const limits = (options: EdidOptions) => /Monitor ranges .*$/m.exec(judge(options))?.[0];
  const fullHd = "Monitor ranges (Bare Limits): 59-60 Hz V, 31-67 kHz H, max dotclock 150 MHz";
  assert.is(limits({ widthPixels: 1920, heightPixels: 1080 }), fullHd);
  const eightK = "Monitor ranges (Bare Limits): 60-61 Hz V, 31-267 kHz H, max dotclock 2090 MHz";
  assert.is(limits({ widthPixels: 7680, heightPixels: 4320 }), eightK);
  const fast = limits({ widthPixels: 800, heightPixels: 600, refreshHz: 360 });
  assert.match(fast ?? "", /60-360 Hz V, 31-2\d\d kHz H/);
  const fourK = { widthPixels: 3840, heightPixels: 2160 };
  assert.match(limits({ ...fourK, refreshHz: 212 }) ?? "", /31-508 kHz H, max dotclock 2040 MHz/);
  assert.is(limits({ ...fourK, refreshHz: 213 }), undefined);
  assert.is(limits({ widthPixels: 16384, heightPixels: 16384 }), undefined);
  assert.is(limits({ widthPixels: 16384, heightPixels: 1, refreshHz: 10 }), undefined);
});

edid.run();
