import { VirtioDevice } from "virtio-emulator/device";
import { GpuDevice } from "virtio-emulator/gpu";
import { GuestMemory } from "virtio-emulator/memory";

const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(1 << 20) }]);

// Four small screens for a guest that nobody trusts, and that only ever ran on QEMU.
const gpu = new GpuDevice({
  profile: "qemu",
  policy: { moveCursor: "position" },
  limits: { maxResources: 64, maxHostBytes: 32 << 20, maxResourceDimension: 2048 },
});
const device = new VirtioDevice(gpu, {
  memory,
  profile: "qemu",
  maxTurnWork: 4 << 20,
  maxChainElements: 256,
});
console.log(`profile ${device.profile}`);

// What is misspelt is refused, with what would be right.
try {
  // @ts-expect-error: TypeScript finds it, too
  new GpuDevice({ limits: { maxResource: 64 } });
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
}

// Prints:
//   profile qemu
//   GpuDevice: limits.maxResource is unknown: did you mean maxResources?
