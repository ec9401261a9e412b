// A kind of device in the hands of a hostile guest: what is sent to it, what has to hold of it.
import type { DeviceType } from "../../../src/device/index.ts";
import type { GuestMemory } from "../../../src/memory/index.ts";
import type { Mood } from "./moody-backends.ts";
import type { Numbers } from "./numbers.ts";
import type { Piece, Taken } from "./watched-type.ts";

/** A request that a guest thought of, and how much room it leaves for the answer. */
export interface Offer {
  readonly queue: number;
  readonly request: Uint8Array<ArrayBuffer>;
  readonly room: number;
}

/** What a subject is surrounded by. */
export interface Surroundings {
  readonly numbers: Numbers;
  readonly mood: Mood;
  readonly memory: GuestMemory;
  readonly profile: "spec" | "qemu" | "crosvm";
  /** Runs a task soon. */
  schedule(task: () => void): void;
  /** A device address for so many bytes, good or bad. */
  chooseMemory(lengthBytes: number): bigint;
  /** An address in main memory as the device is to be told. */
  deviceAddress(address: number): bigint;
  /** The guest has allowed the device to write there, during this step. */
  allow(piece: Piece): void;
  allowAddress(address: bigint, lengthBytes: number): void;
}

/** Sends a good request and returns the answer; throws when none comes. */
export type Use = (queue: number, request: Uint8Array, room: number) => Uint8Array;

export interface Subject {
  readonly kind: "gpu" | "rng" | "render" | "vdmabuf";
  /** Makes the device type, anew. */
  make(): DeviceType;
  /** The driver begins anew. */
  began(): void;
  next(): Offer;
  /** A chain was taken: what it allows the device to do is noted. */
  taken(chain: Taken): void;
  /** The device was reset, by whomever. */
  wasReset(): void;
  /** Before the device does anything: what of before still allows it to write. */
  allowances(): void;
  /** What is wrong with an answer, null when nothing is. */
  judge(chain: Taken, response: Uint8Array): string | null;
  /** Throws when something does not hold. */
  check(): void;
  /** Something happens around the device. */
  happen(): void;
  /** From within a callback: somebody looks. */
  look(): void;
  /** What has to be the same in a device that was restored. */
  fingerprint(): string;
  /** Timers of the device's own. */
  tick(): void;
  /** Brings what is under way to its end, once nothing is owed any more. */
  finishWork(): void;
  /** Throws when a reset has left something. */
  emptied(): void;
  /** Throws when the device, brought up anew, does not do what it is for. */
  use(use: Use): void;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
