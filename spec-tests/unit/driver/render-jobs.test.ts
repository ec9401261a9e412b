// Implicit synchronisation: jobs of the renderer, flips and flushes of the display driver, and the buffers between them.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../../src/backends/display/memory/index.ts";
import { RenderBuffer, RenderDriver, RenderJobs } from "../../../src/driver/index.ts";
import {
  DRM_FORMAT_XRGB8888,
  type DrmFile,
  GuestDmaBuf,
  KmsCard,
  KmsFence,
  type LinuxProfileName,
} from "../../../src/driver/kms/index.ts";
import { settle } from "../../../src/testing/index.ts";
import {
  VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
} from "../../../src/wire/index.ts";
import { ShareMachine } from "../../support/share-machine.ts";

const WIDTH = 64;
const HEIGHT = 32;
const WHOLE = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
const FRAME_BYTES = WIDTH * HEIGHT * 4;
const LAYOUT = {
  format: VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  width: WIDTH,
  height: HEIGHT,
  strideBytes: WIDTH * 4,
};
/** A picture takes this long to draw: a row a millisecond. */
const DRAW_MS = HEIGHT;

const jobs = suite("render jobs");

function startRenderer(timed = true) {
  const machine = new ShareMachine({ timed });
  const render = RenderDriver.start(machine.renderDriver);
  const makeBuffer = () => {
    const dmaBuf = new GuestDmaBuf(machine.allocator, FRAME_BYTES);
    return { dmaBuf, buffer: RenderBuffer.importDmaBuf(render, dmaBuf, LAYOUT) };
  };
  return { machine, render, makeBuffer };
}

jobs("readers wait for writers, writers for everybody, and nobody for those who read as he does", () => {
  const { machine, render, makeBuffer } = startRenderer();
  const a = makeBuffer();
  const b = makeBuffer();
  const c = makeBuffer();
  for (let i = 0; i < 2; i++) render.ctxCreate(i + 1);
  const one = new RenderJobs(render, { contextId: 1 });
  const two = new RenderJobs(render, { contextId: 2 });
  const order: string[] = [];
  const note = (name: string) => () => void order.push(`${name} ${machine.clock.now()}`);
  const fill =
    (target: RenderBuffer, color: number) => (requests: RenderDriver["requests"], options: object) =>
      void requests.fill(target.importId, color, WHOLE, options);
  const blit =
    (target: RenderBuffer, source: RenderBuffer) => (requests: RenderDriver["requests"], options: object) =>
      void requests.blit(target.importId, source.importId, { x: 0, y: 0 }, WHOLE, options);
  // Two timelines that have nothing in common share the device; one that needs the other's picture waits.
  one.submit("a", a.buffer, [], fill(a.buffer, 0x111111)).fence.onSignal(note("a"));
  two.submit("b from a", b.buffer, [a.buffer], blit(b.buffer, a.buffer)).fence.onSignal(note("b from a"));
  one.submit("c from a", c.buffer, [a.buffer], blit(c.buffer, a.buffer)).fence.onSignal(note("c from a"));
  two.submit("a again", a.buffer, [], fill(a.buffer, 0x222222)).fence.onSignal(note("a again"));
  assert.is(two.waiting, 2);
  assert.is(one.waiting, 1);
  machine.clock.advance(1000);
  assert.equal(order, [`a ${DRAW_MS}`, "b from a 95", "c from a 96", "a again 128"]);
  for (const { dmaBuf } of [b, c]) assert.is(dmaBuf.pages.word(FRAME_BYTES - 4) & 0xffffff, 0x111111);
  assert.is(a.dmaBuf.pages.word(0) & 0xffffff, 0x222222);
  assert.equal(a.buffer.reservation.users, []);
});

jobs("without synchronisation nobody waits, and nobody is told", () => {
  const { machine, render, makeBuffer } = startRenderer();
  const { buffer, dmaBuf } = makeBuffer();
  const other = new KmsFence("somebody else");
  dmaBuf.reservation.add(other, "write");
  const queue = new RenderJobs(render, { implicitSync: false });
  const job = queue.submit("a", buffer, [], (requests, options) => {
    requests.fill(buffer.importId, 1, WHOLE, options);
  });
  assert.equal(dmaBuf.reservation.users, [other]);
  machine.clock.advance(DRAW_MS);
  assert.is(job.fence.signaled, true);
});

