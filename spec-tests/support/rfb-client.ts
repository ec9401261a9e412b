/**
 * A small RFB client, written from the protocol's description and not from the server, so that both can be compared.
 * Everything it is sent is checked for plausibility; what it shows can be read as RGB.
 */
import { createCipheriv } from "node:crypto";
import { connect, type Socket } from "node:net";
import { createInflate, type Inflate } from "node:zlib";

export interface ClientPixelFormat {
  readonly bits: 8 | 16 | 32;
  readonly depth: number;
  readonly big: boolean;
  readonly trueColour: boolean;
  readonly max: readonly [red: number, green: number, blue: number];
  readonly shift: readonly [red: number, green: number, blue: number];
}

export interface UpdateRectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly encoding: number;
  /** Bytes behind the header. */
  readonly data: Buffer;
}

export interface ConnectOptions {
  readonly version?: string;
  readonly password?: string;
  /** Bytes per packet of what is sent; by default messages are sent whole. */
  readonly cut?: number;
}

export const NATIVE: ClientPixelFormat = {
  bits: 32,
  depth: 24,
  big: false,
  trueColour: true,
  max: [255, 255, 255],
  shift: [16, 8, 0],
};

const PATIENCE_MS = 5000;

/** Ended or refused by the server, with the reason it gave. */
export class RefusedError extends Error {}

export class RfbClient {
  readonly socket: Socket;
  version = "";
  name = "";
  width = 0;
  height = 0;
  /** What the server calls its own. */
  serverFormat: ClientPixelFormat = NATIVE;
  format: ClientPixelFormat = NATIVE;
  /** R, G, B of each pixel, as far as they were sent. */
  rgb = new Uint8Array(0);
  colourMap: [number, number, number][] = [];
  readonly #options: ConnectOptions;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #wake: (() => void) | null = null;
  #closed = false;
  #inflate: Inflate | null = null;
  #sending: Promise<void> = Promise.resolve();

