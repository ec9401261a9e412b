import {
  availEventOffset,
  VIRTQ_AVAIL,
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_USED,
  VIRTQ_USED_F_NO_NOTIFY,
} from "../../../wire/split-ring.ts";
import { type Evidence, hex } from "../violation.ts";
import { get16 } from "../watched-memory.ts";
import type { RingWatch } from "./ring-watcher.ts";

const hex16 = (value: number): string =>
  [value & 0xff, value >>> 8].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * Whether the driver notifies when it must and only then, and what it says of the notifications it wants (virtio
 * 1.4, sections 2.7.7 and 2.7.10).
 */
export class SplitSuppression {
  readonly #watch: RingWatch;
  readonly #size: number;
  readonly #pair = new Uint8Array(4);
  /** Available index at the last notification, or at the last missing one. */
  #notifiedIdx = 0;
  /** Looks in a row that found a notification due. */
  #dueLooks = 0;
  /** A look since the last notification found one due. */
  #wasDue = false;
  /** The device changed its mind meanwhile: what the driver saw is not known. */
  #unclear = false;
  #usedFlags = -1;
  #availEvent = -1;
  #availFlags = 0;
  // Without EVENT_IDX: notifications that avail_event would have asked for as well, and those it would not have.
  #asEventSays = 0;
  #againstEvent = 0;

  constructor(watch: RingWatch, size: number) {
    this.#watch = watch;
    this.#size = size;
    const { context, queue } = watch;
    const at = queue.addresses.device + VIRTQ_USED.flags;
    if (!context.memory.read(at, this.#pair)) return;
    const flags = get16(this.#pair, 0);
    if (flags === 0) return;
    context.report(
      "split-ring.driver.available-buffer-notification-suppression.1",
      queue.index,
      `flags of the used ring were 0x${flags.toString(16)} when the queue was enabled`,
      [{ what: "flags of the used ring", address: at, after: hex16(flags) }],
    );
  }

  /** What the driver wrote into the flags of the available ring. */
  flags(flags: number): void {
    if (flags === this.#availFlags) return;
    const before = this.#availFlags;
    this.#availFlags = flags;
    const { context, queue, eventIdx } = this.#watch;
    if ((flags & ~VIRTQ_AVAIL_F_NO_INTERRUPT) === 0 && (!eventIdx || flags === 0)) return;
    const at = queue.addresses.driver + VIRTQ_AVAIL.flags;
    context.report(
      eventIdx
        ? "split-ring.driver.used-buffer-notification-suppression.3"
        : "split-ring.driver.used-buffer-notification-suppression.1",
      queue.index,
      `flags of the available ring became 0x${flags.toString(16)} ${eventIdx ? "with" : "without"} VIRTIO_F_EVENT_IDX`,
      [{ what: "flags of the available ring", address: at, before: hex16(before), after: hex16(flags) }],
    );
  }

  /** Looks at what the device wants. */
  look(availIdx: number): void {
    const { context, queue, eventIdx } = this.#watch;
    const at = queue.addresses.device;
    if (!context.memory.read(at + VIRTQ_USED.flags, this.#pair)) return;
    const flags = get16(this.#pair, 0) & VIRTQ_USED_F_NO_NOTIFY;
    // Without EVENT_IDX the field need not exist.
    const event = context.memory.read(at + availEventOffset(this.#size), this.#pair.subarray(0, 2))
      ? get16(this.#pair, 0)
      : 0;
    const changed = eventIdx ? event !== this.#availEvent : flags !== this.#usedFlags;
    this.#usedFlags = flags;
    this.#availEvent = event;
    if (availIdx === this.#notifiedIdx) {
      this.#settle(availIdx);
      return;
    }
    if (changed) this.#unclear = true;
    // Before DRIVER_OK a driver may fill the ring and must not notify; nor while the device is suspended or broken.
    if (!context.view.mayNotify) {
      this.#dueLooks = 0;
      return;
    }
    if (this.#due(availIdx)) {
      this.#wasDue = true;
      if (++this.#dueLooks > this.#watch.patience) this.#reportMissing(availIdx);
    } else {
      this.#dueLooks = 0;
    }
  }

  #due(availIdx: number): boolean {
    return this.#watch.eventIdx ? this.#eventPassed(availIdx) : this.#usedFlags === 0;
  }

  #eventPassed(availIdx: number): boolean {
    return ((availIdx - this.#availEvent - 1) & 0xffff) < ((availIdx - this.#notifiedIdx) & 0xffff);
  }

  #settle(availIdx: number): void {
    this.#notifiedIdx = availIdx;
    this.#dueLooks = 0;
    this.#wasDue = false;
    this.#unclear = false;
  }

  #evidence(): Evidence[] {
    const { queue, eventIdx } = this.#watch;
    const at = queue.addresses.device;
    return eventIdx
      ? [
          {
            what: "avail_event",
            address: at + availEventOffset(this.#size),
            after: hex16(this.#availEvent),
          },
        ]
      : [{ what: "flags of the used ring", address: at, after: hex16(this.#usedFlags) }];
  }

  /** The available index went where nobody can follow: what was due is not any more. */
  restart(availIdx: number): void {
    this.#settle(availIdx);
  }

  notified(availIdx: number): void {
    if (availIdx === this.#notifiedIdx) return;
    const { context, queue, eventIdx } = this.#watch;
    // A notification that is wrong at this time is wrong whatever the device wants: others say so.
    if (!context.view.mayNotify) {
      this.#settle(availIdx);
      return;
    }
    if (this.#eventPassed(availIdx)) this.#asEventSays++;
    else this.#againstEvent++;
    if (!this.#wasDue && !this.#unclear) {
      context.report(
        eventIdx
          ? "split-ring.driver.available-buffer-notification-suppression.7"
          : "split-ring.driver.available-buffer-notification-suppression.3",
        queue.index,
        `queue ${queue.index} was notified of available index ${hex(availIdx)}, although the device had said that it wants no notification`,
        this.#evidence(),
      );
    }
    this.#settle(availIdx);
  }

  gone(availIdx: number): void {
    if (availIdx !== this.#notifiedIdx && this.#dueLooks > 1) this.#reportMissing(availIdx);
  }

  #reportMissing(availIdx: number): void {
    const { context, queue, eventIdx } = this.#watch;
    let clause: string;
    if (eventIdx) {
      // A notification that is missing just when the lower bit of flags is set is missing because of it.
      clause = this.#usedFlags !== 0 ? "5" : "6";
    } else {
      // The same for a driver that notifies exactly when avail_event would ask for it.
      const obeysEvent = this.#asEventSays > 0 && this.#againstEvent === 0 && !this.#eventPassed(availIdx);
      clause = obeysEvent ? "2" : "4";
    }
    context.report(
      `split-ring.driver.available-buffer-notification-suppression.${clause}`,
      queue.index,
      `queue ${queue.index} was not notified: its available index is ${hex(availIdx)}, and the last notification was for ${hex(this.#notifiedIdx)}`,
      this.#evidence(),
    );
    this.#settle(availIdx);
  }
}