jobs("a job waits for a fence of another driver, and those behind it for the job", () => {
  const { machine, render, makeBuffer } = startRenderer(false);
  const { buffer, dmaBuf } = makeBuffer();
  const free = makeBuffer();
  const other = new KmsFence("a camera");
  dmaBuf.reservation.add(other, "read");
  const queue = new RenderJobs(render);
  const first = queue.submit("first", buffer, [], (requests, options) => {
    requests.fill(buffer.importId, 0xabcdef, WHOLE, options);
  });
  const second = queue.submit("second", free.buffer, [], (requests, options) => {
    requests.fill(free.buffer.importId, 0xfedcba, WHOLE, options);
  });
  assert.is(queue.waiting, 2);
  assert.is(dmaBuf.pages.word(0), 0);
  other.signal();
  assert.is(queue.waiting, 0);
  assert.equal([first.fence.signaled, second.fence.signaled], [true, true]);
  assert.is(dmaBuf.pages.word(0), 0xffabcdef);
  assert.is(machine.render.pending, 0);
});

jobs("what goes wrong is the job's error, and its fence is reached all the same", () => {
  const { render, makeBuffer } = startRenderer(false);
  const { buffer } = makeBuffer();
  const queue = new RenderJobs(render);
  const failing = queue.submit("failing", buffer, [], (requests, options) => {
    requests.fill(buffer.importId, 1, WHOLE, options);
    requests.fill(99, 1, WHOLE, { ...options, fence: false });
    requests.fill(buffer.importId, 2, WHOLE, options);
  });
  assert.is(failing.fence.signaled, true);
  assert.match(failing.error?.message ?? "", /FILL: VIRTIO_RENDER_RESP_ERR_IMPORT/);
  const fine = queue.submit("fine", buffer, [], (requests, options) => {
    requests.fill(buffer.importId, 1, WHOLE, options);
  });
  assert.equal([fine.fence.signaled, fine.error], [true, null]);
  const sourced = makeBuffer();
  const lost = queue.submit("lost", buffer, [sourced.buffer], (requests, options) => {
    sourced.buffer.release();
    requests.blit(buffer.importId, sourced.buffer.importId, { x: 0, y: 0 }, WHOLE, options);
  });
  assert.match(lost.error?.message ?? "", /BLIT: VIRTIO_RENDER_RESP_ERR_IMPORT/);
  render.close();
  const late = queue.submit("late", buffer, [], (requests, options) => {
    requests.fill(buffer.importId, 1, WHOLE, options);
  });
  assert.is(late.error?.code, "ECANCELED");
  assert.is(late.fence.signaled, true);
});

jobs("the driver is closed with jobs under way and waiting: all their fences are reached", () => {
  const { machine, render, makeBuffer } = startRenderer();
  const { buffer, dmaBuf } = makeBuffer();
  const queue = new RenderJobs(render);
  const submitted = Array.from({ length: 5 }, (_, i) =>
    queue.submit(`${i}`, buffer, [], (requests, options) => {
      requests.fill(buffer.importId, i, WHOLE, options);
    }),
  );
  machine.clock.advance(DRAW_MS + 3);
  render.close();
  assert.equal(
    submitted.map(({ fence, error }) => [fence.signaled, error?.code ?? null]),
    [
      [true, null],
      [true, "ECANCELED"],
      [true, "ECANCELED"],
      [true, "ECANCELED"],
      [true, "ECANCELED"],
    ],
  );
  assert.equal(dmaBuf.reservation.users, []);
  buffer.release();
  assert.is(machine.allocator.liveAllocations, 0);
});

jobs("an import holds and pins its buffer until the device has let go", () => {
  const { machine, render, makeBuffer } = startRenderer();
  const { buffer, dmaBuf } = makeBuffer();
  assert.is(buffer.path, "pages");
  assert.is(dmaBuf.pinned, true);
  assert.throws(() => dmaBuf.move(), /EBUSY/);
  assert.throws(() => RenderBuffer.importDmaBuf(render, dmaBuf, LAYOUT, "uuid"), /ENODEV/);
  const before = machine.allocator.liveAllocations;
  assert.throws(() => RenderBuffer.importDmaBuf(render, dmaBuf, { ...LAYOUT, height: 9999 }), /LAYOUT/);
  assert.is(machine.allocator.liveAllocations, before);
  assert.throws(() => dmaBuf.move(), /EBUSY/);
  buffer.release();
  assert.is(dmaBuf.pinned, false);
  assert.throws(() => dmaBuf.pages, /nobody holds it/);
});

