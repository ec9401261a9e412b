import { createServer, type Server, type Socket } from "node:net";
import { VirtioUsageError } from "../../../base/errors.ts";
import { checkOptions, type OptionRules, U16_RULE } from "../../../base/options.ts";
import type { TraceSink } from "../../../base/trace.ts";
import type { CursorImage, Display, ScanoutSource } from "../../../devices/gpu/index.ts";
import { DEFAULT_MAX_PIXELS } from "../pictures/rgba.ts";
import { pixelBudget, TURN_RULES, type TurnOptions } from "../pictures/turns.ts";
import { Framebuffer } from "./framebuffer.ts";
import { Session, type SessionSettings } from "./session.ts";

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 5900;
const DEFAULT_SIZE = { widthPixels: 640, heightPixels: 480 } as const;
const DEFAULT_MAX_CLIENTS = 16;
const DEFAULT_FRAMES_PER_SECOND = 60;
const DEFAULT_HANDSHAKE_MS = 10_000;
const DEFAULT_STALL_MS = 30_000;

/** Choices for a {@link VncServer}; all have defaults. */
export interface VncServerOptions extends TurnOptions {
  /** Address to listen on. Default 127.0.0.1: RFB is not encrypted, and without a password open to all. */
  readonly host?: string;
  /** TCP port, 0 for any free one. Default 5900, which viewers call display 0. */
  readonly port?: number;
  /** What viewers write into their title bar. Default `virtio-gpu`. */
  readonly name?: string;
  /**
   * Asks clients for this password (VNC authentication). No more than its first 8 bytes count, as the protocol has
   * it, and it protects from little. Default: no password.
   */
  readonly password?: string;
  /** The desktop's size while nothing has been shown yet, in pixels. Default 640 × 480. */
  readonly initialSize?: { readonly widthPixels: number; readonly heightPixels: number };
  /** Clients at a time; more are turned away. Default 16. */
  readonly maxClients?: number;
  /** Pixels of the desktop, 4 bytes each; a larger scanout is refused with ERR_OUT_OF_MEMORY. Default 7680 × 4320. */
  readonly maxPixels?: number;
  /** Updates per second that a client gets at most. Default 60. */
  readonly maxFramesPerSecond?: number;
  /** Milliseconds a client has for the handshake. Default 10 000. */
  readonly handshakeTimeoutMs?: number;
  /** Milliseconds after which a client that does not read what it asked for is dropped. Default 30 000. */
  readonly stallTimeoutMs?: number;
  /**
   * Who draws the cursor: the viewer, where its own pointer is (Cursor pseudo-encodings), or the server, into the
   * picture, where the guest has it. Default `client` when there is an `onPointer`, else `server`. The server draws
   * it for viewers that cannot.
   */
  readonly cursor?: "client" | "server";
  /** A key was pressed or let go; `keysym` is X11's. */
  readonly onKey?: (keysym: number, down: boolean) => void;
  /** The pointer is at this pixel of a scanout; `buttons` is a mask, with the left one in bit 0. */
  readonly onPointer?: (scanoutId: number, x: number, y: number, buttons: number) => void;
  /**
   * A client wishes the scanout had this size, in pixels. Returns whether the wish was handed on to the guest, for
   * instance by `GpuDevice.setDisplay`. Default: sizes can't be wished for.
   */
  readonly onResize?: (scanoutId: number, widthPixels: number, heightPixels: number) => boolean;
  /** Told about clients that come and go. */
  readonly trace?: TraceSink;
}

const RULES: OptionRules<VncServerOptions> = {
  host: "string",
  port: U16_RULE,
  name: "string",
  password: "string",
  initialSize: {
    fields: { widthPixels: [1, 65535], heightPixels: [1, 65535] },
    required: ["widthPixels", "heightPixels"],
  },
  maxClients: [1, 1024],
  maxPixels: [1, 2 ** 28],
  maxFramesPerSecond: [1, 1000],
  handshakeTimeoutMs: [1, 0x7fffffff],
  stallTimeoutMs: [1, 0x7fffffff],
  cursor: { oneOf: ["client", "server"] },
  onKey: "function",
  onPointer: "function",
  onResize: "function",
  trace: "function",
  ...TURN_RULES,
};

/** Counts kept since the server was made. */
export interface VncCounters {
  /** Connections accepted, and those turned away for being too many. */
  connections: number;
  turnedAway: number;
  /** Updates and bytes sent to clients that have left. */
  updates: number;
  bytesSent: number;
}

/**
 * A display that VNC viewers can look at: an RFB server (RFC 6143, versions 3.3, 3.7 and 3.8) with the encodings Raw
 * and ZRLE, Cursor, Cursor With Alpha, DesktopSize and ExtendedDesktopSize. All scanouts appear side by side on one
 * desktop. While nobody looks, a flush costs next to nothing. What is more than a few milliseconds of work, for the
 * desktop or for its clients, is spread over several turns of the event loop; the guest's flush is answered at its end.
 *
 * @example
 * ```ts
 * const display = new VncServer({ port: 5901 });
 * const gpu = new GpuDevice({ display });
 * const { host, port } = await display.listen();
 * // … vncviewer 127.0.0.1:1 …
 * await display.close();
 * ```
 */
