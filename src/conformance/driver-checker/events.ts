/** One of the three areas of a virtqueue. */
export type QueueArea = "descriptors" | "driver" | "device";

/**
 * What a driver did to a device or learned from it, whatever the transport. The names that begin with `mmio-` and
 * `pci-` are the accesses themselves; each is followed by the event it stands for, if it stands for one.
 */
export type DriverEvent =
  | { readonly kind: "status-read"; readonly value: number }
  | { readonly kind: "status-write"; readonly value: number }
  | { readonly kind: "device-features-read"; readonly word: number; readonly value: number }
  | { readonly kind: "driver-features-write"; readonly word: number; readonly value: number }
  | { readonly kind: "queue-select"; readonly queue: number }
  /** The largest size (mmio) or the current one (pci). */
  | { readonly kind: "queue-size-read"; readonly queue: number; readonly value: number }
  | { readonly kind: "queue-size-write"; readonly queue: number; readonly value: number }
  | {
      readonly kind: "queue-address-write";
      readonly queue: number;
      readonly area: QueueArea;
      readonly half: "low" | "high";
      readonly value: number;
    }
  | { readonly kind: "queue-enable-read"; readonly queue: number; readonly value: number }
  | { readonly kind: "queue-enable-write"; readonly queue: number; readonly value: number }
  | { readonly kind: "queue-reset-read"; readonly queue: number; readonly value: number }
  | { readonly kind: "queue-reset-write"; readonly queue: number; readonly value: number }
  /** A vector of a queue, or of configuration changes for queue -1. */
  | { readonly kind: "vector-read"; readonly queue: number; readonly value: number }
  | { readonly kind: "vector-write"; readonly queue: number; readonly value: number }
  | { readonly kind: "notify-offset-read"; readonly queue: number; readonly value: number }
  | { readonly kind: "notify-data-read"; readonly queue: number; readonly value: number }
  /** `queue` as far as can be told; `value` as written. */
  | {
      readonly kind: "notify";
      readonly queue: number;
      readonly value: number;
      readonly widthBytes: number;
    }
  | {
      readonly kind: "config-read";
      readonly offset: number;
      readonly widthBytes: number;
      readonly value: number;
    }
  | {
      readonly kind: "config-write";
      readonly offset: number;
      readonly widthBytes: number;
      readonly value: number;
    }
  | { readonly kind: "generation-read"; readonly value: number }
  | { readonly kind: "interrupt-status-read"; readonly value: number }
  | { readonly kind: "interrupt-acknowledge"; readonly value: number }
  /** The device's line changed. */
  | { readonly kind: "line"; readonly asserted: boolean }
  /** The device sent an MSI-X message. */
  | { readonly kind: "message"; readonly vector: number }
  | {
      readonly kind: "mmio-read" | "mmio-write" | "pci-config-read" | "pci-config-write";
      readonly offset: number;
      readonly widthBytes: number;
      readonly value: number;
    }
  | {
      readonly kind: "pci-bar-read" | "pci-bar-write";
      readonly bar: number;
      readonly offset: number;
      readonly widthBytes: number;
      readonly value: number;
    };

/** Whether an event is a bare access to a register. */
export function isAccess(event: DriverEvent): boolean {
  return event.kind.startsWith("mmio-") || event.kind.startsWith("pci-");
}

const hex = (value: number) => `0x${(value >>> 0).toString(16)}`;

/** One line for the timeline. */
export function describeEvent(event: DriverEvent): string {
  switch (event.kind) {
    case "status-read":
      return `status → ${hex(event.value)}`;
    case "status-write":
      return `status ← ${hex(event.value)}`;
    case "device-features-read":
      return `device features, word ${event.word} → ${hex(event.value)}`;
    case "driver-features-write":
      return `driver features, word ${event.word} ← ${hex(event.value)}`;
    case "queue-select":
      return `queue ${event.queue} selected`;
    case "queue-size-read":
      return `queue ${event.queue}: size → ${event.value}`;
    case "queue-size-write":
      return `queue ${event.queue}: size ← ${event.value}`;
    case "queue-address-write":
      return `queue ${event.queue}: ${event.half} half of the ${event.area} address ← ${hex(event.value)}`;
    case "queue-enable-read":
      return `queue ${event.queue}: enabled → ${event.value}`;
    case "queue-enable-write":
      return `queue ${event.queue}: enabled ← ${event.value}`;
    case "queue-reset-read":
      return `queue ${event.queue}: reset → ${event.value}`;
    case "queue-reset-write":
      return `queue ${event.queue}: reset ← ${event.value}`;
    case "vector-read":
      return `${event.queue < 0 ? "configuration" : `queue ${event.queue}`}: vector → ${hex(event.value)}`;
    case "vector-write":
      return `${event.queue < 0 ? "configuration" : `queue ${event.queue}`}: vector ← ${hex(event.value)}`;
    case "notify-offset-read":
      return `queue ${event.queue}: notification offset → ${event.value}`;
    case "notify-data-read":
      return `queue ${event.queue}: notification data → ${event.value}`;
    case "notify":
      return `queue ${event.queue}: notification ${hex(event.value)}, ${8 * event.widthBytes} bits`;
    case "config-read":
      return `configuration ${hex(event.offset)}, ${8 * event.widthBytes} bits → ${hex(event.value)}`;
    case "config-write":
      return `configuration ${hex(event.offset)}, ${8 * event.widthBytes} bits ← ${hex(event.value)}`;
    case "generation-read":
      return `configuration generation → ${event.value}`;
    case "interrupt-status-read":
      return `interrupt status → ${hex(event.value)}`;
    case "interrupt-acknowledge":
      return `interrupt acknowledge ← ${hex(event.value)}`;
    case "line":
      return `interrupt line ${event.asserted ? "asserted" : "released"}`;
    case "message":
      return `message, vector ${event.vector}`;
    case "mmio-read":
    case "pci-config-read":
      return `${event.kind} ${hex(event.offset)}, ${8 * event.widthBytes} bits → ${hex(event.value)}`;
    case "mmio-write":
    case "pci-config-write":
      return `${event.kind} ${hex(event.offset)}, ${8 * event.widthBytes} bits ← ${hex(event.value)}`;
    case "pci-bar-read":
      return `BAR ${event.bar} ${hex(event.offset)}, ${8 * event.widthBytes} bits → ${hex(event.value)}`;
    case "pci-bar-write":
      return `BAR ${event.bar} ${hex(event.offset)}, ${8 * event.widthBytes} bits ← ${hex(event.value)}`;
  }
}
