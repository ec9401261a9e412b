import { type SourceMutant, sourceMutant } from "../../support/mutants/source-mutant.ts";
import { withoutAtomics } from "./atomics.ts";

const TESTS = ["spec-tests/unit/adapters/worker-atomics.test.ts"];
const DEVICE = "src/adapters/worker/device-endpoint.ts";
const DRIVER = "src/adapters/worker/driver-endpoint.ts";
const SIGNAL = "src/adapters/worker/signal.ts";

/** Threads without atomic accesses, or with the right ones in the wrong order. */
export const WORKER_MUTANTS: readonly SourceMutant[] = [
  ...["device-endpoint", "driver-endpoint", "signal", "spinner", "channel"].flatMap((name) =>
    withoutAtomics(`src/adapters/worker/${name}.ts`, TESTS),
  ),
  sourceMutant(
    "a-request-is-numbered-before-it-is-written",
    DRIVER,
    `    Atomics.store(words, WORD_REQUEST_VALUE, value | 0);
    Atomics.store(words, WORD_REQUEST_SEQUENCE, sequence);
`,
    `    Atomics.store(words, WORD_REQUEST_SEQUENCE, sequence);
    Atomics.store(words, WORD_REQUEST_VALUE, value | 0);
`,
    TESTS,
  ),
  sourceMutant(
    "a-doorbell-rings-before-its-value-is-there",
    DRIVER,
    "    Atomics.store(words, at + 1, value | 0);\n",
    "    queueMicrotask(() => Atomics.store(words, at + 1, value | 0));\n",
    TESTS,
  ),
  sourceMutant(
    "every-ring-wakes-the-device",
    DRIVER,
    "this.counters.coalesced++;\n    else this.#signals",
    "this.counters.coalesced++;\n    this.#signals",
    TESTS,
  ),
  sourceMutant(
    "a-waiter-counts-after-it-looked",
    DRIVER,
    `      const seen = signal.count;
      if (done()) return true;
      this.#check();
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return false;
      if (!this.#abilities`,
    `      if (done()) return true;
      const seen = signal.count;
      this.#check();
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return false;
      if (!this.#abilities`,
    TESTS,
  ),
  sourceMutant(
    "an-answer-is-numbered-before-it-is-written",
    DEVICE,
    `    Atomics.store(words, WORD_RESPONSE_VALUE, result | 0);
    Atomics.store(words, WORD_RESPONSE_SEQUENCE, sequence);
`,
    `    Atomics.store(words, WORD_RESPONSE_SEQUENCE, sequence);
    Atomics.store(words, WORD_RESPONSE_VALUE, result | 0);
`,
    TESTS,
  ),
  sourceMutant(
    "doorbells-are-looked-at-before-the-request",
    DEVICE,
    `    const sequence = Atomics.load(this.#words, WORD_REQUEST_SEQUENCE);
    const rung = this.#serveDoorbells(target);
`,
    `    const rung = this.#serveDoorbells(target);
    const sequence = Atomics.load(this.#words, WORD_REQUEST_SEQUENCE);
`,
    TESTS,
  ),
  sourceMutant(
    "a-doorbell-is-taken-down-after-the-queue-was-served",
    DEVICE,
    `      Atomics.store(words, at, 0);
      const value = Atomics.load(words, at + 1) >>> 0;
      rung = true;
      this.counters.doorbells++;
      target.write(VIRTIO_MMIO_QUEUE_NOTIFY, 4, value);
`,
    `      const value = Atomics.load(words, at + 1) >>> 0;
      rung = true;
      this.counters.doorbells++;
      target.write(VIRTIO_MMIO_QUEUE_NOTIFY, 4, value);
      Atomics.store(words, at, 0);
`,
    TESTS,
  ),
  sourceMutant(
    "the-driver-is-woken-before-the-line-is-up",
    DEVICE,
    `    Atomics.store(this.#words, WORD_INTERRUPT_LEVEL, asserted ? 1 : 0);
    if (!asserted) return;
    this.counters.interrupts++;
    this.#signals.interrupt.raise();
`,
    `    if (asserted) {
      this.counters.interrupts++;
      this.#signals.interrupt.raise();
    }
    Atomics.store(this.#words, WORD_INTERRUPT_LEVEL, asserted ? 1 : 0);
`,
    TESTS,
  ),
  sourceMutant(
    "sleepers-are-looked-for-before-the-counter-is-raised",
    SIGNAL,
    `    Atomics.add(words, at, 1);
    // A sleeper announces itself before it looks at the counter a last time, so that one of both sees the other.
    if (Atomics.load(words, at + 1) === AWAKE) return;
`,
    `    const sleeping = Atomics.load(words, at + 1);
    Atomics.add(words, at, 1);
    if (sleeping === AWAKE) return;
`,
    TESTS,
  ),
  sourceMutant(
    "a-sleeper-does-not-say-so",
    SIGNAL,
    "    Atomics.or(this.words, this.at + 1, SLEEPS_ON_WORD);\n    Atomics.wait(",
    "    Atomics.wait(",
    TESTS,
  ),
  sourceMutant(
    "everybody-is-woken-before-the-state-changes",
    "src/adapters/worker/channel.ts",
    `  Atomics.or(words, WORD_STATE, bits);
  const { device, response, interrupt } = openSignals(words, detectWaitAbilities(), null);
  device.raise();
  response.raise();
  interrupt.raise();
`,
    `  const { device, response, interrupt } = openSignals(words, detectWaitAbilities(), null);
  device.raise();
  response.raise();
  interrupt.raise();
  Atomics.or(words, WORD_STATE, bits);
`,
    TESTS,
  ),
];