  private constructor(socket: Socket, options: ConnectOptions) {
    this.socket = socket;
    this.#options = options;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => {
      this.#received.push(bytes);
      this.#receivedBytes += bytes.length;
      this.#wake?.();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  /** A connection without a word said. */
  static async open(port: number, options: ConnectOptions = {}): Promise<RfbClient> {
    const socket = connect(port, "127.0.0.1");
    const client = new RfbClient(socket, options);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  /** A connection after the handshake. */
  static async connect(port: number, options: ConnectOptions = {}): Promise<RfbClient> {
    const client = await RfbClient.open(port, options);
    await client.handshake();
    return client;
  }

  async handshake(): Promise<void> {
    const version = this.#options.version ?? "RFB 003.008\n";
    this.version = (await this.read(12)).toString("latin1");
    this.send(Buffer.from(version, "latin1"));
    const isOld = /003\.00[35]/.test(version);
    const saysWhy = !isOld && version !== "RFB 003.007\n";
    let type: number;
    if (isOld) {
      type = (await this.read(4)).readUInt32BE(0);
    } else {
      const count = (await this.read(1)).readUInt8(0);
      if (count === 0) throw new RefusedError(await this.#reason());
      type = (await this.read(count)).readUInt8(0);
      this.send(Buffer.from([type]));
    }
    if (type === 2) {
      const challenge = await this.read(16);
      this.send(vncAnswer(challenge, this.#options.password ?? ""));
    }
    if (type === 2 || saysWhy) {
      const result = (await this.read(4)).readUInt32BE(0);
      if (result !== 0) throw new RefusedError(saysWhy ? await this.#reason() : "no reason given");
    }
    this.send(Buffer.from([1]));
    const init = await this.read(24);
    this.#resize(init.readUInt16BE(0), init.readUInt16BE(2));
    this.serverFormat = {
      bits: init.readUInt8(4) as 8 | 16 | 32,
      depth: init.readUInt8(5),
      big: init.readUInt8(6) !== 0,
      trueColour: init.readUInt8(7) !== 0,
      max: [init.readUInt16BE(8), init.readUInt16BE(10), init.readUInt16BE(12)],
      shift: [init.readUInt8(14), init.readUInt8(15), init.readUInt8(16)],
    };
    this.format = this.serverFormat;
    this.name = (await this.read(init.readUInt32BE(20))).toString("utf8");
  }

  async #reason(): Promise<string> {
    const length = (await this.read(4)).readUInt32BE(0);
    return (await this.read(length)).toString("utf8");
  }

  // Sending

  send(bytes: Uint8Array): void {
    const { cut } = this.#options;
    if (cut === undefined) {
      this.socket.write(bytes);
      return;
    }
    this.#sending = this.#sending.then(async () => {
      for (let at = 0; at < bytes.length; at += cut) {
        this.socket.write(bytes.subarray(at, at + cut));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  }

  setPixelFormat(format: ClientPixelFormat): void {
    this.format = format;
    this.send(pixelFormatMessage(format));
  }

  setEncodings(...encodings: readonly number[]): void {
    this.send(encodingsMessage(encodings));
  }

  request(incremental: boolean, x = 0, y = 0, width = this.width, height = this.height): void {
    this.send(requestMessage(incremental, x, y, width, height));
  }

  // Receiving

  /** Waits for so many bytes. Rejects with a RefusedError when the connection ends before. */
  async read(lengthBytes: number): Promise<Buffer> {
    while (this.#receivedBytes < lengthBytes) {
      if (this.#closed) throw new RefusedError("the connection ended");
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`${this.#receivedBytes} of ${lengthBytes} bytes came`)),
          PATIENCE_MS,
        );
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = null;
    }
    const all = this.#received.length === 1 ? (this.#received[0] as Buffer) : Buffer.concat(this.#received);
    this.#received = [all.subarray(lengthBytes)];
    this.#receivedBytes -= lengthBytes;
    return all.subarray(0, lengthBytes);
  }

  /** Bytes that came and were not read. */
  get available(): number {
    return this.#receivedBytes;
  }

  /** Whether the server says nothing for a while. */
  async isSilent(milliseconds: number): Promise<boolean> {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return this.#receivedBytes === 0 && !this.#closed;
  }

  /** Waits until the server has closed the connection, which it must within 5 s. */
  async waitForEnd(milliseconds = 5000): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("the server did not close")), milliseconds);
      this.socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Takes the next update, shows it, and returns what it consisted of. */
  async update(): Promise<UpdateRectangle[]> {
    for (;;) {
      const type = (await this.read(1)).readUInt8(0);
      if (type === 0) break;
      if (type !== 1) throw new Error(`message type ${type}`);
      const head = await this.read(5);
      const first = head.readUInt16BE(1);
      const count = head.readUInt16BE(3);
      const entries = await this.read(6 * count);
      for (let i = 0; i < count; i++) {
        this.colourMap[first + i] = [0, 2, 4].map((at) => entries.readUInt16BE(6 * i + at)) as [
          number,
          number,
          number,
        ];
      }
    }
    const count = (await this.read(3)).readUInt16BE(1);
    if (count === 0) throw new Error("an update without rectangles");
    const rectangles: UpdateRectangle[] = [];
    for (let i = 0; i < count; i++) rectangles.push(await this.#rectangle());
    return rectangles;
  }

  async #rectangle(): Promise<UpdateRectangle> {
    const head = await this.read(12);
    const x = head.readUInt16BE(0);
    const y = head.readUInt16BE(2);
    const width = head.readUInt16BE(4);
    const height = head.readUInt16BE(6);
    const encoding = head.readInt32BE(8);
    const pixelBytes = this.format.bits / 8;
    let data: Buffer = Buffer.alloc(0);
    switch (encoding) {
      case 0:
        this.#checkInside(x, y, width, height);
        data = await this.read(width * height * pixelBytes);
        for (let k = 0; k < width * height; k++) {
          this.#set(
            x + (k % width),
            y + Math.floor(k / width),
            this.#pixel(data, k * pixelBytes, pixelBytes, 0),
          );
        }
        break;
      case 16:
        this.#checkInside(x, y, width, height);
        data = await this.read((await this.read(4)).readUInt32BE(0));
        this.#zrle(x, y, width, height, await this.#inflated(data));
        break;
      case -223:
        this.#resize(width, height);
        break;
      case -308: {
        const screens = await this.read(4);
        data = Buffer.concat([screens, await this.read(16 * screens.readUInt8(0))]);
        if (y === 0) this.#resize(width, height);
        break;
      }
      case -239:
        data = await this.read(width * height * pixelBytes + Math.ceil(width / 8) * height);
        break;
      case -314:
        data = await this.read(4 + width * height * 4);
        break;
      default:
        throw new Error(`encoding ${encoding}`);
    }
    return { x, y, width, height, encoding, data };
  }

  #checkInside(x: number, y: number, width: number, height: number): void {
    if (width === 0 || height === 0 || x + width > this.width || y + height > this.height) {
      throw new Error(`a rectangle ${width}x${height} at ${x},${y} of ${this.width}x${this.height}`);
    }
  }

