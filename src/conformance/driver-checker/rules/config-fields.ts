import { VIRTIO_ID_BALLOON, VIRTIO_ID_GPU, VIRTIO_ID_RNG } from "../../../wire/common.ts";
import { virtio_gpu_config } from "../../../wire/gpu.ts";
import { fieldsOf } from "../../../wire/schema.ts";

/** By offset: the width of the accesses that begin there, 0 where none may begin. */
export type FieldWidths = readonly number[];

/** Widths of the accesses to a struct: 64-bit fields are accessed as two halves. */
export function accessWidths(
  fields: readonly { readonly offsetBytes: number; readonly sizeBytes: number }[],
): FieldWidths {
  const widths: number[] = [];
  for (const { offsetBytes, sizeBytes } of fields) {
    const width = Math.min(sizeBytes, 4);
    for (let at = 0; at < sizeBytes; at++) widths[offsetBytes + at] = at % width === 0 ? width : 0;
  }
  return widths;
}

const BALLOON_FIELDS = [
  { offsetBytes: 0, sizeBytes: 4 },
  { offsetBytes: 4, sizeBytes: 4 },
];

/**
 * The configuration space of a device type, as its chapter of the specification describes it; null for a type about
 * which the checker does not know.
 */
export function configFields(deviceId: number): FieldWidths | null {
  switch (deviceId) {
    case VIRTIO_ID_GPU:
      return accessWidths(fieldsOf(virtio_gpu_config));
    case VIRTIO_ID_RNG:
      return [];
    case VIRTIO_ID_BALLOON:
      return accessWidths(BALLOON_FIELDS);
    default:
      return null;
  }
}

/** What is wrong with an access; null when nothing is. An access beyond the known fields is none of its business. */
export function widthFault(fields: FieldWidths | null, offset: number, widthBytes: number): string | null {
  if (offset % widthBytes !== 0) return "not aligned";
  const width = fields?.[offset];
  if (width === undefined || width === widthBytes) return null;
  return width === 0 ? "in the middle of a field" : `not ${8 * width} bits, as the field there is`;
}