jobs.run();

// With virtio-gpu's display driver on the other side

interface Guest {
  readonly machine: ShareMachine;
  readonly card: KmsCard;
  readonly file: DrmFile;
  readonly render: RenderDriver;
  readonly seen: number[][];
  readonly crtcId: number;
  readonly connectorId: number;
}

/** A display that writes down the colours it sees from top to bottom with every flush, each once. */
function startGuest(
  options: {
    readonly blob?: boolean;
    readonly kernel?: LinuxProfileName;
    readonly display?: MemoryDisplay;
    readonly transport?: "mmio" | "pci";
    readonly without?: readonly number[];
  } = {},
): Guest {
  const seen: number[][] = [];
  const display: MemoryDisplay =
    options.display ?? new MemoryDisplay(() => void seen.push(coloursOf(display.readRgba(0))));
  const machine = new ShareMachine({
    timed: true,
    transport: options.transport ?? "pci",
    without: options.without ?? [],
    gpu: {
      display,
      displays: [{ widthPixels: WIDTH, heightPixels: HEIGHT }],
      features: { resourceBlob: options.blob ?? true },
    },
  });
  const card = KmsCard.bind(machine.gpuDriver, {
    profile: options.kernel ?? "linux-7.3",
    clock: machine.clock,
  });
  const render = RenderDriver.start(machine.renderDriver);
  const file = card.open();
  const { crtcs, connectors } = file.getResources();
  return {
    machine,
    card,
    file,
    render,
    seen,
    crtcId: crtcs[0] as number,
    connectorId: connectors[0] as number,
  };
}

function coloursOf(rgba: Uint8Array | null): number[] {
  if (rgba === null) return [];
  const view = new DataView(rgba.buffer, rgba.byteOffset, rgba.length);
  const colours: number[] = [];
  for (let at = 0; at < rgba.length; at += 4) {
    const colour = view.getUint32(at) >>> 8;
    if (colours.at(-1) !== colour) colours.push(colour);
  }
  return colours;
}

/** Dumb, or a blob with a UUID: exported, imported into the renderer, and a framebuffer. */
function makeBuffer({ file, render }: Guest, kind: "dumb" | "uuid") {
  const handle =
    kind === "dumb"
      ? file.createDumb({ width: WIDTH, height: HEIGHT, bpp: 32 }).handle
      : file.resourceCreateBlob({
          blobMem: VIRTIO_GPU_BLOB_MEM_GUEST,
          blobFlags: VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE | VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
          sizeBytes: FRAME_BYTES,
        }).handle;
  const fd = file.primeHandleToFd(handle);
  const target = RenderBuffer.importDmaBuf(render, fd.dmaBuf, LAYOUT, kind === "dumb" ? "pages" : "uuid");
  const fbId = file.addFb2({
    width: WIDTH,
    height: HEIGHT,
    format: DRM_FORMAT_XRGB8888,
    handle,
    pitch: WIDTH * 4,
  });
  return { handle, fd, target, fbId };
}

function show({ file, crtcId, connectorId }: Guest, fbId: number): void {
  const { modes } = file.getConnector(connectorId);
  file.setCrtc({ crtcId, fbId, connectors: [connectorId], mode: modes[0] ?? null });
}

const COLOURS = [0x101010, 0x202020, 0x303030, 0x404040, 0x505050] as const;

