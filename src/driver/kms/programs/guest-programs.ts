/**
 * The programs behind the captures of real kernels: the same calls with the same arguments, in the same order. `dirty` …
 * `params` are a test program's, `mset` and `mvsync` are modetest's.
 */
import {
  VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
  VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
} from "../../../wire/gpu.ts";
import type { KmsCard } from "../card.ts";
import { DRM_FORMAT_XRGB8888 } from "../objects/mode-objects.ts";
import type { DrmMode } from "../objects/modes.ts";
import { attempt, DrmProgram } from "./drm-program.ts";

const PAGE_BYTES = 4096;
const CURSOR_PIXELS = 64;
const LAST_PARAM = 8;
const CONSOLE_LINE_MS = 20;

/** What a program is told besides the card. */
export interface ProgramInput {
  /** The mode that modetest was told to set. Default: the preferred one. */
  readonly mode?: DrmMode;
  /** How often `mvsync` flips. Default 20. */
  readonly flips?: number;
  /** Draw the pictures. No call depends on it. Default true. */
  readonly draw?: boolean;
}

/** A program of the guest. */
export interface GuestProgram {
  readonly name: string;
  /** Somebody ends it, at any moment: a recording of it may stop anywhere. */
  readonly endless: boolean;
  /** Runs it to its end. Throws `DriverError` where the program would give up. */
  run(card: KmsCard, input: ProgramInput): void;
}

/** Damage: one clip, two clips, everything, the last pixel. */
function dirty(card: KmsCard, { draw }: ProgramInput): void {
  const program = new DrmProgram(card, draw);
  program.findDisplay();
  const { file, mode } = program;
  const { hdisplay: width, vdisplay: height } = mode;
  const a = program.makeFramebuffer();
  program.fillAll(a, 0x204060);
  program.setCrtc(a.fbId);
  program.fill(a, 16, 32, 80, 96, 0xff0000);
  file.dirtyFb(a.fbId, [{ x1: 16, y1: 32, x2: 80, y2: 96 }]);
  file.dirtyFb(a.fbId, [
    { x1: 10, y1: 10, x2: 20, y2: 20 },
    { x1: 100, y1: 200, x2: 300, y2: 260 },
  ]);
  file.dirtyFb(a.fbId);
  file.dirtyFb(a.fbId, [{ x1: width - 1, y1: height - 1, x2: width, y2: height }]);
  program.setCrtc(0);
  program.removeFramebuffer(a);
  file.close();
}

/** Page flips between two framebuffers. */
function flip(card: KmsCard, { draw }: ProgramInput): void {
  const program = new DrmProgram(card, draw);
  program.findDisplay();
  const { file } = program;
  const a = program.makeFramebuffer();
  const b = program.makeFramebuffer();
  program.fillAll(a, 0x800000);
  program.fillAll(b, 0x008000);
  program.setCrtc(a.fbId);
  program.flip(b.fbId, true);
  program.flip(a.fbId, true);
  program.flip(b.fbId, false);
  // It writes a line to a serial console after every call, which takes longer than a frame.
  program.pause(CONSOLE_LINE_MS);
  program.flip(a.fbId, true);
  file.dirtyFb(a.fbId);
  program.setCrtc(0);
  program.removeFramebuffer(b);
  program.removeFramebuffer(a);
  file.close();
}

/** Exports a buffer twice and imports it again. */
function prime(card: KmsCard, { draw }: ProgramInput): void {
  const program = new DrmProgram(card, draw);
  program.findDisplay();
  const { file } = program;
  const a = program.makeFramebuffer();
  program.fillAll(a, 0x123456);
  program.setCrtc(a.fbId);
  const first = file.primeHandleToFd(a.handle);
  const second = file.primeHandleToFd(a.handle);
  file.primeFdToHandle(first);
  second.close();
  first.close();
  program.setCrtc(0);
  program.removeFramebuffer(a);
  file.close();
}

/** A cursor is set, moved, moved beyond the edge and hidden. */
function cursor(card: KmsCard, { draw }: ProgramInput): void {
  const program = new DrmProgram(card, draw);
  program.findDisplay();
  const { file, crtcId } = program;
  const a = program.makeFramebuffer();
  program.fillAll(a, 0x404040);
  program.setCrtc(a.fbId);
  const size = { width: CURSOR_PIXELS, height: CURSOR_PIXELS };
  const { handle } = file.createDumb({ ...size, bpp: 32 });
  file.mapDumb(handle).fillWords(0, CURSOR_PIXELS * CURSOR_PIXELS, 0xff00ffff);
  file.setCursor2({ crtcId, handle, ...size, x: 100, y: 120, hotX: 3, hotY: 5 });
  file.moveCursor(crtcId, 200, 220);
  file.moveCursor(crtcId, 201, -7);
  file.setCursor({ crtcId, handle: 0, width: 0, height: 0 });
  file.destroyDumb(handle);
  program.setCrtc(0);
  program.removeFramebuffer(a);
  file.close();
}

