import type { Socket } from "node:net";
import { messageOf } from "../../../base/brands.ts";
import type { WorkBudget } from "../../../base/work-budget.ts";
import type { PixelRectangle } from "../../../devices/gpu/index.ts";
import { type ClientHandler, ClientInput, RfbError } from "./client-input.ts";
import { Damage } from "./damage.ts";
import { Deflater } from "./deflater.ts";
import { cutForWire, encodeCursor, encodeRaw, type ReadPixels, ZrleEncoder } from "./encodings.ts";
import type { Framebuffer, Viewer } from "./framebuffer.ts";
import type { Picture } from "./picture.ts";
import { encodePixelFormat, type PixelFormat, PixelTranslator, SERVER_PIXEL_FORMAT } from "./pixel-format.ts";
import {
  colourMapMessage,
  desktopSizeRectangle,
  ENCODING_COMPRESSION_LEVEL_0,
  ENCODING_COMPRESSION_LEVEL_9,
  ENCODING_CURSOR,
  ENCODING_CURSOR_WITH_ALPHA,
  ENCODING_DESKTOP_SIZE,
  ENCODING_EXTENDED_DESKTOP_SIZE,
  ENCODING_ZRLE,
  extendedDesktopSizeRectangle,
  PROTOCOL_VERSION,
  RESIZE_BY_SERVER,
  RESIZE_BY_THIS_CLIENT,
  RESIZE_FORWARDED,
  RESIZE_INVALID_LAYOUT,
  RESIZE_OK,
  RESIZE_PROHIBITED,
  reasonMessage,
  SECURITY_NONE,
  SECURITY_VNC_AUTH,
  serverInitMessage,
  updateHeader,
} from "./protocol.ts";
import { createChallenge, isAnswer } from "./vnc-auth.ts";

/** Fast, and nearly as small as it gets: the encoding before zlib has done the rest. */
const DEFAULT_COMPRESSION_LEVEL = 2;
/** Answers to one client's wishes for a size that it has not fetched. */
const MAX_RESIZE_REPLIES = 16;
/** A client that guesses passwords waits before it learns that one was wrong. */
const AUTHENTICATION_PENALTY_MS = 1000;
const KEEP_ALIVE_MS = 30_000;
/** What a client may send; beyond it is read no faster. */
const INPUT_BYTES_PER_MS = 256;
const INPUT_BURST_BYTES = 1 << 18;

/** What all clients of a server have in common. */
export interface SessionSettings {
  /** In pixels; that of the framebuffer. */
  readonly budget: WorkBudget;
  readonly name: string;
  readonly password: string | null;
  /** Whether clients that can draw the cursor themselves do. */
  readonly cursorByClient: boolean;
  readonly frameMs: number;
  readonly handshakeMs: number;
  readonly stallMs: number;
  readonly onKey: (keysym: number, down: boolean) => void;
  readonly onPointer: (scanoutId: number, x: number, y: number, buttons: number) => void;
  /** Null when sizes can't be wished for. Returns whether the wish was handed on. */
  readonly onResize: ((scanoutId: number, width: number, height: number) => boolean) | null;
  readonly onReady: (session: Session) => void;
  /** Called once, whatever the reason. */
  readonly onEnd: (session: Session, reason: string) => void;
}

/**
 * One client. It is sent one update at a time and only what changed since the one before, as fast as it takes it:
 * what piles up meanwhile is a list of rectangles, not of pixels.
 */
export class Session implements ClientHandler, Viewer {
  /** Updates sent, and the bytes of all that was sent. */
  updates = 0;
  bytesSent = 0;

  readonly #socket: Socket;
  readonly #framebuffer: Framebuffer;
  readonly #settings: SessionSettings;
  readonly #input: ClientInput;
  #ended = false;
  #ready = false;
  #minor: 3 | 7 | 8 = 8;
  #challenge: Buffer = Buffer.alloc(0);

  // What the client wants
  #translator = new PixelTranslator(SERVER_PIXEL_FORMAT);
  #encodings: ReadonlySet<number> = new Set();
  #level = DEFAULT_COMPRESSION_LEVEL;
  #zrle: ZrleEncoder | null = null;
  #deflater: Deflater | null = null;
  #asked = false;
  readonly #requested = new Damage();

  // What it does not have yet
  #widthPixels = 0;
  #heightPixels = 0;
  readonly #damage = new Damage();
  #cursorChanged = false;
  #resized = false;
  /** What became of its wishes for a size, and answers to questions for it. */
  readonly #sizeReplies: { readonly reason: number; readonly status: number }[] = [];
  #colourMapDue = false;

  // Sending
  #busy = false;
  #nextAt = 0;
  #frameTimer: NodeJS.Timeout | null = null;
  #drained: (() => void) | null = null;