  #resize(width: number, height: number): void {
    if (width === this.width && height === this.height) return;
    this.width = width;
    this.height = height;
    this.rgb = new Uint8Array(width * height * 3);
  }

  #set(x: number, y: number, value: number): void {
    const { trueColour, max, shift } = this.format;
    const at = (y * this.width + x) * 3;
    for (let k = 0; k < 3; k++) {
      const most = max[k] as number;
      this.rgb[at + k] = trueColour
        ? Math.round((((value >>> (shift[k] as number)) & most) * 255) / most)
        : Math.round(((this.colourMap[value]?.[k] ?? Number.NaN) * 255) / 65535);
    }
  }

  #pixel(bytes: Buffer, at: number, length: number, shift: number): number {
    const value = this.format.big ? bytes.readUIntBE(at, length) : bytes.readUIntLE(at, length);
    return shift === 0 ? value : value * 2 ** shift;
  }

  async #inflated(data: Buffer): Promise<Buffer> {
    this.#inflate ??= createInflate({ readableHighWaterMark: 1 << 28 } as object);
    const stream = this.#inflate;
    await new Promise<void>((resolve, reject) => {
      stream.once("error", reject);
      stream.write(data, () => resolve());
    });
    stream.removeAllListeners("error");
    const parts: Buffer[] = [];
    for (let part = stream.read() as Buffer | null; part !== null; part = stream.read() as Buffer | null) {
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  /** Names of the ways tiles were encoded in, with their number. */
  readonly tiles = new Map<string, number>();

  #zrle(left: number, top: number, width: number, height: number, data: Buffer): void {
    const { bits, depth, max, shift } = this.format;
    const used = max.reduce((sum, most, k) => sum + most * 2 ** (shift[k] as number), 0);
    const isLow = used < 2 ** 24;
    const isShort = bits === 32 && depth <= 24 && (isLow || used % 256 === 0);
    const bytes = isShort ? 3 : bits / 8;
    const up = isShort && !isLow ? 8 : 0;
    let at = 0;
    const pixel = (): number => {
      at += bytes;
      return this.#pixel(data, at - bytes, bytes, up);
    };
    const runLength = (): number => {
      let length = 1;
      for (;;) {
        const byte = data.readUInt8(at++);
        length += byte;
        if (byte !== 255) return length;
      }
    };
    for (let y = top; y < top + height; y += 64) {
      for (let x = left; x < left + width; x += 64) {
        const columns = Math.min(64, left + width - x);
        const rows = Math.min(64, top + height - y);
        const count = columns * rows;
        const values: number[] = [];
        const kind = data.readUInt8(at++);
        let name: string;
        if (kind === 0) {
          name = "raw";
          while (values.length < count) values.push(pixel());
        } else if (kind === 1) {
          name = "solid";
          values.push(...new Array<number>(count).fill(pixel()));
        } else if (kind <= 16) {
          name = "packed";
          const palette = Array.from({ length: kind }, pixel);
          const size = kind === 2 ? 1 : kind <= 4 ? 2 : 4;
          for (let row = 0; row < rows; row++) {
            for (let k = 0; k < columns; k++) {
              const byte = data.readUInt8(at + ((k * size) >> 3));
              const index = (byte >> (8 - size - ((k * size) & 7))) & ((1 << size) - 1);
              values.push(palette[index] ?? Number.NaN);
            }
            at += Math.ceil((columns * size) / 8);
          }
        } else if (kind === 128) {
          name = "plain runs";
          while (values.length < count) {
            const value = pixel();
            values.push(...new Array<number>(runLength()).fill(value));
          }
        } else if (kind >= 130) {
          name = "palette runs";
          const palette = Array.from({ length: kind - 128 }, pixel);
          while (values.length < count) {
            const index = data.readUInt8(at++);
            const length = index >= 128 ? runLength() : 1;
            values.push(...new Array<number>(length).fill(palette[index & 127] ?? Number.NaN));
          }
        } else {
          throw new Error(`tile of kind ${kind}`);
        }
        if (values.length !== count || values.some(Number.isNaN)) throw new Error(`a broken tile: ${name}`);
        this.tiles.set(name, (this.tiles.get(name) ?? 0) + 1);
        for (const [k, value] of values.entries())
          this.#set(x + (k % columns), y + Math.floor(k / columns), value);
      }
    }
    if (at !== data.length) throw new Error(`${data.length - at} bytes behind the last tile`);
  }

  close(): void {
    this.socket.destroy();
  }
}

