import { VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_MSI_NO_VECTOR } from "../../../wire/common.ts";
import type { DriverEvent } from "../events.ts";
import { registerEvidence } from "../violation.ts";
import type { PciAccess } from "./pci-access.ts";
import type { Rule, RuleContext } from "./rule.ts";

const STATEMENTS = "transport-pci.driver.msi-x-vector-configuration";

/** How events are mapped to MSI-X vectors (virtio 1.4, section 4.1.5.1.2). */
export class PciVectorRules implements Rule {
  readonly #context: RuleContext;
  readonly #access: PciAccess;
  /** Vectors written and not read since, by queue; -1 for changes of the configuration. */
  readonly #unverified = new Map<number, number>();

  constructor(context: RuleContext, access: PciAccess) {
    this.#context = context;
    this.#access = access;
  }

  event(event: DriverEvent): void {
    switch (event.kind) {
      case "vector-write":
        this.#map(event.queue, event.value);
        break;
      case "vector-read":
        this.#unverified.delete(event.queue);
        break;
      case "queue-enable-write":
        if (event.value === 1) this.#expectVerified(event.queue, "the queue was enabled");
        break;
      case "status-write":
        if (event.value === 0) this.#unverified.clear();
        else if ((event.value & VIRTIO_CONFIG_S_DRIVER_OK) !== 0)
          this.#expectAllVerified("DRIVER_OK was set");
        break;
      default:
        break;
    }
  }

  finish(): void {
    this.#expectAllVerified("the driver was done");
  }

  #map(queue: number, vector: number): void {
    if (vector === VIRTIO_MSI_NO_VECTOR) {
      this.#unverified.delete(queue);
      return;
    }
    this.#expectVerified(queue, "another vector was written");
    const vectors = this.#context.pciLayout()?.msix?.vectors ?? 0;
    if (vector >= vectors) {
      this.#context.report(
        `${STATEMENTS}.4`,
        queue,
        `${name(queue)} was mapped to vector ${vector} of ${vectors}`,
        [registerEvidence("vector", vector)],
      );
    }
    // While MSI-X is not enabled a vector means nothing yet.
    if (this.#access.msixEnabled || vectors > 0) this.#unverified.set(queue, vector);
  }

  #expectAllVerified(what: string): void {
    for (const queue of [...this.#unverified.keys()]) this.#expectVerified(queue, what);
  }

  #expectVerified(queue: number, what: string): void {
    const vector = this.#unverified.get(queue);
    if (vector === undefined) return;
    this.#unverified.delete(queue);
    this.#context.report(
      `${STATEMENTS}.5`,
      queue,
      `${name(queue)} was mapped to vector ${vector}, and ${what} before the field was read back`,
      [registerEvidence("vector", vector)],
    );
  }
}

function name(queue: number): string {
  return queue < 0 ? "the change of the configuration" : `queue ${queue}`;
}