/** Closes the card while its framebuffer is on the screen. */
function closeOnly(card: KmsCard, { draw }: ProgramInput): void {
  const program = new DrmProgram(card, draw);
  program.findDisplay();
  const a = program.makeFramebuffer();
  program.fillAll(a, 0x404040);
  program.setCrtc(a.fbId);
  program.file.close();
}

/** Shows a gradient with a white rectangle for some seconds. */
function hold(card: KmsCard, { draw }: ProgramInput): void {
  const program = new DrmProgram(card, draw);
  program.findDisplay();
  const { file } = program;
  const a = program.makeFramebuffer();
  for (let y = 0; program.draws && y < a.height; y++) {
    const green = Math.floor((y * 255) / a.height) << 8;
    for (let x = 0; x < a.width; x++) {
      a.pixels.setWord(y * a.pitch + 4 * x, (Math.floor((x * 255) / a.width) << 16) | green | 0x40);
    }
  }
  program.setCrtc(a.fbId);
  program.fill(a, 100, 100, 500, 300, 0xffffff);
  file.dirtyFb(a.fbId, [{ x1: 100, y1: 100, x2: 500, y2: 300 }]);
  program.setCrtc(0);
  program.removeFramebuffer(a);
  file.close();
}

/** A framebuffer on a blob of the program's own. Goes on where the device has no blobs. */
function blob(card: KmsCard, { draw }: ProgramInput, extraFlags: number): void {
  const program = new DrmProgram(card, draw);
  program.findDisplay();
  const { file, mode } = program;
  const { hdisplay: width, vdisplay: height } = mode;
  const pitch = width * 4;
  const created = attempt(
    () =>
      file.resourceCreateBlob({
        blobMem: VIRTIO_GPU_BLOB_MEM_GUEST,
        blobFlags: VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE | VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE | extraFlags,
        sizeBytes: Math.ceil((pitch * height) / PAGE_BYTES) * PAGE_BYTES,
      }),
    { handle: 0, resourceId: 0 },
  );
  const { handle } = created;
  const fbId = attempt(() => file.addFb2({ width, height, format: DRM_FORMAT_XRGB8888, handle, pitch }), 0);
  const pixels = attempt(() => file.map(handle), null);
  if (program.draws) pixels?.fillWords(0, width * height, 0x0000ff);
  attempt(() => program.setCrtc(fbId), undefined);
  attempt(() => file.dirtyFb(fbId, [{ x1: 5, y1: 6, x2: 50, y2: 60 }]), undefined);
  attempt(() => file.primeHandleToFd(handle), null)?.close();
  attempt(() => program.setCrtc(0), undefined);
  attempt(() => file.rmFb(fbId), undefined);
  attempt(() => file.gemClose(handle), undefined);
  file.close();
}

/** What the driver says it can do. */
function params(card: KmsCard): void {
  const { file } = new DrmProgram(card);
  for (let param = 1; param <= LAST_PARAM; param++) attempt(() => file.getParam(param), 0);
  file.close();
}

/** `modetest -s connector:mode`: shows a pattern until a key is pressed. */
function modetestSet(card: KmsCard, { mode }: ProgramInput): void {
  const program = new DrmProgram(card);
  program.findDisplay();
  if (mode !== undefined) program.useMode(mode);
  const { file } = program;
  const a = program.makeFramebuffer();
  program.setCrtc(a.fbId);
  file.dirtyFb(a.fbId);
  program.removeFramebuffer(a);
  file.close();
}

/** `modetest -v -s connector:mode`: flips between two framebuffers until a key is pressed. */
function modetestFlip(card: KmsCard, { mode, flips = 20 }: ProgramInput): void {
  const program = new DrmProgram(card);
  program.findDisplay();
  if (mode !== undefined) program.useMode(mode);
  const { file } = program;
  const a = program.makeFramebuffer();
  program.setCrtc(a.fbId);
  file.dirtyFb(a.fbId);
  const b = program.makeFramebuffer();
  for (let i = 0; i < flips; i++) program.flip(i % 2 === 0 ? b.fbId : a.fbId, true);
  program.removeFramebuffer(a);
  program.removeFramebuffer(b);
  file.close();
}

/** All programs, in the order in which the captures were made. */
export const GUEST_PROGRAMS: readonly GuestProgram[] = [
  { name: "mset", endless: true, run: modetestSet },
  { name: "mvsync", endless: true, run: modetestFlip },
  { name: "dirty", endless: false, run: dirty },
  { name: "flip", endless: false, run: flip },
  { name: "prime", endless: false, run: prime },
  { name: "cursor", endless: false, run: cursor },
  { name: "hold", endless: false, run: hold },
  { name: "closeonly", endless: false, run: closeOnly },
  { name: "blob", endless: false, run: (card, input) => blob(card, input, 0) },
  {
    name: "xblob",
    endless: false,
    run: (card, input) => blob(card, input, VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE),
  },
  { name: "params", endless: false, run: params },
];