  // Receiving
  #deadline: NodeJS.Timeout | null;
  #pause: NodeJS.Timeout | null = null;
  #credit = INPUT_BURST_BYTES;
  #creditAt = performance.now();

  constructor(socket: Socket, framebuffer: Framebuffer, settings: SessionSettings) {
    this.#socket = socket;
    this.#framebuffer = framebuffer;
    this.#settings = settings;
    this.#input = new ClientInput(this);
    this.#deadline = setTimeout(() => this.end("the handshake took too long"), settings.handshakeMs);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    socket.on("drain", () => this.#drained?.());
    socket.on("error", (error) => this.end(error.message));
    socket.on("close", () => this.end("the client left"));
    this.#send(Buffer.from(PROTOCOL_VERSION, "latin1"));
  }

  /** Closes the connection. What was not sent yet is lost. */
  end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#input.end();
    for (const timer of [this.#deadline, this.#pause, this.#frameTimer])
      if (timer !== null) clearTimeout(timer);
    if (this.#ready) this.#framebuffer.detach(this);
    this.#drained?.();
    this.#deflater?.close();
    this.#socket.destroy();
    this.#settings.onEnd(this, reason);
  }

  // Input

  #receive(bytes: Buffer): void {
    if (this.#ended) return;
    try {
      this.#input.push(bytes);
    } catch (error) {
      if (!(error instanceof RfbError)) throw error;
      this.end(error.message);
      return;
    }
    this.#schedule();
    this.#throttle(bytes.length);
  }

  /** A client that floods is read slowly; the network holds the rest. */
  #throttle(lengthBytes: number): void {
    const now = performance.now();
    const earned = (now - this.#creditAt) * INPUT_BYTES_PER_MS;
    this.#credit = Math.min(INPUT_BURST_BYTES, this.#credit + earned) - lengthBytes;
    this.#creditAt = now;
    if (this.#credit >= 0 || this.#ended || this.#pause !== null) return;
    this.#socket.pause();
    this.#pause = setTimeout(() => {
      this.#pause = null;
      this.#socket.resume();
    }, -this.#credit / INPUT_BYTES_PER_MS);
  }

  version(minor: 3 | 7 | 8): number | null {
    this.#minor = minor;
    const type = this.#settings.password === null ? SECURITY_NONE : SECURITY_VNC_AUTH;
    if (minor > 3) {
      this.#send(Buffer.from([1, type]));
      return null;
    }
    const decided = Buffer.alloc(4);
    decided.writeUInt32BE(type, 0);
    this.#send(decided);
    if (type === SECURITY_VNC_AUTH) this.#sendChallenge();
    return type;
  }

  security(type: number): boolean {
    const offered = this.#settings.password === null ? SECURITY_NONE : SECURITY_VNC_AUTH;
    if (type !== offered) return false;
    if (type === SECURITY_VNC_AUTH) this.#sendChallenge();
    else if (this.#minor === 8) this.#send(Buffer.alloc(4));
    return true;
  }

  #sendChallenge(): void {
    this.#challenge = createChallenge();
    this.#send(this.#challenge);
  }

  authentication(response: Buffer): void {
    if (isAnswer(response, this.#challenge, this.#settings.password ?? "")) {
      this.#send(Buffer.alloc(4));
      this.#input.authenticated();
      return;
    }
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      const failed = Buffer.from([0, 0, 0, 1]);
      this.#send(this.#minor === 8 ? Buffer.concat([failed, reasonMessage("wrong password")]) : failed);
      this.#socket.end(() => this.end("wrong password"));
      this.#deadline = setTimeout(() => this.end("wrong password"), AUTHENTICATION_PENALTY_MS);
    }, AUTHENTICATION_PENALTY_MS);
  }

  init(): void {
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#deadline = null;
    const framebuffer = this.#framebuffer;
    try {
      framebuffer.attach(this);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new RfbError("there is no memory for the desktop");
    }
    this.#ready = true;
    const { widthPixels, heightPixels } = framebuffer;
    this.#widthPixels = widthPixels;
    this.#heightPixels = heightPixels;
    this.#damage.add(this.#desktop());
    const format = encodePixelFormat(SERVER_PIXEL_FORMAT);
    this.#send(serverInitMessage(widthPixels, heightPixels, format, this.#settings.name));
    this.#settings.onReady(this);
  }

  setPixelFormat(format: PixelFormat): void {
    this.#translator = new PixelTranslator(format);
    this.#colourMapDue = !format.trueColour;
    // The image of the cursor is in the format of the pixels.
    this.#cursorChanged = true;
  }

  setEncodings(encodings: readonly number[]): void {
    const drawnBefore = this.#isCursorDrawn;
    this.#encodings = new Set(encodings);
    for (const encoding of encodings) {
      if (encoding >= ENCODING_COMPRESSION_LEVEL_0 && encoding <= ENCODING_COMPRESSION_LEVEL_9) {
        this.#level = encoding - ENCODING_COMPRESSION_LEVEL_0;
      }
    }
    this.#cursorChanged = true;
    if (drawnBefore !== this.#isCursorDrawn) this.#damage.add(this.#desktop());
  }

  requestUpdate(incremental: boolean, x: number, y: number, widthPixels: number, heightPixels: number): void {
    const right = Math.min(x + widthPixels, this.#widthPixels);
    const bottom = Math.min(y + heightPixels, this.#heightPixels);
    const area = { x, y, widthPixels: right - x, heightPixels: bottom - y };
    this.#asked = true;
    this.#requested.add(area);
    if (incremental) return;
    this.#damage.add(area);
    const isAnswered = this.#sizeReplies.some(({ reason }) => reason === RESIZE_BY_SERVER);
    if (this.#encodings.has(ENCODING_EXTENDED_DESKTOP_SIZE) && !isAnswered) {
      this.#sizeReplies.push({ reason: RESIZE_BY_SERVER, status: RESIZE_OK });
    }
  }

  key(keysym: number, down: boolean): void {
    this.#settings.onKey(keysym, down);
  }

  pointer(x: number, y: number, buttons: number): void {
    const screens = this.#framebuffer.screens();
    const screen = screens.find((each) => x < each.x + each.widthPixels) ?? screens.at(-1);
    if (screen === undefined) return;
    const left = Math.min(Math.max(0, x - screen.x), screen.widthPixels - 1);
    const top = Math.min(Math.max(0, y - screen.y), screen.heightPixels - 1);
    this.#settings.onPointer(screen.id, left, top, buttons);
  }

  setDesktopSize(width: number, height: number, screens: number): void {
    // Clients may only ask for it after they said that they understand the answer.
    if (!this.#encodings.has(ENCODING_EXTENDED_DESKTOP_SIZE)) return;
    if (this.#sizeReplies.length >= MAX_RESIZE_REPLIES) throw new RfbError("too many wishes for a size");
    this.#sizeReplies.push({ reason: RESIZE_BY_THIS_CLIENT, status: this.#resize(width, height, screens) });
  }

  #resize(width: number, height: number, screens: number): number {
    const { onResize } = this.#settings;
    const present = this.#framebuffer.screens();
    if (onResize === null) return RESIZE_PROHIBITED;
    if (width === 0 || height === 0 || screens !== 1 || present.length !== 1) return RESIZE_INVALID_LAYOUT;
    return onResize(present[0]?.id ?? 0, width, height) ? RESIZE_FORWARDED : RESIZE_PROHIBITED;
  }

  // What the framebuffer says

  damaged(rectangle: PixelRectangle): void {
    this.#damage.add(rectangle);
    this.#schedule();
  }

  resized(): void {
    this.#resized = true;
    this.#damage.clear();
    this.#damage.add(this.#desktop());
    this.#schedule();
  }

  cursorMoved(before: PixelRectangle | null, after: PixelRectangle | null): void {
    if (!this.#isCursorDrawn) return;
    if (before !== null) this.#damage.add(before);
    if (after !== null) this.#damage.add(after);
    this.#schedule();
  }

  cursorChanged(): void {
    this.#cursorChanged = true;
    this.#schedule();
  }

  filled(): void {
    this.#schedule();
  }

  // Output

  /** Whether the cursor is part of the picture for this client. */
  get #isCursorDrawn(): boolean {
    const canDraw = this.#encodings.has(ENCODING_CURSOR) || this.#encodings.has(ENCODING_CURSOR_WITH_ALPHA);
    return !(this.#settings.cursorByClient && canDraw);
  }

  get #canResize(): boolean {
    return this.#encodings.has(ENCODING_DESKTOP_SIZE) || this.#encodings.has(ENCODING_EXTENDED_DESKTOP_SIZE);
  }

  /** The desktop as the client knows it. */
  #desktop(): PixelRectangle {
    return { x: 0, y: 0, widthPixels: this.#widthPixels, heightPixels: this.#heightPixels };
  }

  #hasNews(): boolean {
    if (this.#sizeReplies.length > 0 || (this.#resized && this.#canResize)) return true;
    if (this.#cursorChanged && !this.#isCursorDrawn) return true;
    return this.#damage.touches(this.#requested);
  }

  /** Sends an update if the client waits for one, there is something to say and it is time. */
  #schedule(): void {
    if (!this.#ready || this.#ended || this.#busy || !this.#asked || this.#frameTimer !== null) return;
    // Viewers that take a single picture want a whole one.
    if (!this.#framebuffer.isFilled || !this.#hasNews()) return;
    const now = performance.now();
    if (now < this.#nextAt) {
      this.#frameTimer = setTimeout(() => {
        this.#frameTimer = null;
        this.#schedule();
      }, this.#nextAt - now);
      return;
    }
    this.#nextAt = now + this.#settings.frameMs;
    this.#busy = true;
    this.#update().then(
      () => {
        this.#busy = false;
        this.#schedule();
      },
      (error: unknown) => this.end(messageOf(error)),
    );
  }

  async #update(): Promise<void> {
    // Sizes go in updates of their own.
    if (!(await this.#updateSize())) return;
    const picture = this.#framebuffer.picture;
    // When only the size was news, the question for pixels stays open.
    if (picture === null || !this.#hasNews()) return;
    const rectangles: PixelRectangle[] = [];
    for (const area of this.#requested.take(this.#desktop())) rectangles.push(...this.#damage.take(area));
    this.#asked = false;
    this.updates++;
    const cut = cutForWire(rectangles);
    const translator = this.#translator;
    const cursor = this.#takeCursor(translator);
    const isCursorDrawn = this.#isCursorDrawn;
    const read: ReadPixels = (rectangle, target) => this.#read(picture, isCursorDrawn, rectangle, target);
    if (this.#colourMapDue) {
      this.#colourMapDue = false;
      this.#send(colourMapMessage());
    }
    this.#send(updateHeader(cut.length + (cursor === null ? 0 : 1)));
    if (cursor !== null) this.#send(cursor);
    const zrle = this.#encodings.has(ENCODING_ZRLE) ? this.#zrleEncoder() : null;
    for (const rectangle of cut) {
      const encode = (): readonly Buffer[] | Promise<readonly Buffer[]> =>
        zrle === null ? [encodeRaw(rectangle, read, translator)] : zrle.encode(rectangle, read, translator);
      this.#send(
        ...(await this.#settings.budget.inTurn(rectangle.widthPixels * rectangle.heightPixels, encode)),
      );
      await this.#taken();
      if (this.#ended) return;
    }
  }

  /** Sends a new size, if there is one. Returns whether pixels may follow. */
  async #updateSize(): Promise<boolean> {
    const { widthPixels, heightPixels } = this.#framebuffer;
    const isNew = widthPixels !== this.#widthPixels || heightPixels !== this.#heightPixels;
    const messages: Buffer[] = [];
    if (this.#encodings.has(ENCODING_EXTENDED_DESKTOP_SIZE)) {
      if (this.#resized) this.#sizeReplies.push({ reason: RESIZE_BY_SERVER, status: RESIZE_OK });
      for (const { reason, status } of this.#sizeReplies) {
        const screens = this.#framebuffer.screens();
        messages.push(extendedDesktopSizeRectangle(reason, status, widthPixels, heightPixels, screens));
      }
    } else if (this.#resized && isNew && this.#encodings.has(ENCODING_DESKTOP_SIZE)) {
      messages.push(desktopSizeRectangle(widthPixels, heightPixels));
    }
    this.#sizeReplies.length = 0;
    this.#resized = false;
    if (messages.length === 0) return true;
    this.updates++;
    if (isNew) {
      this.#widthPixels = widthPixels;
      this.#heightPixels = heightPixels;
      this.#damage.clear();
      this.#damage.add(this.#desktop());
      // The client asks anew, for the new size.
      this.#asked = false;
      this.#requested.clear();
    }
    this.#send(updateHeader(messages.length), ...messages);
    await this.#taken();
    return !isNew && !this.#ended;
  }

  #takeCursor(translator: PixelTranslator): Buffer | null {
    if (!this.#cursorChanged || this.#isCursorDrawn) return null;
    this.#cursorChanged = false;
    const withAlpha = this.#encodings.has(ENCODING_CURSOR_WITH_ALPHA);
    return encodeCursor(this.#framebuffer.cursor, withAlpha, translator);
  }

  #zrleEncoder(): ZrleEncoder {
    if (this.#zrle === null) {
      this.#deflater = new Deflater(this.#level);
      this.#zrle = new ZrleEncoder(this.#deflater);
    }
    return this.#zrle;
  }

  #read(picture: Picture, withCursor: boolean, rectangle: PixelRectangle, target: Uint32Array): void {
    picture.read(rectangle, target);
    if (withCursor)
      this.#framebuffer.drawCursors(new Uint8Array(target.buffer, target.byteOffset), rectangle);
  }

  #send(...messages: readonly Buffer[]): void {
    if (this.#ended) return;
    this.#socket.cork();
    for (const message of messages) {
      this.bytesSent += message.length;
      this.#socket.write(message);
    }
    this.#socket.uncork();
  }

  /** Waits until the network has taken what was sent. */
  async #taken(): Promise<void> {
    if (this.#ended || !this.#socket.writableNeedDrain) return;
    const { stallMs } = this.#settings;
    const stalled = setTimeout(() => this.end("the client does not read"), stallMs);
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
    this.#drained = null;
    clearTimeout(stalled);
  }
}
