import { VirtioUsageError } from "../../base/errors.ts";
import type { SavedPciTransport } from "../../transport/pci/index.ts";
import type { HeldLines } from "./interrupt-lines.ts";

/** Of {@link SavedV86Attachment}. */
export const V86_STATE_VERSION = 1;

/** What `V86Attachment.save` gives: plain data, which survives JSON. It goes with a state of v86's of the same time. */
export interface SavedV86Attachment {
  readonly adapter: "v86";
  readonly version: typeof V86_STATE_VERSION;
  /** As v86 knows the device: slot << 3. */
  readonly pciId: number;
  /** Device and registers. */
  readonly transport: SavedPciTransport;
  /** Others that held up interrupt lines, which v86 does not keep apart. */
  readonly heldLines: HeldLines;
}

/** Throws {@link VirtioUsageError} unless this is a state of a device in this slot; `transport` is looked at later. */
export function checkSavedV86(state: SavedV86Attachment, pciId: number): void {
  const { adapter, version, heldLines } = (state ?? {}) as Partial<SavedV86Attachment>;
  if (adapter !== "v86") {
    throw new VirtioUsageError(
      "this is not a saved state of a device in v86: it comes from `attachment.save()`",
    );
  }
  if (version !== V86_STATE_VERSION) {
    throw new VirtioUsageError(
      `the saved state has version ${version}, this adapter reads ${V86_STATE_VERSION}`,
    );
  }
  if (state.pciId !== pciId) {
    throw new VirtioUsageError(`the saved state is of slot ${state.pciId >> 3}, not of slot ${pciId >> 3}`);
  }
  const isFit = Array.isArray(heldLines) && heldLines.length <= 257 && heldLines.every(isHeld);
  if (!isFit) throw new VirtioUsageError("heldLines of the saved state are not pairs of a PCI id and lines");
}

function isHeld(held: unknown): boolean {
  if (!Array.isArray(held) || held.length !== 2) return false;
  const [source, lines] = held as readonly unknown[];
  const isInteger = (value: unknown, least: number, most: number) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  return isInteger(source, -1, 255) && isInteger(lines, 0, 0xffff);
}