for (const kind of ["dumb", "uuid"] as const) {
  for (const transport of ["mmio", "pci"] as const) {
    for (const [ring, without] of [
      ["split", [34]],
      ["packed", []],
    ] as const) {
      const pair = suite(`render, DIRTYFB, page flip: ${kind}, ${transport}, ${ring}`);

      pair("DIRTYFB waits for the renderer: no picture is torn", () => {
        // Which does not pace frames: the renderer is all there is to wait for.
        const guest = startGuest({ transport, without, kernel: "linux-6.12.117" });
        const { file, seen, machine } = guest;
        const buffer = makeBuffer(guest, kind);
        const queue = new RenderJobs(guest.render);
        show(guest, buffer.fbId);
        seen.length = 0;
        for (const colour of COLOURS) {
          queue.submit("picture", buffer.target, [], (requests, options) => {
            requests.fill(buffer.target.importId, colour, WHOLE, options);
          });
          machine.clock.advance(10);
          file.dirtyFb(buffer.fbId);
        }
        assert.equal(
          seen,
          COLOURS.map((colour) => [colour]),
        );
        assert.is(machine.clock.now(), COLOURS.length * DRAW_MS);
        assert.is(machine.gpu.counters.bytesCopied, 0);
      });

      pair("without synchronisation every picture is torn, always in the same place", () => {
        const guest = startGuest({ transport, without });
        const { file, seen, machine } = guest;
        const buffer = makeBuffer(guest, kind);
        const queue = new RenderJobs(guest.render, { implicitSync: false });
        show(guest, buffer.fbId);
        seen.length = 0;
        for (const colour of COLOURS) {
          const job = queue.submit("picture", buffer.target, [], (requests, options) => {
            requests.fill(buffer.target.importId, colour, WHOLE, options);
          });
          machine.clock.advance(10);
          file.dirtyFb(buffer.fbId);
          machine.until(() => job.fence.signaled);
        }
        assert.equal(seen, [
          [0x101010, 0],
          [0x202020, 0x101010],
          [0x303030, 0x202020],
          [0x404040, 0x303030],
          [0x505050, 0x404040],
        ]);
      });

      for (const sync of [true, false]) {
        pair(`three buffers that flip, ${sync ? "whole" : "torn without synchronisation"}`, () => {
          const guest = startGuest({ transport, without });
          const { file, seen, machine, card } = guest;
          const buffers = [0, 1, 2].map(() => makeBuffer(guest, kind));
          const queue = new RenderJobs(guest.render, { implicitSync: sync });
          show(guest, (buffers[2] as (typeof buffers)[0]).fbId);
          seen.length = 0;
          let latest: KmsFence | null = null;
          for (const [i, colour] of [...COLOURS, ...COLOURS].entries()) {
            const { target, fbId } = buffers[i % 3] as (typeof buffers)[0];
            machine.until(() => latest?.signaled !== false);
            const job = queue.submit("picture", target, [], (requests, options) => {
              requests.fill(target.importId, colour, WHOLE, options);
            });
            latest = job.fence;
            job.fence.onSignal(() => card.process());
            machine.clock.advance(10);
            if (i > 0) {
              file.waitEvent(1000);
              file.readEvents();
            }
            file.pageFlip({ crtcId: guest.crtcId, fbId, event: true });
          }
          file.waitEvent(1000);
          assert.is(machine.gpu.counters.bytesCopied, 0);
          assert.is(machine.gpu.counters.flips, 10);
          const drawn = [...COLOURS, ...COLOURS];
          if (sync)
            assert.equal(
              seen,
              drawn.map((colour) => [colour]),
            );
          else
            assert.equal(
              seen,
              drawn.map((colour, i) => [colour, drawn[i - 3] ?? 0]),
            );
        });
      }

      pair.run();
    }
  }
}

const other = suite("render, DIRTYFB, page flip");

