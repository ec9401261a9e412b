import type { DriverEvent } from "../events.ts";
import { registerEvidence } from "../violation.ts";
import type { Rule, RuleContext } from "./rule.ts";

/** Events that may come between the end of an attempt and the next one: an interrupt and what its handler does. */
const MOST_BETWEEN = 16;
const MOST_OFFSETS = 4096;

/**
 * Reading several fields of the configuration space together (virtio 1.4, section 2.5.1): a driver that compares the
 * generation before with the one after, sees another, and does not read again, takes for one what is not.
 */
export class GenerationRules implements Rule {
  readonly #context: RuleContext;
  /** Generation as last read, -1 when it was not, and what was read of the configuration space since. */
  #generation = -1;
  #offsets = new Set<number>();
  #bytes = 0;
  /** An attempt that came to nothing: its offsets, and how many events ago. */
  #failed: ReadonlySet<number> | null = null;
  #ago = 0;
  #before = 0;
  #after = 0;

  constructor(context: RuleContext) {
    this.#context = context;
  }

  event(event: DriverEvent): void {
    switch (event.kind) {
      case "generation-read":
        this.#generationRead(event.value);
        break;
      case "config-read":
        if (this.#generation >= 0) this.#bytes += event.widthBytes;
        if (this.#failed?.has(event.offset) === true) this.#failed = null;
        if (this.#generation >= 0 && this.#offsets.size < MOST_OFFSETS) this.#offsets.add(event.offset);
        break;
      case "status-write":
        if (event.value === 0) this.#failed = null;
        else this.#end();
        this.#forget();
        break;
      case "notify":
      case "queue-select":
      case "config-write":
        // The driver turned to something else: what it reads later is not read together with this.
        this.#forget();
        break;
      case "queue-enable-write":
        this.#end();
        break;
      case "mmio-read":
      case "mmio-write":
      case "pci-config-read":
      case "pci-config-write":
      case "pci-bar-read":
      case "pci-bar-write":
        if (this.#failed !== null && ++this.#ago > MOST_BETWEEN) this.#end();
        break;
      default:
        break;
    }
  }

  finish(): void {
    this.#end();
  }

  #generationRead(value: number): void {
    // One field of up to 32 bits is read whole whatever the generation says.
    const together = this.#offsets.size > 1 || this.#bytes > 4;
    const complete = this.#generation >= 0 && this.#offsets.size > 0;
    if (complete && this.#generation !== value && together) {
      this.#failed = this.#offsets;
      this.#before = this.#generation;
      this.#after = value;
      this.#ago = 0;
    }
    // A pair that agrees is complete; after one that does not, its second half may be the next attempt's first.
    const paired = complete && this.#generation === value;
    this.#forget();
    if (!paired) this.#generation = value;
  }

  #forget(): void {
    this.#generation = -1;
    this.#offsets = new Set();
    this.#bytes = 0;
  }

  #end(): void {
    const failed = this.#failed;
    this.#failed = null;
    if (failed === null) return;
    const [first] = failed;
    this.#context.report(
      "content.driver.device-configuration-space.1",
      -1,
      `the configuration space changed while ${failed.size} fields were read, from ${first} on, and they were not read again`,
      [registerEvidence("configuration generation", this.#after, this.#before)],
    );
  }
}