export class VncServer implements Display {
  readonly counters: VncCounters = { connections: 0, turnedAway: 0, updates: 0, bytesSent: 0 };
  readonly #host: string;
  readonly #port: number;
  readonly #maxClients: number;
  readonly #framebuffer: Framebuffer;
  readonly #settings: SessionSettings;
  readonly #trace: TraceSink | null;
  readonly #sessions = new Set<Session>();
  #server: Server | null = null;

  /** Throws {@link VirtioUsageError} for options out of range. */
  constructor(options: VncServerOptions = {}) {
    checkOptions("VncServer", options, RULES);
    const { widthPixels, heightPixels } = options.initialSize ?? DEFAULT_SIZE;
    const maxPixels = options.maxPixels ?? DEFAULT_MAX_PIXELS;
    const pixels = widthPixels * heightPixels;
    if (pixels > maxPixels) {
      throw new VirtioUsageError(`initialSize has ${pixels} pixels, more than the ${maxPixels} of maxPixels`);
    }
    const framesPerSecond = options.maxFramesPerSecond ?? DEFAULT_FRAMES_PER_SECOND;
    this.#host = options.host ?? DEFAULT_HOST;
    this.#port = options.port ?? DEFAULT_PORT;
    this.#maxClients = options.maxClients ?? DEFAULT_MAX_CLIENTS;
    const budget = pixelBudget(options);
    this.#framebuffer = new Framebuffer(widthPixels, heightPixels, maxPixels, budget);
    this.#trace = options.trace ?? null;
    const cursor = options.cursor ?? (options.onPointer === undefined ? "server" : "client");
    this.#settings = {
      budget,
      name: options.name ?? "virtio-gpu",
      password: options.password ?? null,
      cursorByClient: cursor === "client",
      frameMs: 1000 / framesPerSecond,
      handshakeMs: options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_MS,
      stallMs: options.stallTimeoutMs ?? DEFAULT_STALL_MS,
      onKey: options.onKey ?? (() => undefined),
      onPointer: options.onPointer ?? (() => undefined),
      onResize: options.onResize ?? null,
      onReady: () =>
        this.#trace?.({ source: "vnc", kind: "client-ready", detail: { clients: this.clients } }),
      onEnd: (session, reason) => this.#ended(session, reason),
    };
  }

  /** Connected clients, those in the handshake included. */
  get clients(): number {
    return this.#sessions.size;
  }

  /**
   * Starts to listen; the result says where. Throws {@link VirtioUsageError} when that cannot be, for instance since
   * the port is in use.
   */
  async listen(): Promise<{ readonly host: string; readonly port: number }> {
    if (this.#server !== null) throw new VirtioUsageError("the VNC server listens already");
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host: this.#host, port: this.#port }, resolve);
      });
    } catch (error) {
      this.#server = null;
      throw new VirtioUsageError(explain(error, this.#host, this.#port), { cause: error });
    }
    server.removeAllListeners("error");
    // Out of file descriptors, for instance: those who are there stay.
    server.on("error", (error) => this.#note("accept-failed", { reason: error.message }));
    const address = server.address();
    if (address === null || typeof address === "string") return { host: this.#host, port: this.#port };
    return { host: address.address, port: address.port };
  }

  /** Drops all clients and stops listening. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const session of [...this.#sessions]) session.end("the server closed");
    if (server !== null) await new Promise<void>((resolve) => void server.close(() => resolve()));
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    this.#framebuffer.setScanout(scanoutId, source);
  }

  flush(
    scanoutId: number,
    x: number,
    y: number,
    widthPixels: number,
    heightPixels: number,
  ): void | Promise<void> {
    return this.#framebuffer.flush(scanoutId, x, y, widthPixels, heightPixels);
  }

  setCursor(scanoutId: number, cursor: CursorImage | null): void {
    this.#framebuffer.setCursor(scanoutId, cursor);
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    this.#framebuffer.moveCursor(scanoutId, x, y);
  }

  #accept(socket: Socket): void {
    if (this.#sessions.size >= this.#maxClients || this.#server === null) {
      this.counters.turnedAway++;
      socket.destroy();
      return;
    }
    this.counters.connections++;
    const from = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#note("client-connected", { from });
    this.#sessions.add(new Session(socket, this.#framebuffer, this.#settings));
  }

  #ended(session: Session, reason: string): void {
    this.#sessions.delete(session);
    this.counters.updates += session.updates;
    this.counters.bytesSent += session.bytesSent;
    const { updates, bytesSent } = session;
    this.#note("client-left", { reason, updates, bytesSent });
  }

  #note(kind: string, detail: Readonly<Record<string, string | number | boolean>>): void {
    this.#trace?.({ source: "vnc", kind, detail });
  }
}

function explain(error: unknown, host: string, port: number): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const where = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  switch (code) {
    case "EADDRINUSE":
      return `${where} is in use`;
    case "EACCES":
      return `${where} may not be used: permission denied`;
    case "EADDRNOTAVAIL":
      return `${host} is not an address of this machine`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `there is no host ${host}`;
    default:
      return `cannot listen on ${where}: ${message}`;
  }
}
