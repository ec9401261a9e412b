import { type Base64Coder, base64 } from "./device/base64.ts";
import type { RingFormat } from "./device/ring.ts";
import { activations, entropy, resets } from "./device/workloads.ts";
import { fnv1a } from "./digest.ts";
import { OwnEchoDevice } from "./echo/own-device.ts";
import { PackedEchoDriver } from "./echo/packed-driver.ts";
import { PackedLoopDevice } from "./echo/packed-loop.ts";
import { SplitEchoDriver } from "./echo/split-driver.ts";
import { SplitLoopDevice } from "./echo/split-loop.ts";
import { createV86Device } from "./echo/v86-device.ts";
import { type EchoDevice, MEMORY_BYTES } from "./echo/workload.ts";
import { blobFlips, damage, fullFrames } from "./gpu/workloads.ts";
import { kmsDirty, kmsFlips } from "./kms/workloads.ts";
import type { Workload } from "./workload.ts";

/** The JavaScript contestants, by name. */
export async function createWorkload(name: string, parameters: readonly string[]): Promise<Workload> {
  switch (name) {
    case "echo/split/own":
      return splitEcho((memory) => new OwnEchoDevice(memory, "split"), parameters);
    case "echo/split/loop":
      return splitEcho((memory) => new SplitLoopDevice(memory), parameters);
    case "echo/split/v86":
      return splitEcho(createV86Device, parameters);
    case "echo/packed/own":
      return packedEcho((memory) => new OwnEchoDevice(memory, "packed"), parameters);
    case "echo/packed/loop":
      return packedEcho((memory) => new PackedLoopDevice(memory), parameters);
    case "gpu/frame":
      return fullFrames(parameters[0] === "shared");
    case "gpu/damage":
      return damage(
        Number(parameters[0]),
        parameters[1] === "flush",
        parameters[2] === "shared",
        ringFormat(parameters[3]),
      );
    case "gpu/flip":
      return blobFlips(
        Number(parameters[0]),
        Number(parameters[1]),
        parameters[2] === "shared",
        ringFormat(parameters[3]),
      );
    case "rng":
      return entropy(ringFormat(parameters[0]), parameters[1] === "shared");
    case "activate":
      return activations(ringFormat(parameters[0]));
    case "reset":
      return resets(ringFormat(parameters[0]));
    case "base64":
      return base64(parameters[0] as Base64Coder, parameters[1] as "encode" | "decode");
    case "kms/flip":
      return kmsFlips(Number(parameters[0]), Number(parameters[1]));
    case "kms/dirty":
      return kmsDirty();
    default:
      throw new Error(`there is no workload ${name}`);
  }
}

function ringFormat(name: string | undefined): RingFormat {
  return name === "packed" ? "packed" : "split";
}

type MakeDevice = (memory: ArrayBufferLike) => EchoDevice | Promise<EchoDevice>;

async function splitEcho(makeDevice: MakeDevice, parameters: readonly string[]): Promise<Workload> {
  const memory =
    parameters[1] === "shared" ? new SharedArrayBuffer(MEMORY_BYTES) : new ArrayBuffer(MEMORY_BYTES);
  const driver = new SplitEchoDriver(memory, await makeDevice(memory), Number(parameters[0]));
  return { run: (count) => driver.run(count), digest: () => fnv1a(new Uint32Array(memory)) };
}

async function packedEcho(makeDevice: MakeDevice, parameters: readonly string[]): Promise<Workload> {
  const memory =
    parameters[1] === "shared" ? new SharedArrayBuffer(MEMORY_BYTES) : new ArrayBuffer(MEMORY_BYTES);
  const driver = new PackedEchoDriver(memory, await makeDevice(memory), Number(parameters[0]));
  return { run: (count) => driver.run(count), digest: () => fnv1a(new Uint32Array(memory)) };
}
