import type { WatchedChain } from "../chain.ts";
import type { DeviceView, QueueView } from "../device-view.ts";
import type { DriverEvent } from "../events.ts";
import type { Fault } from "../findings.ts";
import type { PciLayout } from "../pci-layout.ts";
import type { StageFacts } from "../stages/stage.ts";
import type { Evidence } from "../violation.ts";
import type { WatchedMemory } from "../watched-memory.ts";

/** What rules have to work with. */
export interface RuleContext {
  /** The device as its driver knows it, before the event that is being looked at. */
  readonly view: DeviceView;
  readonly memory: WatchedMemory;
  /** How the device is presented; null for as it is, with nothing expected. */
  readonly stage: StageFacts | null;
  /** Whether the driver says of itself that it can use the legacy interface too. */
  readonly transitional: boolean;
  /** Whether every access to PCI configuration space is an event. */
  readonly seesConfigSpace: boolean;
  /** The capabilities of the PCI function; null on another transport. */
  pciLayout(): PciLayout | null;
  /** Whether the driver says that it knows the legacy interface only. */
  readonly legacyOnly: boolean;
  /** Whether the driver is known to drive devices of this type that have no peculiarity. */
  readonly drivesOthers: boolean;
  /** Whether the driver polls with interrupts masked; null when nobody said, and no interrupt need have been taken. */
  readonly polled: boolean | null;
  /**
   * Records that a statement was broken. `queue` is -1 when it is about none. Reports of one `fault` become one
   * violation.
   */
  report(clause: string, queue: number, message: string, evidence?: readonly Evidence[], fault?: Fault): void;
  /** Records what no statement forbids and still does not work. The message says what would be right. */
  hint(name: string, queue: number, message: string, evidence?: readonly Evidence[], fault?: Fault): void;
  /** Puts a line into the timeline. */
  note(text: string): void;
}

/** Watches over the statements of one area of the specification. Must not throw, whatever the driver does. */
export interface Rule {
  /** An event, before it is applied to the view. Accesses come first, then what they stand for. */
  event?(event: DriverEvent): void;
  /** A queue was enabled; it is applied to the view already. */
  queueEnabled?(queue: QueueView): void;
  /** A queue is out of use: reset, disabled, or its device was reset. */
  queueGone?(queue: QueueView): void;
  /** The driver made a buffer available. */
  available?(queue: QueueView, chain: WatchedChain): void;
  /** The device used a buffer. `writtenBytes` as it says. */
  used?(queue: QueueView, chain: WatchedChain, writtenBytes: number): void;
  /** The driver is done, as far as anybody can tell: rules report what was left undone. */
  finish?(): void;
}

/** Makes the rules of an area for one device. */
export type RuleMaker = (context: RuleContext) => Rule;
