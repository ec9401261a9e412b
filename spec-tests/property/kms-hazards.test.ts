// Programs that call anything in any order, on devices that answer when they like: the kernel's model fails with an
// errno or waits, keeps what it shows in step with the device, and gives all memory back.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DriverError } from "../../src/driver/index.ts";
import {
  DRM_FORMAT_XRGB8888,
  DRM_VBLANK_EVENT,
  DRM_VBLANK_RELATIVE,
  type DrmFile,
  type DrmMode,
  type DrmRect,
  GuestDmaBuf,
  KmsFence,
  KmsHangError,
  LINUX_PROFILE_NAMES,
  PrimeFd,
} from "../../src/driver/kms/index.ts";
import {
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_RING_PACKED,
} from "../../src/wire/index.ts";
import { Numbers } from "../support/hostile/numbers.ts";
import { type AnswerPolicy, KmsRig } from "../support/kms-rig.ts";

// KMS_HAZARDS_SEED=n repeats one case; KMS_HAZARDS_CASES=n runs more of them.
const ONE = process.env["KMS_HAZARDS_SEED"];
const CASES = Number(process.env["KMS_HAZARDS_CASES"] ?? 150);
const STEPS = 80;
const HANG_MS = 700;
/** Names of the things that happen. */
const ACTIONS = 26;

const test = suite("kms, programs and devices at random");

interface Shown {
  readonly file: DrmFile;
  readonly fbId: number;
  readonly width: number;
  readonly height: number;
}

/** Another driver's buffer, which knows when its last user has let go. */
class ForeignBuffer extends GuestDmaBuf {
  #users = 0;

  get isGone(): boolean {
    return this.#users === 0;
  }

  override retain(): void {
    this.#users++;
    super.retain();
  }

  override release(): void {
    this.#users--;
    super.release();
  }
}

class Chaos {
  readonly rig: KmsRig;
  readonly n: Numbers;
  readonly log: string[] = [];
  hangs: KmsHangError[] = [];
  /** Names of calls that came to something. */
  readonly done = new Set<string>();
  readonly #files: DrmFile[] = [];
  #framebuffers: Shown[] = [];
  readonly #fds: PrimeFd[] = [];
  #foreign: ForeignBuffer[] = [];
  readonly #everyForeign: ForeignBuffer[] = [];
  readonly #fences: KmsFence[] = [];
  readonly #policy: AnswerPolicy;

  readonly #lies: boolean;

