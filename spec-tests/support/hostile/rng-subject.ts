import type { DeviceType } from "../../../src/device/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import type { Offer, Subject, Surroundings, Use } from "./subject.ts";

/** A virtio-rng whose source of entropy has moods. */
export class RngSubject implements Subject {
  readonly kind = "rng";
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  make(): DeviceType {
    return new RngDevice({
      maxBytesPerRequest: 64,
      maxRequestsInFlight: 3,
      maxAbandonedCalls: 9,
      queueSize: 8,
      source: (target) => {
        target.fill(0x77);
        return this.#around.mood.result(undefined);
      },
    });
  }

  next(): Offer {
    const { numbers: n } = this.#around;
    return { queue: 0, request: new Uint8Array(n.below(3)), room: n.below(100) };
  }

  began(): void {}
  taken(): void {}
  wasReset(): void {}
  allowances(): void {}
  judge(): null {
    return null;
  }
  check(): void {}
  happen(): void {}
  look(): void {}
  fingerprint(): string {
    return "";
  }
  tick(): void {}
  finishWork(): void {}
  emptied(): void {}

  use(use: Use): void {
    if (use(0, new Uint8Array(0), 16).some((byte) => byte !== 0x77)) throw new Error("no random bytes");
  }
}
