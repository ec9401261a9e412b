// The same buffers of one guest, shown through Vdmabuf and through virtio-gpu.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../../src/backends/display/memory/index.ts";
import { runCommandLine } from "../../../src/cli/run.ts";
import { compareWays } from "../../../src/cli/vdmabuf/compare.ts";
import { DisplayImporter } from "../../../src/cli/vdmabuf/display-importer.ts";
import { drawFrame } from "../../../src/cli/vdmabuf/picture.ts";
import type { VdmabufJson } from "../../../src/cli/vdmabuf/report.ts";
import type { Display, ScanoutSource } from "../../../src/devices/gpu/index.ts";
import { VdmabufDevice, VdmabufHost } from "../../../src/devices/vdmabuf/index.ts";
import { encodeVdmabufPicture, VdmabufDriver, VdmabufStatusError } from "../../../src/driver/index.ts";
import { drive } from "../../../src/testing/index.ts";

const SIZE = { width: 96, height: 80 };
const PICTURE_BYTES = SIZE.width * SIZE.height * 4;

async function run(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  const texts = { out: "", error: "" };
  const code = await runCommandLine(["vdmabuf", ...args], {
    out: (text) => {
      texts.out += text;
    },
    error: (text) => {
      texts.error += text;
    },
    outIsTerminal: false,
  });
  return { code, ...texts };
}