  constructor(seed: number, lies = false) {
    const n = new Numbers(seed);
    this.#lies = lies;
    this.n = n;
    const badness = n.pick([0, 2, 10]);
    this.#policy = () => {
      if (!n.chance(badness)) return null;
      return n.chance(50) ? n.pick([1, 20, 60, 3000]) : n.pick(["never", "no-fence"] as const);
    };
    this.rig = new KmsRig({
      profile: n.pick(LINUX_PROFILE_NAMES),
      hangAfterMs: HANG_MS,
      entryLists: n.pick(["contiguous", "scattered"] as const),
      answers: this.#policy,
      device: {
        features: { resourceBlob: n.chance(50), resourceUuid: n.chance(70), edid: n.chance(80) },
        controlQueueSize: n.pick([8, 64]),
        displays: [
          { widthPixels: 64, heightPixels: 48 },
          { widthPixels: 80, heightPixels: 40, enabled: n.chance(70) },
        ],
      },
      driven: {
        memoryBytes: 2 << 20,
        transport: n.pick(["mmio", "pci"]),
        msix: n.chance(50),
        // Who lies does so in split rings.
        device: {
          ringFeatures: [
            VIRTIO_F_INDIRECT_DESC,
            VIRTIO_F_EVENT_IDX,
            VIRTIO_F_RING_PACKED,
            VIRTIO_F_IN_ORDER,
          ].filter((bit) => n.chance(60) && !(lies && bit === VIRTIO_F_RING_PACKED)),
        },
      },
    });
    this.#files.push(this.rig.card.open());
  }

  /** Does something; only an errno may come of it. */
  step(): void {
    const { n } = this;
    const actions = this.#actions();
    const [name, action] = n.pick(actions);
    let outcome = "ok";
    try {
      action();
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      if (error instanceof KmsHangError) this.hangs.push(error);
      outcome = error.message;
    }
    if (outcome === "ok") this.done.add(name);
    this.log.push(`${name}: ${outcome}`);
  }

  #actions(): [string, () => void][] {
    const { n, rig } = this;
    const file = n.pick(this.#files);
    const crtcId = n.pick(file.isOpen ? file.getResources().crtcs : [1]);
    const fb = this.#framebuffers.length > 0 ? n.pick(this.#framebuffers) : null;
    const fbId = n.chance(95) ? (fb?.fbId ?? 0) : n.below(60);
    const handle = 1 + n.below(4);
    return [
      ["framebuffer", () => this.#makeFramebuffer(file)],
      ["framebuffer", () => this.#makeFramebuffer(file)],
      ["import", () => this.#importForeign(file)],
      ["setCrtc", () => this.#setCrtc(file, crtcId, fb, fbId)],
      ["setCrtc", () => this.#setCrtc(file, crtcId, fb, fbId)],
      ["off", () => file.setCrtc({ crtcId })],
      ["dirtyFb", () => file.dirtyFb(fbId, this.#clips(), { annotateCopy: n.chance(10) })],
      ["dirtyFb", () => file.dirtyFb(fbId, this.#clips())],
      ["pageFlip", () => file.pageFlip({ crtcId, fbId, event: n.chance(50) })],
      ["pageFlip", () => file.pageFlip({ crtcId, fbId, event: n.chance(50) })],
      ["events", () => void (n.chance(50) ? file.readEvents() : file.waitEvent(n.below(100)))],
      ["atomic", () => this.#atomic(file, crtcId, fb, fbId)],
      ["cursor", () => this.#cursor(file, crtcId, handle)],
      ["moveCursor", () => file.moveCursor(crtcId, n.below(200) - 50, n.below(100) - 50)],
      ["rmFb", () => file.rmFb(fbId)],
      ["closeFb", () => file.closeFb(fbId)],
      ["getFb2", () => void file.getFb2(fbId)],
      ["blank", () => this.#blank(file, crtcId)],
      ["gemClose", () => file.gemClose(handle)],
      ["export", () => void this.#fds.push(file.primeHandleToFd(handle))],
      ["fd", () => this.#useFd(file)],
      ["wait", () => file.wait(handle, { nowait: n.chance(50) })],
      [
        "hotplug",
        () => rig.gpu.setDisplay(n.below(2), { widthPixels: 32 + 8 * n.below(6), enabled: n.chance(80) }),
      ],
      ["time", () => rig.clock.advance(n.pick([1, 30, 100, 6000]))],
      ["answer", () => rig.withheld.splice(n.below(rig.withheld.length + 1), 1)[0]?.()],
      ["renderer", () => this.#fences.shift()?.signal()],
      ["kill", () => void this.hangs.shift()?.kill()],
      ["open", () => this.#open()],
      ["close", () => this.#close(file)],
      ...(this.#lies
        ? Array.from({ length: 3 }, () => ["lie", () => this.#lie()] as [string, () => void])
        : []),
      ["master", () => (n.chance(20) ? file.dropMaster() : file.setMaster())],
    ];
  }

  #blank(file: DrmFile, crtcId: number): void {
    const { n } = this;
    const type = n.pick([0, DRM_VBLANK_RELATIVE, DRM_VBLANK_RELATIVE | DRM_VBLANK_EVENT]);
    if (n.chance(50)) file.waitVblank({ type, sequence: n.below(300) });
    else file.crtcQueueSequence({ crtcId, flags: n.below(4), sequence: n.below(300) });
  }

  #makeFramebuffer(file: DrmFile): void {
    const { n } = this;
    const width = n.pick([64, 80, 128]);
    const height = n.pick([40, 48, 64]);
    if (n.chance(25)) {
      const { handle } = file.resourceCreateBlob({
        blobMem: 1,
        blobFlags: n.pick([2, 3, 7]),
        sizeBytes: width * height * 4,
      });
      this.#addFb(file, handle, width, height);
      return;
    }
    const { handle } = file.createDumb({ width, height, bpp: 32 });
    this.#addFb(file, handle, width, height);
    if (n.chance(40)) file.destroyDumb(handle);
  }

  #addFb(file: DrmFile, handle: number, width: number, height: number): void {
    const fbId = file.addFb2({ width, height, format: DRM_FORMAT_XRGB8888, handle, pitch: width * 4 });
    this.#framebuffers.push({ file, fbId, width, height });
    if (this.#framebuffers.length > 6) this.#framebuffers.shift();
  }

  #importForeign(file: DrmFile): void {
    const { n, rig } = this;
    this.#foreign = this.#foreign.filter((buffer) => !buffer.isGone);
    if (this.#foreign.length > 1) {
      const buffer = n.pick(this.#foreign);
      if (n.chance(50)) buffer.move();
      else {
        const fence = new KmsFence("a foreign renderer");
        buffer.reservation.add(fence, n.pick(["read", "write"]));
        this.#fences.push(fence);
      }
      return;
    }
    const buffer = new ForeignBuffer(rig.driven.allocator, 80 * 48 * 4);
    this.#foreign.push(buffer);
    this.#everyForeign.push(buffer);
    const fd = new PrimeFd(100 + this.#foreign.length, buffer);
    this.#fds.push(fd);
    this.#addFb(file, file.primeFdToHandle(fd), 80, 48);
  }

  #mode(file: DrmFile, crtcId: number): { mode: DrmMode; connector: number } | null {
    const { crtcs, connectors } = file.getResources();
    const connector = connectors[crtcs.indexOf(crtcId)] as number;
    const mode = file.getConnector(connector).modes.find(({ hdisplay }) => hdisplay <= 80);
    return mode === undefined ? null : { mode, connector };
  }

  #setCrtc(file: DrmFile, crtcId: number, fb: Shown | null, fbId: number): void {
    const found = this.#mode(file, crtcId);
    if (found === null) return;
    const { mode, connector } = found;
    const x = fb === null || this.n.chance(80) ? 0 : Math.max(0, fb.width - mode.hdisplay);
    file.setCrtc({ crtcId, fbId, x, mode, connectors: [connector] });
  }

  #atomic(file: DrmFile, crtcId: number, fb: Shown | null, fbId: number): void {
    const { n } = this;
    file.setClientCapAtomic();
    const { primaryPlane } = file.getCrtc(crtcId);
    const fence = n.chance(20) ? new KmsFence("renderer") : null;
    if (fence !== null) this.#fences.push(fence);
    const clips = this.#clips();
    file.atomicCommit({
      planes: [
        {
          id: primaryPlane,
          ...(n.chance(70) && fb !== null && { fbId }),
          ...(n.chance(30) && clips !== null && { damageClips: clips }),
          ...(fence !== null && { inFence: fence }),
        },
      ],
      ...(n.chance(20) && { crtcs: [{ id: crtcId, active: n.chance(50), outFence: true }] }),
      allowModeset: n.chance(50),
      nonblock: n.chance(60),
      testOnly: n.chance(10),
      event: n.chance(30),
    });
  }

  #clips(): DrmRect[] | null {
    const { n } = this;
    if (n.chance(20)) return null;
    return Array.from({ length: n.below(4) }, () => {
      const [x1, y1] = [n.below(90), n.below(60)];
      return { x1, y1, x2: x1 + 1 + n.below(40), y2: y1 + 1 + n.below(40) };
    });
  }

  #cursor(file: DrmFile, crtcId: number, handle: number): void {
    const hide = this.n.chance(30);
    const size = { width: 64, height: 64 };
    const own = hide ? 0 : this.n.chance(60) ? file.createDumb({ ...size, bpp: 32 }).handle : handle;
    file.setCursor2({ crtcId, handle: own, ...size, hotX: 1, hotY: 2, x: this.n.below(80), y: 5 });
    if (own !== handle && own !== 0) file.destroyDumb(own);
  }

  #useFd(file: DrmFile): void {
    const fd = this.#fds[0];
    if (fd === undefined) return;
    if (this.n.chance(50)) {
      this.#fds.shift();
      fd.close();
    } else {
      file.primeFdToHandle(fd);
    }
  }

  /** The device writes nonsense into its part of a ring, or into everything that the driver gave it. */
  #lie(): void {
    const { n, rig } = this;
    const { queue } = n.pick([rig.card.gpu.control, rig.card.gpu.cursor]);
    const { region, offset } = queue.ring.memory.device;
    const used = new DataView(region.u8.buffer, region.u8.byteOffset + offset, 4 + 8 * queue.ring.size);
    const idx = used.getUint16(2, true);
    switch (n.below(4)) {
      case 0:
        used.setUint16(2, n.pick([idx + 1, idx - 1, n.weird()]) & 0xffff, true);
        break;
      case 1: {
        const at = 4 + 8 * (idx & (queue.ring.size - 1));
        used.setUint32(at, n.chance(70) ? n.below(2 * queue.ring.size) : n.weird(), true);
        used.setUint32(at + 4, n.weird(), true);
        used.setUint16(2, (idx + 1) & 0xffff, true);
        break;
      }
      case 2:
        used.setUint16(0, n.weird() & 0xffff, true);
        break;
      default:
        // Requests and their answers.
        for (let i = 0; i < 200; i++) region.u8[n.below(region.u8.length >>> 3)] = n.below(256);
    }
    rig.card.process();
  }

  #open(): void {
    if (this.#files.length < 3) this.#files.push(this.rig.card.open());
  }

  #close(file: DrmFile): void {
    if (this.#files.length < 2 || !this.n.chance(40)) return;
    this.#files.splice(this.#files.indexOf(file), 1);
    this.#framebuffers = this.#framebuffers.filter((each) => each.file !== file);
    file.close();
  }

  /** The device answers everything, time passes, nobody holds anything back. */
  settle(): void {
    const { rig } = this;
    rig.answers = () => null;
    for (let i = 0; i < 50; i++) {
      for (const fence of this.#fences.splice(0)) fence.signal();
      for (const answer of rig.withheld.splice(0)) answer();
      // Fences that were answered without saying so: a later one brings the news.
      const { timeline } = rig.card.gpu;
      timeline.process(timeline.last);
      rig.clock.advance(1000);
      rig.card.process();
    }
  }

  /** What the kernel believes is shown is what the device shows. Returns how much that is. */
  compare(): number {
    const { card, gpu } = this.rig;
    let pictures = 0;
    for (const crtc of card.crtcs) {
      const { fb } = crtc.primary.state;
      const expected = crtc.state.active && fb !== null ? fb.object.resourceId : null;
      const shown = gpu.scanout(crtc.index);
      assert.is(shown?.resourceId ?? null, expected, `scanout ${crtc.index}`);
      if (shown === null || fb === null) continue;
      const { srcW, srcH } = crtc.primary.state;
      assert.equal([shown.widthPixels, shown.heightPixels], [srcW, srcH]);
      pictures++;
    }
    return pictures;
  }

  /** Programs and other drivers let go of what the card no longer has. */
  letGo(): void {
    for (const fd of this.#fds.splice(0)) fd.close();
    for (const file of this.#files.splice(0)) {
      try {
        file.close();
      } catch (error) {
        if (!(error instanceof DriverError)) throw error;
      }
    }
  }

  /** Everything is closed. */
  end(): void {
    for (const fd of this.#fds.splice(0)) fd.close();
    for (const file of this.#files.splice(0)) if (file.isOpen) file.close();
    this.settle();
    // A cursor outlives the program that set it, and so does a framebuffer that was closed while it was shown.
    const last = this.rig.card.open();
    for (const crtcId of last.getResources().crtcs) {
      last.setCursor({ crtcId, handle: 0, width: 0, height: 0 });
      last.setCrtc({ crtcId });
    }
    last.close();
    this.settle();
    assert.is(this.rig.card.bufferCount, 0, "buffers are left");
    assert.ok(
      this.#everyForeign.every(({ pinned, isGone }) => isGone && !pinned),
      "buffers of others are held or pinned",
    );
    assert.is(this.rig.card.gpu.scheduler.pending, 0, "work is left");
    assert.is(this.rig.card.gpu.control.inFlight, 0, "commands are left");
    assert.is(this.rig.gpu.resources().length, 0, "resources are left");
    this.rig.card.remove();
    assert.is(this.rig.driven.allocator.liveAllocations, 0, "memory is left");
  }
}

test("only an errno comes of any call, the device shows what the kernel believes, and nothing is left in the end", () => {
  const seeds = ONE === undefined ? Array.from({ length: CASES }, (_, i) => i + 1) : [Number(ONE)];
  let hangs = 0;
  let pictures = 0;
  const done = new Set<string>();
  for (const seed of seeds) {
    const chaos = new Chaos(seed);
    try {
      for (let i = 0; i < STEPS; i++) chaos.step();
      hangs += chaos.hangs.length;
      for (const name of chaos.done) done.add(name);
      chaos.settle();
      pictures += chaos.compare();
      chaos.end();
    } catch (error) {
      const { profile } = chaos.rig.card.gpu;
      const what = error instanceof Error ? error.stack : String(error);
      const log = chaos.log.slice(-20).join("\n  ");
      throw new Error(`seed ${seed}, ${profile.name}:\n  ${log}\n${what}`, { cause: error });
    }
  }
  if (ONE !== undefined) return;
  assert.ok(hangs > 0, "some devices let some programs hang");
  assert.ok(pictures > seeds.length / 4, `${pictures} pictures were shown in the end`);
  assert.is(done.size, ACTIONS, "every call did something");
});

test("devices that lie break queues, but neither the driver nor its memory", () => {
  const seeds = ONE === undefined ? Array.from({ length: CASES }, (_, i) => i + 1) : [Number(ONE)];
  let broken = 0;
  for (const seed of seeds) {
    const chaos = new Chaos(seed, true);
    const { card, driven } = chaos.rig;
    try {
      for (let i = 0; i < STEPS; i++) chaos.step();
      if (card.gpu.control.broken || card.gpu.cursor.broken) broken++;
      chaos.settle();
      card.remove();
      chaos.letGo();
      assert.is(driven.allocator.liveAllocations, 0, "memory is left");
    } catch (error) {
      const what = error instanceof Error ? error.stack : String(error);
      const log = chaos.log.slice(-20).join("\n  ");
      throw new Error(`seed ${seed}, ${card.gpu.profile.name}:\n  ${log}\n${what}`, { cause: error });
    }
  }
  if (ONE === undefined) assert.ok(broken > seeds.length / 4, `${broken} devices broke a queue`);
});

test.run();
