import { createConnection, type Socket } from "node:net";
import { QemuRefusedError } from "./errors.ts";

// RFB (RFC 6143) and its extension ExtendedDesktopSize, as registered with IANA and described by its community.
const VERSION = "RFB 003.008\n";
const SECURITY_NONE = 1;
const SHARED = 1;
const SERVER_INIT_BYTES = 24;
const SET_ENCODINGS = 2;
const SET_DESKTOP_SIZE = 251;
const FRAMEBUFFER_UPDATE = 0;
const ENCODING_EXTENDED_DESKTOP_SIZE = -308;
const ENCODING_DESKTOP_SIZE = -223;
const SCREEN_BYTES = 16;
const REASON_THIS_CLIENT = 1;
const STATUS_OK = 0;
const STATUS_FORWARDED = 4;

/** A VNC client that does nothing but wish for another size of the screen. */
export class RfbResizer {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #wake: () => void = () => {};
  #error: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (part: Buffer) => {
      this.#received = Buffer.concat([this.#received, part]);
      this.#wake();
    });
    const over = (error?: Error): void => {
      this.#error ??= new QemuRefusedError(`the VNC server hung up${error ? `: ${error.message}` : ""}`);
      this.#wake();
    };
    socket.on("error", over);
    socket.on("close", () => over());
  }

  /** Connects to a VNC server that asks for no password. `path` is that of its socket. */
  static async connect(path: string): Promise<RfbResizer> {
    const client = new RfbResizer(createConnection(path));
    await client.#take(VERSION.length);
    client.#socket.write(VERSION);
    const [count = 0] = await client.#take(1);
    if (count === 0) throw new QemuRefusedError("the VNC server refuses the connection");
    const types = await client.#take(count);
    if (!types.includes(SECURITY_NONE)) throw new QemuRefusedError("the VNC server wants a password");
    client.#socket.write(Uint8Array.of(SECURITY_NONE));
    if ((await client.#take(4)).readUInt32BE(0) !== 0) throw new QemuRefusedError("the VNC server says no");
    client.#socket.write(Uint8Array.of(SHARED));
    const init = await client.#take(SERVER_INIT_BYTES);
    await client.#take(init.readUInt32BE(SERVER_INIT_BYTES - 4));
    const encodings = Buffer.alloc(8);
    encodings.writeUInt8(SET_ENCODINGS, 0);
    encodings.writeUInt16BE(1, 2);
    encodings.writeInt32BE(ENCODING_EXTENDED_DESKTOP_SIZE, 4);
    client.#socket.write(encodings);
    return client;
  }

  /** Asks for a size in pixels and waits until the server says that it told the device. */
  async resize(width: number, height: number): Promise<void> {
    const message = Buffer.alloc(8 + SCREEN_BYTES);
    message.writeUInt8(SET_DESKTOP_SIZE, 0);
    message.writeUInt16BE(width, 2);
    message.writeUInt16BE(height, 4);
    message.writeUInt8(1, 6);
    message.writeUInt16BE(width, 16);
    message.writeUInt16BE(height, 18);
    this.#socket.write(message);
    for (;;) {
      const status = await this.#nextStatus();
      if (status === STATUS_OK || status === STATUS_FORWARDED) return;
      if (status !== undefined)
        throw new QemuRefusedError(`the device has no use for sizes (status ${status})`);
    }
  }

  /** Hangs up. */
  close(): void {
    this.#socket.destroy();
  }

  /** Reads one update; what it says of our wish, undefined when it is about something else. */
  async #nextStatus(): Promise<number | undefined> {
    const header = await this.#take(4);
    if (header.readUInt8(0) !== FRAMEBUFFER_UPDATE) {
      throw new QemuRefusedError("the VNC server says something unexpected");
    }
    let status: number | undefined;
    for (let left = header.readUInt16BE(2); left > 0; left--) {
      const rectangle = await this.#take(12);
      const encoding = rectangle.readInt32BE(8);
      if (encoding === ENCODING_EXTENDED_DESKTOP_SIZE) {
        const [screens = 0] = await this.#take(4);
        await this.#take(screens * SCREEN_BYTES);
        if (rectangle.readUInt16BE(0) === REASON_THIS_CLIENT) status = rectangle.readUInt16BE(2);
      } else if (encoding !== ENCODING_DESKTOP_SIZE) {
        throw new QemuRefusedError("the VNC server sends pixels that nobody asked for");
      }
    }
    return status;
  }

  async #take(lengthBytes: number): Promise<Buffer> {
    while (this.#received.length < lengthBytes) {
      if (this.#error !== undefined) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const taken = this.#received.subarray(0, lengthBytes);
    this.#received = this.#received.subarray(lengthBytes);
    return taken;
  }
}
