import type { DmaBuffer } from "../../allocator.ts";
import type { ElementList } from "../../rings/elements.ts";

/** The parts of a request on their way into a chain. */
export interface GpuRequestParts {
  readonly request: DmaBuffer;
  readonly requestAt: number;
  readonly requestBytes: number;
  /** Entry list or command stream behind the request's fixed part; null when there is none. */
  readonly data: DmaBuffer | null;
  readonly dataBytes: number;
  readonly response: DmaBuffer;
  readonly responseAt: number;
  /** 0 when no response is asked for. */
  readonly responseBytes: number;
}

/** Lays the parts of a request out as elements. The default makes what Linux makes: one element for each part. */
export type GpuFraming = (elements: ElementList, parts: GpuRequestParts) => void;

/**
 * The framing of the Linux driver: command, data if any, response if any.
 *
 * @example
 * ```ts
 * const gpu = GpuDriver.start(driver, { frame: frameLikeLinux }); // the default
 * ```
 */
export function frameLikeLinux(elements: ElementList, parts: GpuRequestParts): void {
  elements.readableBuffer(parts.request, parts.requestAt, parts.requestBytes);
  if (parts.data !== null) elements.readableBuffer(parts.data, 0, parts.dataBytes);
  if (parts.responseBytes !== 0) {
    elements.writableBuffer(parts.response, parts.responseAt, parts.responseBytes);
  }
}
