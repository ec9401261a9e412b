import { decodePixelFormat, type PixelFormat } from "./pixel-format.ts";
import {
  CHALLENGE_LENGTH_BYTES,
  CLIENT_CUT_TEXT,
  FRAMEBUFFER_UPDATE_REQUEST,
  KEY_EVENT,
  POINTER_EVENT,
  parseVersion,
  SECURITY_NONE,
  SECURITY_VNC_AUTH,
  SET_DESKTOP_SIZE,
  SET_ENCODINGS,
  SET_PIXEL_FORMAT,
  VERSION_LENGTH_BYTES,
} from "./protocol.ts";

/** Viewers name some thirty; the bytes of one message are all that is ever held of a client's input. */
const MAX_ENCODINGS = 1024;
const MAX_MESSAGE_BYTES = 4 + 4 * MAX_ENCODINGS;
/** Text is thrown away as it comes, but not forever. */
const MAX_CUT_TEXT_BYTES = 1 << 24;

/** What a client says. Coordinates are as they came. */
export interface ClientHandler {
  /** 3 to 8, the minor number of the version both speak. Returns the security type where it is the server's choice. */
  version(minor: 3 | 7 | 8): number | null;
  /** The chosen security type; false when it was not offered. */
  security(type: number): boolean;
  authentication(response: Buffer): void;
  init(): void;
  setPixelFormat(format: PixelFormat): void;
  setEncodings(encodings: readonly number[]): void;
  requestUpdate(incremental: boolean, x: number, y: number, width: number, height: number): void;
  key(keysym: number, down: boolean): void;
  pointer(x: number, y: number, buttons: number): void;
  setDesktopSize(width: number, height: number, screens: number): void;
}

/** A client broke the protocol; the message says how. */
export class RfbError extends Error {
  override readonly name: string = "RfbError";
}

/** One step of the conversation: waits for a number of bytes, handles them, and returns the next step, if any. */
interface Step {
  readonly lengthBytes: number;
  /** Whether the bytes of the step before are part of it. */
  readonly continues: boolean;
  readonly handle: (bytes: Buffer) => Step | null;
}

/** A step with bytes of its own. */
function step(lengthBytes: number, handle: (bytes: Buffer) => Step | null): Step {
  return { lengthBytes, continues: false, handle };
}

/** Waits until the current message has this many bytes altogether. */
function rest(lengthBytes: number, handle: (bytes: Buffer) => Step): Step {
  return { lengthBytes, continues: true, handle };
}

/**
 * Makes messages of a client's bytes, however they are cut. Holds no more than one message. Throws {@link RfbError} for
 * what no client may send; after that it must not be used any more.
 */
export class ClientInput {
  readonly #handler: ClientHandler;
  readonly #held: Buffer = Buffer.allocUnsafeSlow(MAX_MESSAGE_BYTES);
  #heldBytes = 0;
  #step: Step | null = step(VERSION_LENGTH_BYTES, (bytes) => this.#version(bytes));
  /** Bytes still to be thrown away. */
  #skipBytes = 0;
  readonly #message: Step = step(1, (bytes) => this.#messageOf(bytes.readUInt8(0)));

  constructor(handler: ClientHandler) {
    this.#handler = handler;
  }

  /** Stops: no more bytes are looked at. */
  end(): void {
    this.#step = null;
  }

