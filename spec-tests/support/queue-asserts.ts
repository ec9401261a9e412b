// What tests of the device's side ask of a queue and its chains.
import * as assert from "uvu/assert";
import {
  DEFAULT_QUEUE_OPTIONS,
  type DescriptorChain,
  type DeviceQueue,
  type QueueFaultCode,
  type QueueOptions,
} from "../../src/virtqueue/index.ts";

/** Queue options for a test, everything not named as the library's defaults. */
export function queueOptions(options: Partial<QueueOptions> = {}): QueueOptions {
  return { ...DEFAULT_QUEUE_OPTIONS, ...options };
}

/** The next chain, which must be there. */
export function popped(queue: DeviceQueue): DescriptorChain {
  const chain = queue.pop();
  assert.is(queue.fault, null, `fault ${queue.fault?.code}`);
  assert.ok(chain !== null, "a chain is available");
  return chain as DescriptorChain;
}

/** All device-readable bytes of a chain. */
export function readAll(chain: DescriptorChain): number[] {
  const bytes = new Uint8Array(chain.readableBytes);
  assert.is(chain.read(0, bytes, 0, bytes.length), bytes.length);
  return [...bytes];
}

/** The next pop ends the queue for the given reason. */
export function faults(queue: DeviceQueue, code: QueueFaultCode): void {
  assert.is(queue.pop(), null);
  assert.is(queue.fault?.code, code);
  assert.is(queue.pop(), null, "the queue stands still");
}