export function pixelFormatMessage(format: ClientPixelFormat): Buffer {
  const message = Buffer.alloc(20);
  message.writeUInt8(format.bits, 4);
  message.writeUInt8(format.depth, 5);
  message.writeUInt8(format.big ? 1 : 0, 6);
  message.writeUInt8(format.trueColour ? 1 : 0, 7);
  for (let k = 0; k < 3; k++) {
    message.writeUInt16BE(format.max[k] as number, 8 + 2 * k);
    message.writeUInt8(format.shift[k] as number, 14 + k);
  }
  return message;
}

export function encodingsMessage(encodings: readonly number[]): Buffer {
  const message = Buffer.alloc(4 + 4 * encodings.length);
  message.writeUInt8(2, 0);
  message.writeUInt16BE(encodings.length, 2);
  for (const [i, encoding] of encodings.entries()) message.writeInt32BE(encoding, 4 + 4 * i);
  return message;
}

export function requestMessage(
  incremental: boolean,
  x: number,
  y: number,
  width: number,
  height: number,
): Buffer {
  const message = Buffer.alloc(10);
  message.writeUInt8(3, 0);
  message.writeUInt8(incremental ? 1 : 0, 1);
  message.writeUInt16BE(x, 2);
  message.writeUInt16BE(y, 4);
  message.writeUInt16BE(width, 6);
  message.writeUInt16BE(height, 8);
  return message;
}

export function setDesktopSizeMessage(width: number, height: number, screens = 1): Buffer {
  const message = Buffer.alloc(8 + 16 * screens);
  message.writeUInt8(251, 0);
  message.writeUInt16BE(width, 2);
  message.writeUInt16BE(height, 4);
  message.writeUInt8(screens, 6);
  return message;
}

/** The file in which VNC's tools keep a password: encrypted with a key that everybody knows. */
export function vncPasswordFile(password: string): Buffer {
  const plain = Buffer.alloc(8);
  plain.write(password.slice(0, 8), "latin1");
  return desEncrypt(Buffer.from([23, 82, 107, 6, 35, 78, 88, 7]), plain);
}

function vncAnswer(challenge: Buffer, password: string): Buffer {
  const key = Buffer.alloc(8);
  key.write(password.slice(0, 8), "latin1");
  return desEncrypt(key, challenge);
}

function desEncrypt(key: Buffer, plain: Buffer): Buffer {
  const mirrored = key.map((byte) =>
    Number.parseInt(byte.toString(2).padStart(8, "0").split("").reverse().join(""), 2),
  );
  const cipher = createCipheriv("des-ede3", Buffer.concat([mirrored, mirrored, mirrored]), null);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(plain), cipher.final()]);
}