  /** Goes on after `authentication` found the right answer. */
  authenticated(): void {
    this.#step = this.#clientInit();
  }

  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && this.#step !== null) {
      if (this.#skipBytes > 0) {
        const skipped = Math.min(this.#skipBytes, bytes.length - at);
        this.#skipBytes -= skipped;
        at += skipped;
        continue;
      }
      const current: Step = this.#step;
      const taken = Math.min(current.lengthBytes - this.#heldBytes, bytes.length - at);
      bytes.copy(this.#held, this.#heldBytes, at, at + taken);
      this.#heldBytes += taken;
      at += taken;
      if (this.#heldBytes < current.lengthBytes) return;
      const next = current.handle(this.#held.subarray(0, current.lengthBytes));
      // The handler may have ended the conversation, or moved it on.
      if (this.#step === current) this.#step = next;
      if (this.#step?.continues !== true) this.#heldBytes = 0;
    }
  }

  #version(bytes: Buffer): Step | null {
    const minor = parseVersion(bytes);
    if (minor === null) throw new RfbError("no RFB client");
    const decided = this.#handler.version(minor);
    if (decided === null) {
      return step(1, (choice) => this.#security(choice.readUInt8(0)));
    }
    return this.#afterSecurity(decided);
  }

  #security(type: number): Step | null {
    if (!this.#handler.security(type)) throw new RfbError("a security type that was not offered");
    return this.#afterSecurity(type);
  }

  #afterSecurity(type: number): Step | null {
    switch (type) {
      case SECURITY_NONE:
        return this.#clientInit();
      case SECURITY_VNC_AUTH:
        return step(CHALLENGE_LENGTH_BYTES, (bytes) => {
          this.#handler.authentication(bytes);
          return null;
        });
      default:
        return null;
    }
  }

  #clientInit(): Step {
    return step(1, () => {
      // Whether the desktop is to be shared: it always is.
      this.#handler.init();
      return this.#message;
    });
  }

  #messageOf(type: number): Step {
    const handler = this.#handler;
    switch (type) {
      case SET_PIXEL_FORMAT:
        return rest(20, (bytes) => {
          const format = decodePixelFormat(bytes, 4);
          if (format === null) throw new RfbError("an impossible pixel format");
          handler.setPixelFormat(format);
          return this.#message;
        });
      case SET_ENCODINGS:
        return rest(4, (bytes) => this.#encodings(bytes.readUInt16BE(2)));
      case FRAMEBUFFER_UPDATE_REQUEST:
        return rest(10, (bytes) => {
          const incremental = bytes.readUInt8(1) !== 0;
          handler.requestUpdate(
            incremental,
            bytes.readUInt16BE(2),
            bytes.readUInt16BE(4),
            bytes.readUInt16BE(6),
            bytes.readUInt16BE(8),
          );
          return this.#message;
        });
      case KEY_EVENT:
        return rest(8, (bytes) => {
          handler.key(bytes.readUInt32BE(4), bytes.readUInt8(1) !== 0);
          return this.#message;
        });
      case POINTER_EVENT:
        return rest(6, (bytes) => {
          handler.pointer(bytes.readUInt16BE(2), bytes.readUInt16BE(4), bytes.readUInt8(1));
          return this.#message;
        });
      case CLIENT_CUT_TEXT:
        return rest(8, (bytes) => {
          const lengthBytes = bytes.readUInt32BE(4);
          if (lengthBytes > MAX_CUT_TEXT_BYTES) throw new RfbError("too much text");
          this.#skipBytes = lengthBytes;
          return this.#message;
        });
      case SET_DESKTOP_SIZE:
        return rest(8, (bytes) => this.#desktopSize(bytes.readUInt8(6)));
      default:
        throw new RfbError(`unknown message type ${type}`);
    }
  }

  #encodings(count: number): Step {
    if (count > MAX_ENCODINGS) throw new RfbError(`${count} encodings`);
    const finish = (bytes: Buffer): Step => {
      this.#handler.setEncodings(Array.from({ length: count }, (_, i) => bytes.readInt32BE(4 + 4 * i)));
      return this.#message;
    };
    if (count > 0) return rest(4 + 4 * count, finish);
    return finish(this.#held);
  }

  #desktopSize(screens: number): Step {
    const finish = (bytes: Buffer): Step => {
      this.#handler.setDesktopSize(bytes.readUInt16BE(2), bytes.readUInt16BE(4), screens);
      return this.#message;
    };
    if (screens > 0) return rest(8 + 16 * screens, finish);
    return finish(this.#held);
  }
}
