import { DriverError } from "../../errors.ts";
import type { GuestBuffer } from "../../guest-buffer.ts";
import type { KmsCard } from "../card.ts";
import type { DrmFile } from "../file.ts";
import { DRM_FORMAT_XRGB8888 } from "../objects/mode-objects.ts";
import type { DrmMode } from "../objects/modes.ts";

/** A dumb buffer with a framebuffer on it, mapped. */
export interface DumbFramebuffer {
  readonly handle: number;
  readonly pitch: number;
  readonly width: number;
  readonly height: number;
  readonly fbId: number;
  readonly pixels: GuestBuffer;
}

/** The card as the test programs find it: opened, with the first CRTC, connector and preferred mode. */
export class DrmProgram {
  readonly file: DrmFile;
  /** Whether pixels are drawn, which no call notices. */
  readonly draws: boolean;
  crtcId = 0;
  connectorId = 0;
  #mode: DrmMode | null = null;

  /** Opens the card and asks for its driver. */
  constructor(card: KmsCard, draws = true) {
    this.draws = draws;
    this.file = card.open();
    this.file.version();
  }

  /** The mode to set. Throws {@link DriverError} ENODEV before {@link findDisplay}. */
  get mode(): DrmMode {
    if (this.#mode === null) throw new DriverError("ENODEV", "no display was found");
    return this.#mode;
  }

  /** Takes the first CRTC and connector, and the connector's preferred mode, else its first. */
  findDisplay(): void {
    const { crtcs, connectors } = this.file.getResources();
    this.crtcId = crtcs[0] ?? 0;
    this.connectorId = connectors[0] ?? 0;
    // Once for the number of modes, once for the modes.
    this.file.getConnector(this.connectorId);
    const { modes } = this.file.getConnector(this.connectorId);
    this.#mode = modes.find(({ preferred }) => preferred) ?? modes[0] ?? null;
  }

  useMode(mode: DrmMode): void {
    this.#mode = mode;
  }

  makeFramebuffer(width = this.mode.hdisplay, height = this.mode.vdisplay): DumbFramebuffer {
    const { handle, pitch } = this.file.createDumb({ width, height, bpp: 32 });
    const fbId = this.file.addFb2({ width, height, format: DRM_FORMAT_XRGB8888, handle, pitch });
    return { handle, pitch, width, height, fbId, pixels: this.file.mapDumb(handle) };
  }

  removeFramebuffer({ fbId, handle }: DumbFramebuffer): void {
    this.file.rmFb(fbId);
    this.file.destroyDumb(handle);
  }

  /** Shows a framebuffer in the mode, or nothing for 0. */
  setCrtc(fbId: number): void {
    const { crtcId, connectorId } = this;
    if (fbId === 0) this.file.setCrtc({ crtcId });
    else this.file.setCrtc({ crtcId, fbId, mode: this.mode, connectors: [connectorId] });
  }

  /** Flips, and waits for the event if there is to be one. */
  flip(fbId: number, event: boolean): void {
    this.file.pageFlip({ crtcId: this.crtcId, fbId, event, userData: 0x1234 });
    if (!event) return;
    this.file.waitEvent(EVENT_WAIT_MS);
    this.file.readEvents();
  }

  /** Lets time pass. */
  pause(milliseconds: number): void {
    this.file.pause(milliseconds);
  }

  fill(fb: DumbFramebuffer, x1: number, y1: number, x2: number, y2: number, colour: number): void {
    if (!this.draws) return;
    for (let y = y1; y < y2; y++) fb.pixels.fillWords(y * fb.pitch + 4 * x1, x2 - x1, colour);
  }

  fillAll(fb: DumbFramebuffer, colour: number): void {
    this.fill(fb, 0, 0, fb.width, fb.height, colour);
  }
}

const EVENT_WAIT_MS = 2000;

/** Goes on without the result where a program does so after a call that failed. */
export function attempt<T>(call: () => T, otherwise: T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof DriverError) return otherwise;
    throw error;
  }
}
