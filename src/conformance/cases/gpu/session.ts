import {
  VIRTIO_GPU_CTRL_HDR,
  VIRTIO_GPU_FLAG_FENCE,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
  VIRTIO_GPU_RESP_OK_MAP_INFO,
  VIRTIO_GPU_RESP_OK_NODATA,
} from "../../../wire/gpu.ts";
import type { CaseRun } from "../../case.ts";
import type { Answer, Request, StartOptions } from "../../guest/index.ts";
import {
  attachBacking,
  create2d,
  decodeHeader,
  type GpuMemEntry,
  type GpuRect,
  type GpuResponseHeader,
  setScanout,
} from "../../models/gpu-commands.ts";
import { CONTROLQ } from "../../models/index.ts";

const HEADER_BYTES = VIRTIO_GPU_CTRL_HDR.sizeBytes;
/** What response buffers hold before the device writes to them. */
export const FILLER = 0xa5;
export const BYTES_PER_PIXEL = 4;

/** What came back. */
export interface GpuAnswer extends Answer {
  readonly header: GpuResponseHeader;
}

/** A rectangle from the upper left corner. */
export function area(width: number, height: number, x = 0, y = 0): GpuRect {
  return { x, y, width, height };
}

/** Talks to a GPU device that runs. */
export class GpuSession {
  readonly t: CaseRun;
  #fence = 0n;

  private constructor(t: CaseRun) {
    this.t = t;
  }

  /** From reset to a device that runs with these features and both queues. */
  static async start(
    t: CaseRun,
    features: readonly number[] = [],
    options: StartOptions = {},
  ): Promise<GpuSession> {
    await t.guest.start({ ...options, features });
    return new GpuSession(t);
  }

  /** A header that asks for a fence, with an id greater than all before. */
  fence(): { readonly flags: number; readonly fenceId: bigint } {
    this.#fence += 1n;
    return { flags: VIRTIO_GPU_FLAG_FENCE, fenceId: this.#fence };
  }

  /** Places a request whose response buffer is full of {@link FILLER}; {@link take} gets the answer. */
  post(request: Uint8Array, responseBytes = HEADER_BYTES, queue = CONTROLQ): Request {
    const { guest } = this.t;
    const address = guest.arena.place(request);
    const response = guest.arena.place(new Uint8Array(responseBytes).fill(FILLER));
    return guest.placeElements(guest.ring(queue), [
      { address, lengthBytes: request.length, writable: false },
      { address: response, lengthBytes: responseBytes, writable: true },
    ]);
  }

  /** The answer to the next request that comes back, which must be this one. */
  async take(request: Request): Promise<GpuAnswer> {
    return this.#read(await this.t.guest.answer(request));
  }

  /** Sends a request and reads the answer, which is a header at least, with a type for responses. */
  async send(request: Uint8Array, responseBytes = HEADER_BYTES, queue = CONTROLQ): Promise<GpuAnswer> {
    const posted = this.post(request, responseBytes, queue);
    await this.t.guest.kick(posted.ring);
    return this.take(posted);
  }

  #read(answer: Answer): GpuAnswer {
    const { t } = this;
    t.ok(answer.lengthBytes >= HEADER_BYTES, `the response has a header (${answer.lengthBytes} bytes came)`);
    t.ok(
      answer.lengthBytes <= answer.bytes.length,
      "no more bytes are said to be written than there is room for",
    );
    const header = decodeHeader(answer.bytes);
    const { type } = header;
    const isResponse =
      (type >= VIRTIO_GPU_RESP_OK_NODATA && type <= VIRTIO_GPU_RESP_OK_MAP_INFO) ||
      (type >= VIRTIO_GPU_RESP_ERR_UNSPEC && type <= VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
    t.ok(isResponse, `0x${type.toString(16)} is the type of a response`);
    return { ...answer, header };
  }

  /** Sends a request that must succeed, with a response of this type that fills the buffer. */
  async ok(
    request: Uint8Array,
    what: string,
    type: number = VIRTIO_GPU_RESP_OK_NODATA,
    responseBytes = HEADER_BYTES,
    queue = CONTROLQ,
  ): Promise<Uint8Array> {
    const { header, bytes, lengthBytes } = await this.send(request, responseBytes, queue);
    this.t.equal(header.type, type, `the type of the response to ${what}`);
    this.t.equal(lengthBytes, responseBytes, `the length of the response to ${what}`);
    return bytes;
  }

  /** Sends a request that must be refused, with whatever error. The case ends with `reject`. */
  async refuse(
    request: Uint8Array,
    what: string,
    responseBytes = HEADER_BYTES,
    queue = CONTROLQ,
  ): Promise<GpuAnswer> {
    const answer = await this.send(request, responseBytes, queue);
    const { type } = answer.header;
    this.t.ok(
      type >= VIRTIO_GPU_RESP_ERR_UNSPEC,
      `${what} is refused (the response is 0x${type.toString(16)})`,
    );
    this.t.rejected = true;
    return answer;
  }

  /** Sends a request to which the specification says neither yes nor no. True when it was accepted. */
  async either(request: Uint8Array, responseBytes = HEADER_BYTES, queue = CONTROLQ): Promise<boolean> {
    const { header } = await this.send(request, responseBytes, queue);
    if (header.type >= VIRTIO_GPU_RESP_ERR_UNSPEC) this.t.rejected = true;
    return header.type < VIRTIO_GPU_RESP_ERR_UNSPEC;
  }

  // What many cases do

  /** A 2D resource without backing. */
  async create(
    resourceId: number,
    width: number,
    height: number,
    format: number = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  ): Promise<void> {
    await this.ok(create2d({ resourceId, format, width, height }), `RESOURCE_CREATE_2D ${resourceId}`);
  }

  /** Attaches guest memory to a resource, in pieces that lie apart and in descending order. Returns the entries. */
  async attach(resourceId: number, lengthBytes: number, pieces = 1): Promise<GpuMemEntry[]> {
    const pieceBytes = Math.ceil(lengthBytes / pieces);
    const count = Math.ceil(lengthBytes / pieceBytes);
    const addresses = Array.from({ length: count }, () => this.t.guest.arena.allocate(pieceBytes + 64, 64));
    const entries = addresses.reverse().map((address, i) => ({
      address,
      lengthBytes: Math.min(pieceBytes, lengthBytes - i * pieceBytes),
    }));
    await this.ok(attachBacking(resourceId, entries), `RESOURCE_ATTACH_BACKING ${resourceId}`);
    return entries;
  }

  /** Writes bytes into backing, as the device will read them. */
  fill(entries: readonly GpuMemEntry[], bytes: Uint8Array): void {
    let at = 0;
    for (const { address, lengthBytes } of entries) {
      this.t.guest.arena.ram.write(Number(address), bytes.subarray(at, at + lengthBytes));
      at += lengthBytes;
    }
  }

  /** A resource with backing: what most commands want. */
  async resource(resourceId: number, width = 64, height = 64): Promise<GpuMemEntry[]> {
    await this.create(resourceId, width, height);
    return this.attach(resourceId, width * height * BYTES_PER_PIXEL);
  }

  /** Shows the upper left corner of a resource on a scanout. */
  async show(scanoutId: number, resourceId: number, width: number, height: number): Promise<void> {
    await this.ok(setScanout(scanoutId, resourceId, area(width, height)), `SET_SCANOUT ${scanoutId}`);
  }
}
