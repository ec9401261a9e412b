import type { CaseDefinition } from "../../case.ts";
import { INTERRUPT_CASES } from "./interrupts.ts";
import { QUEUE_CASES } from "./queues.ts";
import { REGISTER_CASES } from "./registers.ts";

/** virtio over MMIO (virtio 1.4, section 4.2). */
export const TRANSPORT_MMIO_CASES: readonly CaseDefinition[] = [
  ...REGISTER_CASES,
  ...INTERRUPT_CASES,
  ...QUEUE_CASES,
];
