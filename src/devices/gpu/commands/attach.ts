import { le32 } from "../../../base/endian.ts";
import { SEGMENT_WORK } from "../../../device/work.ts";
import { GuestPages } from "../../../memory/guest-pages.ts";
import type { DescriptorChain } from "../../../virtqueue/chain.ts";
import { Scratch } from "../../../virtqueue/chain.ts";
import {
  VIRTIO_GPU_MEM_ENTRY,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
  VIRTIO_GPU_RESP_OK_NODATA,
} from "../../../wire/gpu.ts";
import type { GpuCore } from "../core.ts";

// Entries are read so many at a time, so that a list needs little memory however long it is.
const ENTRIES_AT_ONCE = 256;
const ENTRY_BYTES = VIRTIO_GPU_MEM_ENTRY.sizeBytes;
/** As much may lie outside of memory where only one page may. */
const OUTSIDE_BYTES = 4096;
const scratch = /* @__PURE__ */ new Scratch(ENTRIES_AT_ONCE * ENTRY_BYTES);

/**
 * Reads `count` virtio_gpu_mem_entry structs that start `position` bytes into a request, and finds the memory they
 * name. Returns the pages, or the type of the error response.
 *
 * `minBytes` is what they must hold at least; `write` is set when the device may write to them.
 */
export function readBacking(
  core: GpuCore,
  chain: DescriptorChain,
  position: number,
  count: number,
  minBytes: number,
  write: boolean,
): GuestPages | number {
  const { policy, limits, host } = core;
  if (count > limits.maxBackingEntries) {
    return core.refuse(policy.tooManyEntries, `more than ${limits.maxBackingEntries} entries`);
  }
  // Before anything is allocated: a count says nothing, bytes do. Both factors are small enough to be exact.
  if (position + count * ENTRY_BYTES > chain.readableBytes) {
    return core.refuse(policy.entriesMissing, "fewer entries than announced");
  }
  if (!core.resources.hasRoomForEntries(count)) {
    return core.refuse(policy.tooManyEntries, "too many entries of all resources together");
  }
  const pages = new GuestPages(host.memory);
  for (let first = 0; first < count; first += ENTRIES_AT_ONCE) {
    const entries = Math.min(ENTRIES_AT_ONCE, count - first);
    chain.read(position + first * ENTRY_BYTES, scratch.u8, 0, entries * ENTRY_BYTES);
    for (let i = 0; i < entries; i++) {
      const word = (i * ENTRY_BYTES) >>> 2;
      const lo = le32(scratch.u32[word] as number);
      const hi = le32(scratch.u32[word + 1] as number);
      const length = le32(scratch.u32[word + 2] as number);
      if (length === 0) {
        if (policy.emptyEntry !== VIRTIO_GPU_RESP_OK_NODATA) {
          return core.refuse(policy.emptyEntry, "an entry of length 0");
        }
        pages.addHole(0);
        continue;
      }
      const walked = pages.walked;
      const error = pages.add(host.dma, hi, lo, length, write);
      host.budget.left -= (pages.walked - walked) * SEGMENT_WORK;
      // Behind an IOMMU one entry may come to many segments, and to as many that end nowhere.
      if (!core.resources.hasRoomForEntries(Math.max(pages.count, pages.walked - count))) {
        return core.refuse(policy.tooManyEntries, "too many segments of all resources together");
      }
      if (error === null) continue;
      if (policy.entryOutsideMemory === "one-page") {
        if (addOnePage(core, pages, hi, lo, length, write)) continue;
        return core.refuse(VIRTIO_GPU_RESP_ERR_UNSPEC, `an entry leads nowhere: ${error}`);
      }
      if (policy.entryOutsideMemory !== VIRTIO_GPU_RESP_OK_NODATA) {
        return core.refuse(policy.entryOutsideMemory, `an entry leads nowhere: ${error}`);
      }
      pages.addHole(length);
    }
  }
  if (pages.totalBytes < minBytes && policy.blobBeyondBacking !== VIRTIO_GPU_RESP_OK_NODATA) {
    return core.refuse(policy.blobBeyondBacking, `${pages.totalBytes} bytes of backing for ${minBytes}`);
  }
  return pages;
}

/** Appends an entry of which some is outside of memory, if that may be; false otherwise. */
function addOnePage(
  core: GpuCore,
  pages: GuestPages,
  hi: number,
  lo: number,
  lengthBytes: number,
  write: boolean,
): boolean {
  const { memory, dma } = core.host;
  if (core.resources.anyOutside || pages.hasHoles) return false;
  const region = memory.regions.find((one) => one.offsetOf(hi, lo, 1) >= 0);
  // Behind a translator addresses say nothing of regions.
  const inside =
    region === undefined || dma.translator !== null ? 0 : region.sizeBytes - region.offsetOf(hi, lo, 1);
  if (lengthBytes - inside > OUTSIDE_BYTES) return false;
  if (inside > 0 && pages.add(dma, hi, lo, inside, write) !== null) return false;
  pages.addHole(lengthBytes - inside);
  return true;
}
