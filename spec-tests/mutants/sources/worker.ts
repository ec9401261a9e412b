import { mutantsOf, type SourceMutant } from "../../support/mutants/source-mutant.ts";
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
  ...mutantsOf(DRIVER, TESTS, [
    [
      "a-request-is-numbered-before-it-is-written",
      `    Atomics.store(words, WORD_REQUEST_VALUE, value | 0);
    Atomics.store(words, WORD_REQUEST_SEQUENCE, sequence);
`,
      `    Atomics.store(words, WORD_REQUEST_SEQUENCE, sequence);
    Atomics.store(words, WORD_REQUEST_VALUE, value | 0);
`,
    ],
    [
      "a-doorbell-rings-before-its-value-is-there",
      "    Atomics.store(words, at + 1, value | 0);\n",
      "    queueMicrotask(() => Atomics.store(words, at + 1, value | 0));\n",
    ],
    [
      "every-ring-wakes-the-device",
      "this.counters.coalesced++;\n    else this.#signals",
      "this.counters.coalesced++;\n    this.#signals",
    ],
    [
      "a-waiter-counts-after-it-looked",
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
    ],
  ]),
  ...mutantsOf(DEVICE, TESTS, [
    [
      "an-answer-is-numbered-before-it-is-written",
      `    Atomics.store(words, WORD_RESPONSE_VALUE, result | 0);
    Atomics.store(words, WORD_RESPONSE_SEQUENCE, sequence);
`,
      `    Atomics.store(words, WORD_RESPONSE_SEQUENCE, sequence);
    Atomics.store(words, WORD_RESPONSE_VALUE, result | 0);
`,
    ],
    [
      "doorbells-are-looked-at-before-the-request",
      `    const sequence = Atomics.load(this.#words, WORD_REQUEST_SEQUENCE);
    const rung = this.#serveDoorbells(target);
`,
      `    const rung = this.#serveDoorbells(target);
    const sequence = Atomics.load(this.#words, WORD_REQUEST_SEQUENCE);
`,
    ],
    [
      "a-doorbell-is-taken-down-after-the-queue-was-served",
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
    ],
    [
      "the-driver-is-woken-before-the-line-is-up",
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
    ],
  ]),
  ...mutantsOf(SIGNAL, TESTS, [
    [
      "sleepers-are-looked-for-before-the-counter-is-raised",
      `    Atomics.add(words, at, 1);
    // A sleeper announces itself before it looks at the counter a last time, so that one of both sees the other.
    if (Atomics.load(words, at + 1) === AWAKE) return;
`,
      `    const sleeping = Atomics.load(words, at + 1);
    Atomics.add(words, at, 1);
    if (sleeping === AWAKE) return;
`,
    ],
    [
      "a-sleeper-does-not-say-so",
      "    Atomics.or(this.words, this.at + 1, SLEEPS_ON_WORD);\n    Atomics.wait(",
      "    Atomics.wait(",
    ],
  ]),
  ...mutantsOf("src/adapters/worker/channel.ts", TESTS, [
    [
      "everybody-is-woken-before-the-state-changes",
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
    ],
  ]),
];
