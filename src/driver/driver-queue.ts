import { DriverError } from "./errors.ts";
import { type DriverRing, SHAPE_AUTO } from "./rings/driver-ring.ts";
import type { ElementList } from "./rings/elements.ts";

/** What a queue needs from the driver it belongs to. */
export interface QueueOwner {
  /** Throws unless buffers may be made available now. */
  checkLive(): void;
  notify(index: number, notificationData: number): void;
  waitSync(done: () => boolean, what: string): void;
  wait(done: () => boolean, what: string): Promise<void>;
}

/**
 * One virtqueue of a live device: its ring, and the notifications that go with it.
 *
 * @example
 * ```ts
 * const elements = new ElementList();
 * elements.writableBuffer(buffer, 0, 64);
 * queue.add(elements);
 * queue.kick();
 * queue.waitUsedSync();
 * ```
 */
export class DriverQueue {
  readonly index: number;
  readonly name: string;
  readonly ring: DriverRing;
  /** Called when an interrupt says that buffers may have been used. */
  onUsed: (() => void) | null = null;
  /** Notifications sent. */
  notifications = 0;
  readonly #owner: QueueOwner;
  readonly #hasUsed: () => boolean;

  /** @internal */
  constructor(index: number, name: string, ring: DriverRing, owner: QueueOwner) {
    this.index = index;
    this.name = name;
    this.ring = ring;
    this.#owner = owner;
    this.#hasUsed = () => ring.hasUsed();
  }

  /** Adds a buffer, see `DriverRing.add`. */
  add(elements: ElementList, shape: number = SHAPE_AUTO): number {
    return this.ring.add(elements, shape);
  }

  /**
   * Publishes what was added, and notifies the device if it wants that; true when it did. Throws `DriverError` EINVAL
   * while the device is not live or is suspended. [content.driver.device-initialization.6]
   */
  kick(): boolean {
    this.#owner.checkLive();
    this.ring.publish();
    if (!this.ring.shouldNotify()) return false;
    this.notifyAnyway();
    return true;
  }

  /** Notifies whether there is something new or not. [packed-ring.driver.the-virtqueue-descriptor-table.4] */
  notifyAnyway(): void {
    this.#owner.checkLive();
    this.notifications++;
    this.#owner.notify(this.index, this.ring.notificationData());
  }

  /** The next used buffer, see `DriverRing.pollUsed`. */
  pollUsed(): number {
    return this.ring.pollUsed();
  }

  /**
   * Waits until the device returned a buffer; take it with {@link pollUsed}. `also` ends the wait as well: for callers
   * whose buffers somebody else may take, such as an interrupt handler. Throws `DriverError` ETIMEDOUT, or EIO when
   * the device needs a reset.
   */
  waitUsedSync(also: (() => boolean) | null = null): void {
    if (this.ring.hasUsed() || also?.() === true) return;
    this.#expectSomething();
    const done = also === null ? this.#hasUsed : () => this.ring.hasUsed() || also();
    this.#owner.waitSync(done, `${this.name}: no buffer came back`);
  }

  /** As {@link waitUsedSync}, without blocking: woken by the interrupt, or looking now and then. */
  async waitUsed(also: (() => boolean) | null = null): Promise<void> {
    if (this.ring.enableNotifications() || also?.() === true) return;
    this.#expectSomething();
    const done = also === null ? this.#hasUsed : () => this.ring.hasUsed() || also();
    await this.#owner.wait(done, `${this.name}: no buffer came back`);
  }

  #expectSomething(): void {
    if (this.ring.inFlight === this.ring.unpublished) {
      throw new DriverError("EINVAL", `${this.name}: the device holds no buffer to wait for`);
    }
  }
}