other("without blobs: the export assigns a UUID, each damaged byte is copied once", () => {
  // This kernel tells damage exactly, but does not wait: the program does.
  const guest = startGuest({ blob: false, kernel: "linux-6.1" });
  const { file, seen, machine } = guest;
  const commands = machine.gpu.counters.commands;
  const buffer = makeBuffer(guest, "dumb");
  assert.is(machine.gpu.counters.commands, commands + 3);
  assert.is(machine.registry.size, 1);
  const queue = new RenderJobs(guest.render);
  show(guest, buffer.fbId);
  seen.length = 0;
  const before = machine.gpu.counters.bytesCopied;
  assert.is(before, FRAME_BYTES);
  const rect = { x: 16, y: 8, width: 20, height: 10 };
  const job = queue.submit("picture", buffer.target, [], (requests, options) => {
    requests.fill(buffer.target.importId, 0xc0ffee, rect, options);
  });
  machine.until(() => job.fence.signaled);
  file.dirtyFb(buffer.fbId, [{ x1: 16, y1: 8, x2: 36, y2: 18 }]);
  assert.is(machine.gpu.counters.bytesCopied - before, 20 * 10 * 4);
  const rgba = machine.display.readRgba(0) as Uint8Array;
  assert.equal([...rgba.subarray((8 * WIDTH + 16) * 4, (8 * WIDTH + 16) * 4 + 4)], [0xc0, 0xff, 0xee, 0xff]);
  assert.equal([...rgba.subarray((8 * WIDTH + 36) * 4, (8 * WIDTH + 36) * 4 + 4)], [0, 0, 0, 0xff]);
  // The UUID names the host's copy, not the guest's pages.
  const uuid = (buffer.fd.dmaBuf as unknown as { uuid(): Uint8Array }).uuid();
  const host = RenderBuffer.importUuid(guest.render, uuid);
  assert.is(host.state.inGuestMemory, false);
  guest.render.fill(host.importId, 0x00bada, WHOLE);
  file.dirtyFb(buffer.fbId, [{ x1: 16, y1: 8, x2: 36, y2: 18 }]);
  assert.equal(coloursOf(machine.display.readRgba(0)).slice(0, 3), [0x00bada, 0xc0ffee, 0x00bada]);
});

other("an old kernel does not wait by itself", () => {
  const guest = startGuest({ kernel: "linux-6.1" });
  const { file, seen, machine } = guest;
  const buffer = makeBuffer(guest, "dumb");
  const queue = new RenderJobs(guest.render);
  show(guest, buffer.fbId);
  seen.length = 0;
  queue.submit("picture", buffer.target, [], (requests, options) => {
    requests.fill(buffer.target.importId, 0x123456, WHOLE, options);
  });
  machine.clock.advance(10);
  file.dirtyFb(buffer.fbId);
  assert.equal(seen, [[0x123456, 0]]);
});

/** A display that needs 80 ms to look at a picture: half of it at once, half of it at the end. */
async function slowDisplay(sync: boolean): Promise<{ readonly colours: number[]; readonly waited: boolean }> {
  const colours: number[] = [];
  let armed = false;
  const holder: { guest: Guest | null } = { guest: null };
  const display: MemoryDisplay = new MemoryDisplay(() => {
    const { guest } = holder;
    if (!armed || guest === null) return undefined;
    armed = false;
    const clock = guest.machine.clock;
    colours.push(...coloursOf(display.readRgba(0)?.subarray(0, FRAME_BYTES / 2) ?? null));
    return new Promise<void>((resolve) => {
      clock.callAt(clock.now() + 80, () => {
        colours.push(...coloursOf(display.readRgba(0)?.slice(FRAME_BYTES / 2) ?? null));
        resolve();
      });
    });
  });
  const guest = startGuest({ display, kernel: "linux-6.12.117" });
  holder.guest = guest;
  const { file, machine, render } = guest;
  const buffer = makeBuffer(guest, "dumb");
  const queue = new RenderJobs(render, { implicitSync: sync });
  show(guest, buffer.fbId);
  const draw = (colour: number) =>
    queue.submit("picture", buffer.target, [], (requests, options) => {
      requests.fill(buffer.target.importId, colour, WHOLE, options);
    });
  const first = draw(0x111111);
  machine.until(() => first.fence.signaled);
  armed = true;
  // Linux waits for a flush, but only for 50 ms.
  file.dirtyFb(buffer.fbId);
  assert.is(machine.clock.now(), DRAW_MS + 50);
  const second = draw(0x222222);
  const waited = queue.waiting === 1;
  for (let i = 0; i < 200 && !second.fence.signaled; i++) {
    machine.clock.advance(1);
    await settle();
  }
  assert.is(second.fence.signaled, true);
  return { colours, waited };
}

other("a display that is still looking: who draws into the buffer waits for its fence", async () => {
  assert.equal(await slowDisplay(true), { colours: [0x111111, 0x111111], waited: true });
});

other("… and does not without synchronisation", async () => {
  const { colours, waited } = await slowDisplay(false);
  assert.is(waited, false);
  assert.is(colours[0], 0x111111);
  assert.ok(colours.includes(0x222222), "the lower half was drawn over while it was looked at");
});

other.run();
