import { VIRTIO_PCI_ISR_CONFIG, VIRTIO_PCI_ISR_QUEUE } from "../../../wire/pci.ts";
import { type DriverEvent, isAccess } from "../events.ts";
import { registerEvidence } from "../violation.ts";
import { noteUnhandledInterrupt } from "./interrupts.ts";
import type { PciAccess } from "./pci-access.ts";
import type { Rule, RuleContext } from "./rule.ts";

const BOTH_CLAUSE = "transport-pci.driver.notification-of-device-configuration-changes.1";
const ISR_CLAUSE = "transport-pci.driver.isr-status-capability.1";
const BOTH = VIRTIO_PCI_ISR_QUEUE | VIRTIO_PCI_ISR_CONFIG;
/** Accesses to the device that may pass before a driver looks at what changed: it may do so in another thread. */
const PATIENCE = 1024;
/** The same when the device is reset meanwhile. */
const PATIENCE_UNTIL_RESET = 16;

/**
 * What drivers do upon interrupts (virtio 1.4, sections 4.1.4.5.2 and 4.1.5.4.2). Judged only where the embedder says that
 * the driver takes them: a driver that polls may read ISR status, and look at the configuration, whenever it likes.
 */
export class PciInterruptRules implements Rule {
  readonly #context: RuleContext;
  readonly #access: PciAccess;
  readonly #vectors = new Map<number, number>();
  /** The last message was for queues, and for nothing else. */
  #queueMessage = false;
  /** An interrupt stood for both, and the configuration was not looked at since. */
  #unseenChange = false;
  #accesses = 0;
  /** The line was asserted, and ISR status not read since. */
  #lineUp = false;
  #sinceLine = 0;

  constructor(context: RuleContext, access: PciAccess) {
    this.#context = context;
    this.#access = access;
  }

  event(event: DriverEvent): void {
    switch (event.kind) {
      case "vector-write":
        this.#vectors.set(event.queue, event.value);
        break;
      case "message": {
        const events = [...this.#vectors]
          .filter(([, vector]) => vector === event.vector)
          .map(([queue]) => queue);
        this.#queueMessage = events.length > 0 && !events.includes(-1);
        break;
      }
      case "line":
        this.#lineUp = event.asserted;
        this.#sinceLine = 0;
        break;
      case "interrupt-status-read":
        this.#lineUp = false;
        this.#status(event.value);
        break;
      case "config-read":
      case "generation-read":
        this.#unseenChange = false;
        break;
      case "status-write":
        if (event.value === 0) {
          if (this.#accesses >= PATIENCE_UNTIL_RESET) this.#expectSeen();
          if (this.#sinceLine >= PATIENCE_UNTIL_RESET) this.#expectRead();
          this.#lineUp = false;
          this.#unseenChange = false;
          this.#queueMessage = false;
          this.#vectors.clear();
        }
        break;
      default:
        if (!isAccess(event)) break;
        if (++this.#accesses === PATIENCE) this.#expectSeen();
        if (++this.#sinceLine === PATIENCE) this.#expectRead();
    }
  }

  finish(): void {
    this.#expectSeen();
    this.#expectRead();
  }

  /** A line that stays up: no statement says that ISR status has to be read, but nothing else takes it down. */
  #expectRead(): void {
    if (!this.#lineUp || this.#context.polled === true) return;
    this.#lineUp = false;
    noteUnhandledInterrupt(this.#context, "ISR status was not read, which takes the line down");
  }

  #status(value: number): void {
    if (this.#context.polled !== false) return;
    if (this.#access.msixEnabled && this.#queueMessage) {
      this.#context.report(
        ISR_CLAUSE,
        -1,
        "ISR status was read upon an interrupt of a queue with MSI-X enabled",
        [registerEvidence("ISR status", value)],
      );
    }
    // A device without configuration space has nothing for the driver to look at.
    if ((value & BOTH) !== BOTH || this.#context.view.configLengthBytes <= 0) return;
    if (!this.#unseenChange) this.#accesses = 0;
    this.#unseenChange = true;
  }

  #expectSeen(): void {
    if (!this.#unseenChange) return;
    this.#unseenChange = false;
    this.#context.report(
      BOTH_CLAUSE,
      -1,
      "an interrupt was for used buffers and for a change of the configuration, at which the driver did not look",
      [registerEvidence("ISR status", BOTH)],
    );
  }
}
