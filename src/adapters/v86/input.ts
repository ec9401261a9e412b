import { VirtioUsageError } from "../../base/errors.ts";
import { checkOptions, type OptionRules } from "../../base/options.ts";
import { scancodeOf } from "./scancodes.ts";

/** A scanout as the pointer sees it, in the order of scanout ids; a `DisplayConfig` fits. */
export interface InputScreen {
  readonly widthPixels?: number;
  readonly heightPixels?: number;
  /** Where it is in the arrangement of all. Default 0. */
  readonly x?: number;
  readonly y?: number;
}

/** Choices for {@link connectInput}. */
export interface V86InputOptions {
  /** The guest's screens now, by scanout id: a list, or what gives one, where sizes change. Default size 1280 × 800. */
  readonly screens: readonly InputScreen[] | (() => readonly InputScreen[]);
}

const RULES: OptionRules<V86InputOptions> = {
  screens: { either: ["function", { each: "object" }] },
};

/** Keys and a pointer of a guest in v86. The methods may be handed over as they are. */
export interface V86Input {
  /** A key was pressed or let go; `keysym` is X11's. False for keys that a PC keyboard does not have. */
  readonly key: (keysym: number, down: boolean) => boolean;
  /**
   * The pointer is at this pixel of a scanout. `buttons` is a mask: left 1, middle 2, right 4, and the wheel's turns
   * up 8, down 16, left 32, right 64, as viewers have them.
   */
  readonly pointer: (scanoutId: number, x: number, y: number, buttons: number) => void;
  /** Lets go of all keys and buttons: the viewer that held them has left. */
  readonly releaseAll: () => void;
}

/** What is used of v86's bus. */
interface InputBus {
  send(name: string, value: unknown): void;
}

const EXTENDED = 0xe0;
const RELEASED = 0x80;
const DEFAULT_WIDTH = 1280;
const DEFAULT_HEIGHT = 800;

const BUTTON_LEFT = 1;
const BUTTON_MIDDLE = 2;
const BUTTON_RIGHT = 4;
const BUTTONS = BUTTON_LEFT | BUTTON_MIDDLE | BUTTON_RIGHT;
/** What v86 calls a turn of the wheel: vertically and horizontally. */
const WHEEL = [
  { mask: 8, turn: [1, 0] },
  { mask: 16, turn: [-1, 0] },
  { mask: 32, turn: [0, 1] },
  { mask: 64, turn: [0, -1] },
] as const;

/**
 * Brings keys and pointer, of a VNC server for instance, to v86's PS/2 keyboard and mouse and to its absolute pointer
 * (vmmouse), whichever the guest's driver uses.
 *
 * Throws {@link VirtioUsageError} for an object that is not a v86.
 *
 * @example
 * ```ts
 * const displays = [{ widthPixels: 1024, heightPixels: 768 }];
 * const input = connectInput(emulator, { screens: displays });
 * const display = new VncServer({ onKey: input.key, onPointer: input.pointer });
 * const gpu = new GpuDevice({ display, displays });
 * ```
 */
export function connectInput(emulator: object, options: V86InputOptions): V86Input {
  checkOptions("connectInput", options, RULES, ["screens"]);
  const { screens } = options;
  const bus = (emulator as { readonly bus?: InputBus } | null | undefined)?.bus;
  if (typeof bus?.send !== "function")
    throw new VirtioUsageError("this is not a v86: it has no bus for input");
  const input = new Input(bus, typeof screens === "function" ? screens : () => screens);
  return {
    key: (keysym, down) => input.key(keysym, down),
    pointer: (scanoutId, x, y, buttons) => input.pointer(scanoutId, x, y, buttons),
    releaseAll: () => input.releaseAll(),
  };
}

class Input {
  readonly #bus: InputBus;
  readonly #screens: () => readonly InputScreen[];
  /** Scan codes of keys that are held. */
  readonly #held = new Set<number>();
  #x = 0;
  #y = 0;
  #buttons = 0;

  constructor(bus: InputBus, screens: () => readonly InputScreen[]) {
    this.#bus = bus;
    this.#screens = screens;
  }

  key(keysym: number, down: boolean): boolean {
    const code = scancodeOf(keysym);
    if (code === undefined) return false;
    if (down) this.#held.add(code);
    // Let go without having been pressed: the viewer got its focus with the key down.
    else if (!this.#held.delete(code)) return true;
    this.#sendKey(code, down);
    return true;
  }

  pointer(scanoutId: number, x: number, y: number, buttons: number): void {
    const screens = this.#screens();
    const screen = screens[scanoutId];
    const desktopX = (screen?.x ?? 0) + x;
    const desktopY = (screen?.y ?? 0) + y;
    const { left, top, right, bottom } = desktopOf(screens);
    const [deltaX, deltaY] = [desktopX - this.#x, desktopY - this.#y];
    if (deltaX !== 0 || deltaY !== 0) {
      this.#x = desktopX;
      this.#y = desktopY;
      // v86's mouse counts upwards.
      this.#bus.send("mouse-delta", [deltaX, -deltaY]);
      this.#bus.send("mouse-absolute", [desktopX - left, desktopY - top, right - left, bottom - top]);
    }
    const before = this.#buttons;
    this.#buttons = buttons;
    if (((before ^ buttons) & BUTTONS) !== 0) this.#sendButtons(buttons);
    // A turn comes as a button that is pressed and let go at once.
    for (const { mask, turn } of WHEEL) {
      if ((buttons & ~before & mask) !== 0) this.#bus.send("mouse-wheel", turn);
    }
  }

  releaseAll(): void {
    for (const code of this.#held) this.#sendKey(code, false);
    this.#held.clear();
    if ((this.#buttons & BUTTONS) !== 0) this.#sendButtons(0);
    this.#buttons = 0;
  }

  #sendKey(code: number, down: boolean): void {
    if (code > 0xff) this.#bus.send("keyboard-code", EXTENDED);
    this.#bus.send("keyboard-code", (code & 0xff) | (down ? 0 : RELEASED));
  }

  #sendButtons(buttons: number): void {
    const isDown = (mask: number) => (buttons & mask) !== 0;
    this.#bus.send("mouse-click", [isDown(BUTTON_LEFT), isDown(BUTTON_MIDDLE), isDown(BUTTON_RIGHT)]);
  }
}

/** The rectangle around all screens. */
function desktopOf(screens: readonly InputScreen[]): {
  left: number;
  top: number;
  right: number;
  bottom: number;
} {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x = 0, y = 0, widthPixels = DEFAULT_WIDTH, heightPixels = DEFAULT_HEIGHT } of screens) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x + widthPixels);
    bottom = Math.max(bottom, y + heightPixels);
  }
  return right > left
    ? { left, top, right, bottom }
    : { left: 0, top: 0, right: DEFAULT_WIDTH, bottom: DEFAULT_HEIGHT };
}