function withFolder(body: (folder: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "virtio-vdmabuf-test-"));
    try {
      await body(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

const compare = suite("Vdmabuf beside virtio-gpu");

for (const ring of ["split", "packed"] as const) {
  for (const contiguous of [false, true]) {
    compare(
      `the same pages give the same pixels, ${ring}, ${contiguous ? "contiguous" : "scattered"} pages`,
      () => {
        const frames = 7;
        const result = compareWays({ ...SIZE, frames, buffers: 3, ring, contiguous });
        assert.is(result.identical, true);
        const { vdmabuf, blob, "2d": twoD } = result.hashes;
        assert.is(vdmabuf.length, frames);
        assert.equal(vdmabuf, blob);
        assert.equal(vdmabuf, twoD);
        assert.is(new Set(vdmabuf).size, frames, "every frame is another picture");
        assert.is(result.rgba.length, PICTURE_BYTES);
        // The bar at the left is light grey, and opaque.
        assert.equal(Array.from(result.rgba.subarray(0, 4)), [0xf4, 0xf4, 0xf4, 0xff]);
      },
    );
  }
}

compare("costs are those of the protocols", () => {
  const frames = 10;
  const pages = 8;
  const result = compareWays({
    width: 128,
    height: 64,
    frames,
    buffers: 2,
    ring: "split",
    contiguous: false,
  });
  assert.is(result.pages, pages);
  const [vdmabuf, blob, twoD] = result.ways.map(({ frames: costs }) => costs);
  // A picture is one EXPORT of 44 bytes and 40 bytes about it, answered with 24; each but the last comes back with 20.
  assert.is(vdmabuf?.toHost, frames);
  assert.is(vdmabuf?.toGuest, frames - 1);
  assert.is(vdmabuf?.messageBytes, frames * (44 + 40 + 24) + (frames - 1) * 20);
  assert.is(vdmabuf?.tableBytes, frames * (1 + pages) * 8, "the tables, every time");
  assert.is(vdmabuf?.notifications, frames);
  assert.is(vdmabuf?.bytesCopied, 0);
  // SET_SCANOUT_BLOB of 96 bytes, RESOURCE_FLUSH of 48, both answered with 24.
  assert.is(blob?.toHost, 2 * frames);
  assert.is(blob?.toGuest, 0);
  assert.is(blob?.messageBytes, frames * (96 + 24 + 48 + 24));
  assert.is(blob?.tableBytes, 0, "the list of pages was sent once");
  assert.is(blob?.notifications, frames);
  assert.is(blob?.bytesCopied, 0);
  assert.is(twoD?.toHost, 3 * frames);
  assert.is(twoD?.bytesCopied, frames * 128 * 64 * 4);
  const once = result.ways.map((way) => way.once);
  assert.is(once[0]?.toHost, 1, "NEED_VMID");
  assert.is(once[0]?.tableBytes, 0);
  assert.is(once[1]?.toHost, 2);
  assert.is(once[1]?.tableBytes, 16 * result.segments);
  assert.is(once[2]?.toHost, 4);
  for (const costs of [...once, vdmabuf, blob, twoD])
    assert.is(costs?.descriptorBytes, 16 * (costs?.descriptors ?? 0));
});

compare("a difference would be seen", () => {
  const real = MemoryDisplay.prototype.setScanout;
  let sources = 0;
  // The second display that is set shows the picture moved by one pixel.
  MemoryDisplay.prototype.setScanout = function (
    this: MemoryDisplay,
    id: number,
    source: ScanoutSource | null,
  ) {
    real.call(
      this,
      id,
      source !== null && ++sources === 2 ? { ...source, offsetBytes: source.offsetBytes + 4 } : source,
    );
  };
  try {
    assert.is(
      compareWays({ ...SIZE, frames: 1, buffers: 2, ring: "split", contiguous: false }).identical,
      false,
    );
  } finally {
    MemoryDisplay.prototype.setScanout = real;
  }
});

compare.run();

const display = suite("a display behind Vdmabuf");

function start(target: Display, scanouts = 1) {
  const importer = new DisplayImporter(target, scanouts);
  const type = new VdmabufDevice({ host: new VdmabufHost({ importer }) });
  const { driver, device } = drive(type, { transport: "mmio" });
  return { type, device, vdmabuf: VdmabufDriver.start(driver) };
}

const picture = (changes = {}) => encodeVdmabufPicture({ ...SIZE, format: 2, ...changes });

display(
  "shows the guest's pages themselves, and gives the last picture back when the next one is there",
  () => {
    const memory = new MemoryDisplay();
    const { vdmabuf } = start(memory);
    const [first, second] = [vdmabuf.allocate(PICTURE_BYTES), vdmabuf.allocate(PICTURE_BYTES)] as const;
    drawFrame(first.pages, SIZE.width, SIZE.height, 0);
    vdmabuf.export(first, picture());
    vdmabuf.process();
    assert.is(first.exported, true, "it is on the screen");
    first.pages.setWord(0, 0x123456);
    assert.equal(Array.from(memory.readRgba(0)?.subarray(0, 4) ?? []), [0x12, 0x34, 0x56, 0xff]);
    vdmabuf.export(second, picture({ damage: { x: 1, y: 2, width: 3, height: 4 } }));
    vdmabuf.process();
    assert.is(first.exported, false);
    assert.is(second.exported, true);
    assert.equal(memory.screen(0).damage, { x: 1, y: 2, widthPixels: 3, heightPixels: 4 });
    vdmabuf.close();
    assert.is(memory.screen(0).source, null, "the guest took its pages back");
  },
);

display("waits for a display that takes its time", async () => {
  let finish: () => void = () => {};
  const memory = new MemoryDisplay(() => new Promise<void>((resolve) => (finish = resolve)));
  const { vdmabuf } = start(memory);
  const [first, second] = [vdmabuf.allocate(PICTURE_BYTES), vdmabuf.allocate(PICTURE_BYTES)] as const;
  vdmabuf.export(first, picture());
  finish();
  vdmabuf.export(second, picture());
  vdmabuf.process();
  assert.is(first.exported, true);
  finish();
  await vdmabuf.waitReleasedAsync(first);
});

/** A display whose next answer to one method is what the test says. */
class OddDisplay extends MemoryDisplay {
  answer: { readonly to: "setScanout" | "flush"; readonly act: () => void | Promise<void> } | null = null;

  #next(method: "setScanout" | "flush"): void | Promise<void> {
    if (this.answer?.to !== method) return;
    const { act } = this.answer;
    this.answer = null;
    return act();
  }

  override setScanout(scanoutId: number, source: ScanoutSource | null): void | Promise<void> {
    const later = this.#next("setScanout");
    const set = () => super.setScanout(scanoutId, source);
    return later === undefined ? set() : later.then(set);
  }

  override flush(...area: Parameters<MemoryDisplay["flush"]>): void | Promise<void> {
    return this.#next("flush") ?? super.flush(...area);
  }
}

display("refuses a picture that the display refuses, and goes on showing the one of before", async () => {
  const refusals = [
    ["setScanout", false],
    ["setScanout", true],
    ["flush", false],
  ] as const;
  for (const [to, late] of refusals) {
    const memory = new OddDisplay();
    const { vdmabuf, type } = start(memory);
    const [first, second] = [vdmabuf.allocate(PICTURE_BYTES), vdmabuf.allocate(PICTURE_BYTES)] as const;
    vdmabuf.export(first, picture());
    const { source } = memory.screen(0);
    memory.answer = {
      to,
      act: () => {
        if (late) return Promise.reject(new Error("no"));
        throw new Error("no");
      },
    };
    const refused = await vdmabuf.exportAsync(second, picture()).then(
      () => "it was taken",
      (error: unknown) => (error instanceof VdmabufStatusError ? error.statusName : `${error}`),
    );
    assert.is(refused, "VIRTIO_VDMABUF_S_IMPORT", `${to} ${late}`);
    assert.is(memory.screen(0).source?.pages, source?.pages, `${to} ${late}`);
    vdmabuf.process();
    assert.is(first.exported, true, "it is on the screen still");
    vdmabuf.export(second, picture());
    assert.is(type.buffers.length, 1);
  }
});

display("shows no picture of a guest that was reset while the display took its time", async () => {
  let finish = () => {};
  const memory = new OddDisplay();
  const { vdmabuf, device } = start(memory);
  const buffer = vdmabuf.allocate(PICTURE_BYTES);
  memory.answer = { to: "setScanout", act: () => new Promise((resolve) => (finish = resolve)) };
  void vdmabuf.exportAsync(buffer, picture()).catch(() => {});
  device.reset();
  finish();
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(memory.screen(0).source, null);
});

display("refuses what is not a picture", () => {
  const { vdmabuf, type } = start(new MemoryDisplay(), 2);
  const buffer = vdmabuf.allocate(PICTURE_BYTES);
  const bad = [
    new Uint8Array(0),
    picture().slice(0, 39),
    picture({ format: 5 }),
    picture({ scanoutId: 2 }),
    picture({ width: SIZE.width + 1 }),
    picture({ offsetBytes: 4 }),
    picture({ damage: { x: 1, y: 0, width: SIZE.width, height: 1 } }),
  ];
  for (const data of bad) {
    assert.throws(
      () => vdmabuf.export(buffer, data),
      (error: unknown) =>
        error instanceof VdmabufStatusError && error.statusName === "VIRTIO_VDMABUF_S_IMPORT",
    );
  }
  assert.is(type.buffers.length, 0);
  vdmabuf.export(buffer, picture({ scanoutId: 1 }));
});

display.run();

const command = suite("virtio-emulator vdmabuf");

const SMALL = ["--width", `${SIZE.width}`, "--height", `${SIZE.height}`, "--frames", "5"];

command("--json prints one object", async () => {
  const { code, out, error } = await run(...SMALL, "--json", "--ring", "packed");
  assert.is(error, "");
  assert.is(code, 0);
  assert.is(out.split("\n").length, 2);
  const json = JSON.parse(out) as VdmabufJson;
  assert.is(json.identical, true);
  assert.is(json.frames.length, 5);
  for (const { sha256 } of json.frames) assert.is(sha256.vdmabuf, sha256.blob);
  assert.is(json.png, null);
  assert.equal([json.width, json.height, json.ring, json.buffers], [SIZE.width, SIZE.height, "packed", 2]);
  assert.is(json.costs.vdmabuf.perFrame.toHost, 1);
  assert.is(json.costs.blob.perFrame.toHost, 2);
  assert.is(json.costs["2d"].perFrame.bytesCopied, PICTURE_BYTES);
});

command(
  "prints a table, and writes the last picture",
  withFolder(async (folder) => {
    const path = join(folder, "picture.png");
    const { code, out, error } = await run(...SMALL, "--out", path);
    assert.is(error, "");
    assert.is(code, 0);
    assert.match(out, /Identical: every picture/);
    assert.match(out, /Vdmabuf +gpu, blob +gpu, 2D/);
    assert.match(out, new RegExp(`bytes copied +0 +0 +${PICTURE_BYTES.toLocaleString("en-US")}`));
    assert.ok(out.includes(path));
    const png = PNG.sync.read(readFileSync(path));
    assert.equal([png.width, png.height], [SIZE.width, SIZE.height]);
    assert.equal(Array.from(png.data.subarray(0, 4)), [0xf4, 0xf4, 0xf4, 0xff]);
  }),
);

command(
  "no pictures are no picture",
  withFolder(async (folder) => {
    const path = join(folder, "none.png");
    const { code, out } = await run("--frames", "0", "--out", path);
    assert.is(code, 0);
    assert.not.match(out, /Picture/);
    assert.is(existsSync(path), false);
  }),
);

command("what makes no sense gets one line and exit code 2", async () => {
  for (const [args, complaint] of [
    [["--frames", "-1"], /whole number from 0 to 10000/],
    [["--frames", "x"], /whole number/],
    [["--buffers", "1"], /from 2 to 16/],
    [["--ring", "round"], /split, packed/],
    [["--out", ""], /--out is empty/],
    [["--out", "/does/not/exist/x.png"], /the folder does not exist/],
    [["--width", "4096", "--height", "4096", "--buffers", "16"], /choose fewer --buffers/],
    [["--nonsense"], /unknown option/],
    [["extra"], /too many arguments/],
  ] as const) {
    const { code, out, error } = await run(...args);
    assert.is(code, 2, args.join(" "));
    assert.is(out, "");
    assert.match(error, complaint);
    assert.is(error.split("\n").length, 2, error);
  }
});

command.run();
