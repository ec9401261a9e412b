import { test } from "uvu";
import * as assert from "uvu/assert";
import { GpuDevice } from "../../src/devices/gpu/index.ts";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { type AddressTranslator, GuestMemory } from "../../src/memory/index.ts";
import { DeviceRig, WRITE } from "../../src/testing/index.ts";
import { CONTROLQ, ERR, msg, OK, u32At } from "../support/gpu-messages.ts";

// Each element of a chain, and each entry of a resource's backing, was cut by the translator into as many pieces as it
// liked: what was bounded for one of them was not for all together.

const ACCESS_PLATFORM = 33;
/** Device addresses from here on lead to physical pages in reverse, byte by byte or page by page. */
const SCATTERED = 0x4000_0000;

function scatter(stepBytes: number): AddressTranslator {
  return {
    translate(hi, lo, lengthBytes, _write, result) {
      result.hi = hi;
      result.lo = lo;
      if (lo < SCATTERED) return lengthBytes;
      const step = Math.floor((lo - SCATTERED) / stepBytes);
      result.lo = 0x80000 - (step % 1024) * 2 * stepBytes + (lo % stepBytes);
      return Math.min(lengthBytes, stepBytes - (lo % stepBytes));
    },
  };
}

function start(rig: DeviceRig, typeFeatures = 0): void {
  const { device } = rig;
  device.writeStatus(3);
  device.writeDriverFeatureWord(0, typeFeatures);
  device.writeDriverFeatureWord(1, 1 | (1 << (ACCESS_PLATFORM - 32)));
  device.writeStatus(11);
  for (let i = 0; i < device.queueCount; i++) rig.enableQueue(i);
  device.writeStatus(15);
}

test("a chain of elements that each stay below the limit of one", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(1 << 20) }]);
  const rig = new DeviceRig(new RngDevice(), { memory, idle: true, device: { translator: scatter(1) } });
  start(rig);
  const elements = [0, 1, 2].map((i) => ({ address: SCATTERED + i * 40000, length: 40000, flags: WRITE }));
  rig.offerBuffers(0, elements, []);
  rig.notify(0);
  assert.is(rig.device.activeQueue(0)?.fault?.code, "chain-too-long");
});

test("entries that come to more pieces than all resources together may have", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(1 << 20) }]);
  const gpu = new GpuDevice({ limits: { maxBackingEntriesTotal: 64 } });
  const rig = new DeviceRig(gpu, { memory, idle: true, device: { translator: scatter(16) } });
  start(rig);
  const command = (request: Uint8Array): number => {
    const sent = rig.offer(CONTROLQ, [request], [24]);
    rig.notify(CONTROLQ);
    return u32At(rig.response(sent), 0);
  };
  for (const id of [1, 2]) assert.is(command(msg.create2d(id, 2, 16, 16)), OK.NODATA);
  assert.is(command(msg.attach(1, [[SCATTERED, 65 * 16]])), ERR.OUT_OF_MEMORY);
  assert.is(command(msg.attach(1, [[SCATTERED, 40 * 16]])), OK.NODATA);
  assert.is(command(msg.attach(2, [[SCATTERED, 40 * 16]])), ERR.OUT_OF_MEMORY);
  assert.is(command(msg.detach(1)), OK.NODATA);
  assert.is(command(msg.attach(2, [[SCATTERED, 40 * 16]])), OK.NODATA, "what was given back counts no more");
});

test.run();
