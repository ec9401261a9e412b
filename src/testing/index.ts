/**
 * Rigs for authors of devices and drivers, the same that this library's own tests use.
 *
 * | what | for whom |
 * | --- | --- |
 * | {@link TestMachine} | a device behind a transport with a driver in front of it, in one call; requests as raw bytes |
 * | {@link DeviceRig} | a device alone, and every byte of its rings written by hand |
 * | {@link drive} | a driver in front of a device that answers, before anything was done |
 * | {@link EchoDevice} | a device for tests of drivers: it answers, at once or when the test says |
 * | {@link RawSplitRing}, {@link RawPackedRing} | rings, field by field |
 * | {@link SteppedScheduler} | turns of the event loop, one by one |
 * | {@link BackendPlan} | back ends that fail or come late when the test says |
 *
 * @example
 * ```ts
 * import { RngDevice } from "virtio-emulator/rng";
 * import { TestMachine } from "virtio-emulator/testing";
 *
 * const machine = TestMachine.start(new RngDevice(), { transport: "pci" });
 * const { bytes } = await machine.request(0, new Uint8Array(0), 16);
 * ```
 *
 * @module virtio-emulator/testing
 */
export { BackendPlan, FAILURES, type Failure } from "./backend-plan.ts";
export {
  ACKNOWLEDGE,
  DeviceRig,
  DRIVER,
  DRIVER_OK,
  FEATURES_OK,
  FILLER,
  NEEDS_RESET,
  type RigOptions,
  type Sent,
  settle,
} from "./device-rig.ts";
export { type Driven, type DrivenOptions, drive, type RegisterAccess } from "./driven-device.ts";
export { ECHO_DEVICE_ID, EchoDevice, type EchoDeviceOptions, type EchoRequest } from "./echo-device.ts";
export { type Answer, TestMachine, type TestMachineOptions } from "./machine.ts";
export {
  INDIRECT,
  NEXT,
  type RawDescriptor,
  RawPackedRing,
  RawSplitRing,
  WRITE,
  writeSplitDescriptor,
} from "./raw-ring.ts";
export { SteppedScheduler } from "./stepped-scheduler.ts";
