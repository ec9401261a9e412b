// A stage changes what Linux sees of the device, configuration space included.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LinuxGpu } from "../../../scripts/linux/gpu-device.ts";
import { PCI_STAGES } from "../../../src/conformance/driver-checker/index.ts";

const test = suite("linux, stages");

function configSpace(id: string | undefined): Uint8Array {
  const stage = PCI_STAGES.find((candidate) => candidate.id === id);
  return new LinuxGpu({ features: [], width: 640, height: 480, stage }).identity.configSpace;
}

test("without a stage, and on the one that changes nothing", () => {
  assert.equal(configSpace("as-it-is"), configSpace(undefined));
});

test("a header and capabilities that are not the device's", () => {
  const plain = configSpace(undefined);
  const revision = configSpace("revision-255");
  assert.is(revision[0x08], 255);
  assert.equal(revision.slice(0x10, 0x28), plain.slice(0x10, 0x28), "base address registers");
  const reserved = configSpace("reserved-bar");
  // The first capability: vendor-specific, of the common configuration, in a BAR that is reserved.
  assert.equal([...reserved.slice(0x40, 0x45)], [9, 0x50, 16, 1, 7]);
});

test.run();
