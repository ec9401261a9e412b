// A guest that does whatever it likes with a device, step by step, and what has to hold after every step.
import { VirtioUsageError } from "../../../src/base/index.ts";
import { type Element, HostileRing } from "./hostile-ring.ts";
import {
  HIGH_BASE,
  HostileMachine,
  IOVA_BASE,
  MAIN_BYTES,
  PLUG_BASE,
  ROM_BASE,
  SCATTER_BASE,
} from "./machine.ts";
import { Mood } from "./moody-backends.ts";
import { Numbers } from "./numbers.ts";
import { hex } from "./subject.ts";
import type { Piece, Taken, Watcher } from "./watched-type.ts";

/** The bank that comes and goes. */
const PLUG = 3;
const RINGS = 0x1000;
const RING_SPACE = 0x1000;
/** Tables and buffers; what is in flight may be overwritten. */
const DATA = 0x8000;
const POISON = 0xa5;
/** Far more than the rings hold, far less than for ever. */
const MOST_CHAINS_PER_STEP = 20_000;
const INDIRECT_DESC = 28;
const VERSION_1 = 32;
const ACCESS_PLATFORM = 33;
const RING_PACKED = 34;

interface Allowed {
  readonly bank: number;
  readonly from: number;
  readonly end: number;
}

export class HostileGuest implements Watcher {
  readonly machine: HostileMachine;
  steps = 0;
  chains = 0;
  readonly #n: Numbers;
  readonly #mood: Mood;
  #rings: (HostileRing | null)[] = [];
  /** Chains given back since the ring was set up. */
  #given: number[] = [];
  #allowed: Allowed[] = [];
  #takenThisStep = 0;
  #depth = 0;
  #next = DATA;
  #failure: string | null = null;
  readonly #before: readonly Uint8Array[];

  constructor(seed: number) {
    const n = new Numbers(seed);
    this.#n = n;
    this.#mood = new Mood(n, n.pick([0, 15, 40]));
    this.machine = new HostileMachine(n, this.#mood, this);
    this.#before = this.machine.images().map((bytes) => bytes.slice());
    const { machine } = this;
    machine.chooseMemory = (length) => this.#chooseMemory(length);
    machine.deviceAddress = (address) => this.#deviceAddress(address);
    machine.allow = (piece) => this.#allow(piece);
    machine.allowAddress = (address, lengthBytes) => this.#allowAddress(address, lengthBytes);
    this.#mood.reenter = () => this.#reenter();
    this.machine.onInterrupt = () => {
      if (n.chance(5)) this.#reenter();
    };
  }

  // What the device does, as it does it

  taken(chain: Taken): void {
    this.chains++;
    this.machine.subject.taken(chain);
    if (++this.#takenThisStep > MOST_CHAINS_PER_STEP) throw new Error("the device does not come to an end");
  }

  given(chain: Taken, written: number, pieces: readonly Piece[]): void {
    this.#given[chain.queue] = (this.#given[chain.queue] ?? 0) + 1;
    for (const piece of pieces) this.#allow(piece);
    if (written > chain.writableBytes) this.#fail(`${written} bytes written into ${chain.writableBytes}`);
    this.#judge(chain, written, pieces);
  }

  appeared(index: number): void {
    this.#allowRing(index);
  }

  wasReset(): void {
    if (!this.machine.replacing) this.machine.subject.wasReset();
  }

  #judge(chain: Taken, written: number, pieces: readonly Piece[]): void {
    if (overlap(chain.writable) || pieces.some(({ region }) => this.machine.bankOf(region) < 0)) return;
    const response = new Uint8Array(written);
    let at = 0;
    for (const { region, offset, length } of pieces) {
      // Not by the region's own view, which may be that of a buffer that is no more.
      const bytes = this.machine.images()[this.machine.bankOf(region)] as Uint8Array;
      response.set(bytes.subarray(offset, offset + length), at);
      at += length;
    }
    const fault = this.machine.subject.judge(chain, response);
    if (fault !== null) this.#fail(`${fault}; request ${hex(chain.request)}, response ${hex(response)}`);
  }

  #fail(what: string): void {
    this.#failure ??= what;
  }

  // What the device may write

  #allow({ region, offset, length }: Piece): void {
    const bank = this.machine.bankOf(region);
    if (bank >= 0) this.#allowed.push({ bank, from: offset, end: offset + length });
  }

  #allowRing(index: number): void {
    const config = this.machine.device.queueConfig(index);
    if (config === null || !this.machine.device.queueEnabled(index)) return;
    const desc = (BigInt(config.descHi) << 32n) | BigInt(config.descLo);
    const device = (BigInt(config.deviceHi) << 32n) | BigInt(config.deviceLo);
    if (this.machine.device.hasFeature(RING_PACKED)) {
      this.#allowAddress(desc, 16 * config.size);
      this.#allowAddress(device, 4);
    } else {
      this.#allowAddress(device, 6 + 8 * config.size);
    }
  }

  #allowAddress(address: bigint, lengthBytes: number, translate = true): void {
    const pieces = translate
      ? this.machine.physical(address, lengthBytes)
      : [[address, lengthBytes] as const];
    for (const [at, length] of pieces) {
      const found = this.machine.bankAt(at);
      if (found === null) continue;
      this.#allowed.push({ bank: found.bank, from: found.offset, end: found.offset + length });
    }
  }

  /** Lets the device do something and checks what became of the guest's memory. */
  #watch(what: string, action: () => void): void {
    const before = this.#begin(what);
    action();
    this.#end(what, before);
  }

  #begin(what: string): readonly boolean[] {
    const { machine } = this;
    machine.note(`> ${what}`);
    for (const [bank, bytes] of machine.images().entries()) (this.#before[bank] as Uint8Array).set(bytes);
    this.#allowed = [];
    this.#takenThisStep = 0;
    for (let i = 0; i < machine.device.queueCount; i++) this.#allowRing(i);
    machine.subject.allowances();
    return machine.banks.map(({ region }) => region !== null);
  }

  #end(what: string, present: readonly boolean[]): void {
    const { machine } = this;
    for (let i = 0; i < machine.device.queueCount; i++) this.#allowRing(i);
    for (const [bank, after] of machine.images().entries()) {
      const at = this.#firstWrong(bank, this.#before[bank] as Uint8Array, after, present[bank] === true);
      if (at >= 0) throw new Error(`${what}: byte 0x${at.toString(16)} of bank ${bank} was changed`);
    }
    if (this.#failure !== null) throw new Error(this.#failure);
    if (machine.device.counters.typeFailures > 0) throw new Error(`${what}: the device type threw`);
  }

  #firstWrong(bank: number, before: Uint8Array, after: Uint8Array, present: boolean): number {
    if (Buffer.compare(before, after) === 0) return -1;
    const old = new Int32Array(before.buffer);
    const now = new Int32Array(after.buffer);
    for (let i = 0; i < old.length; i++) {
      if (old[i] === now[i]) continue;
      for (let at = 4 * i; at < 4 * i + 4; at++) {
        if (before[at] !== after[at] && !(present && this.#mayWrite(bank, at))) return at;
      }
    }
    return -1;
  }

  #mayWrite(bank: number, at: number): boolean {
    for (const { bank: of, from, end } of this.#allowed)
      if (of === bank && at >= from && at < end) return true;
    return false;
  }

  // Steps

  /** One thing that a guest, or the world around it, does. */
  async step(): Promise<void> {
    this.steps++;
    const n = this.#n;
    const { machine } = this;
    const { device } = machine;
    const running = (device.status & 4) !== 0 && this.#rings.some((ring) => ring !== null);
    const roll = n.below(100);
    if (!running && roll < 60) this.#bringUp();
    else if ((device.status & 0x40) !== 0 && roll < 25) this.#bringUp();
    else if (roll < 62) this.#send();
    else if (roll < 70) this.#watch("notify", () => machine.notify(n.pick([0, 0, 1, 1, 2, 0xffff])));
    else if (roll < 75) this.#watch("register", () => machine.poke());
    else if (roll < 77) this.#vandalise();
    else if (roll < 86) await this.#settle(1);
    else if (roll < 88) this.#watch("queue reset", () => this.#resetQueue(n.below(device.queueCount)));
    else if (roll < 89)
      this.#watch("status", () => machine.setStatus(n.pick([0, 1, 3, 11, 15, 16, 31, 64, 128, 143, 255])));
    else if (roll < 91) this.#watch("memory changes", () => machine.changeMemory());
    else if (roll < 93) this.#watch("timers", () => this.#timers());
    else if (roll < 95) this.#watch("something happens", () => machine.subject.happen());
    else if (roll < 97) this.#save();
    else this.#watch("suspend or resume", () => machine.setStatus(n.chance(50) ? 31 : 15));
    machine.subject.check();
  }

  #timers(): void {
    for (const task of this.machine.scheduled.splice(0)) task();
    this.machine.subject.tick();
  }

  #resetQueue(index: number): void {
    const { machine } = this;
    if (this.#n.chance(60) || machine.pci) machine.resetQueue(index);
    else {
      machine.select(index);
      (machine.transport as { write(o: number, w: number, v: number): void }).write(0x44, 4, 0);
    }
    if (!machine.device.queueEnabled(index) && this.#n.chance(80)) this.#setUpQueue(index, false);
  }

  #save(): void {
    const { machine } = this;
    const before = machine.subject.fingerprint();
    const status = machine.device.status;
    this.#watch("save and restore", () => {
      if (!machine.saveAndRestore((error) => error instanceof VirtioUsageError)) return;
      // Owed promises belong to the device of before; what comes of them must not matter.
      if (machine.device.status !== status && (machine.device.status & 0x40) === 0) {
        throw new Error(`status ${status} was restored as ${machine.device.status}`);
      }
      if (this.#takenThisStep > 0) return;
      const after = machine.subject.fingerprint();
      if (after !== before) throw new Error(`restored otherwise: ${before} became ${after}`);
    });
  }

  /** From within a callback: what an embedder, or a guest on its thread, may do. */
  #reenter(): void {
    if (this.#depth >= 2) return;
    this.#depth++;
    const n = this.#n;
    const { machine } = this;
    const what = n.below(11);
    machine.note(`>> re-entered, ${what}`);
    try {
      if (what < 3) machine.poke();
      else if (what < 5) machine.notify(n.below(2));
      else if (what === 5 || what === 10) machine.setStatus(0);
      else if (what === 6) machine.resetQueue(n.below(2));
      else if (what === 7) machine.subject.happen();
      else if (what === 8 && machine.growing.length > 0) n.pick(machine.growing).grow();
      else machine.subject.look();
    } finally {
      this.#depth--;
    }
  }

  /** Lets promises settle, `count` of them on purpose. */
  async #settle(count: number): Promise<void> {
    const before = this.#begin(`${count} promises settle`);
    for (let i = 0; i < count && this.#mood.owed > 0; i++) this.#mood.settleOne();
    for (let i = 0; i < 12; i++) await Promise.resolve();
    this.#end("promises", before);
  }

  // Bringing up

  #bringUp(clean = false): void {
    const n = this.#n;
    const { machine } = this;
    this.#rings = [];
    machine.subject.began();
    this.#watch("initialisation", () => {
      if (clean || n.chance(90)) machine.setStatus(0);
      machine.setStatus(1);
      machine.setStatus(3);
      const offered = machine.device.offeredFeatures;
      const likely = clean ? 100 : n.pick([100, 100, 100, 90, 50]);
      const bits = offered.filter((bit) => bit === VERSION_1 || n.chance(likely));
      if (!clean && n.chance(5)) bits.push(n.below(128));
      machine.acceptFeatures(
        clean
          ? bits.filter((bit) => bit !== ACCESS_PLATFORM)
          : bits.filter((bit) => bit !== 4 || bits.includes(0)),
      );
      machine.setStatus(11);
      if (!clean && n.chance(5)) machine.poke();
      for (let i = 0; i < machine.device.queueCount; i++) this.#setUpQueue(i, clean);
      machine.setStatus(15);
    });
  }

  #setUpQueue(index: number, clean: boolean): void {
    const n = this.#n;
    const { machine } = this;
    const { device } = machine;
    const format = device.hasFeature(RING_PACKED) ? "packed" : "split";
    const most = Math.min(16, device.queueMaxSize(index));
    const size = clean ? most : format === "split" ? n.pick([most, most, 4, 2, 1]) : 1 + n.below(most);
    const unplugged = clean || !n.chance(10) || machine.banks[PLUG]?.region === null;
    const base = (unplugged ? RINGS : Number(PLUG_BASE)) + index * RING_SPACE;
    const ring = new HostileRing(n, machine.memory, format, base, size);
    // The guest cleared it.
    this.#allowAddress(BigInt(ring.start), ring.end - ring.start, false);
    const shift = this.#iommu ? IOVA_BASE : 0n;
    const address = (lo: number): [number, number] => {
      const at = BigInt(lo) + shift;
      return [Number(at >> 32n), Number(at & 0xffffffffn)];
    };
    const [descHi, descLo] = address(ring.config.descLo);
    const [driverHi, driverLo] = address(ring.config.driverLo);
    const [deviceHi, deviceLo] = address(ring.config.deviceLo);
    let config = { ...ring.config, descHi, descLo, driverHi, driverLo, deviceHi, deviceLo };
    if (!clean && n.chance(6)) config = { ...config, [n.pick(Object.keys(config))]: n.weird() };
    this.#rings[index] = ring;
    this.#given[index] = 0;
    machine.setUpQueue(index, config);
  }

  get #iommu(): boolean {
    return this.machine.translator !== null && this.machine.device.hasFeature(ACCESS_PLATFORM);
  }

  // Sending

  #allocate(lengthBytes: number): number {
    const start = this.#n.chance(80) ? Math.ceil(this.#next / 16) * 16 : this.#next;
    const fits = start + lengthBytes <= MAIN_BYTES;
    const address = fits ? start : DATA;
    this.#next = address + lengthBytes;
    return address;
  }

  /** An address as the device is to be told. */
  #deviceAddress(address: number): bigint {
    return BigInt(address) + (this.#iommu ? IOVA_BASE : 0n);
  }

  #chooseMemory(lengthBytes: number): bigint {
    const n = this.#n;
    const shift = this.#iommu ? IOVA_BASE : 0n;
    const roll = n.below(100);
    if (roll < 68) return this.#deviceAddress(this.#allocate(Math.min(lengthBytes, 16384)));
    if (roll < 71) return shift + BigInt(RINGS + n.below(0x2000));
    if (roll < 80) return shift + HIGH_BASE + BigInt(n.below(12288));
    if (roll < 83) return shift + ROM_BASE + BigInt(n.below(8192));
    if (roll < 90) return shift + PLUG_BASE + BigInt(n.below(12288));
    if (roll < (this.#iommu ? 96 : 91)) return SCATTER_BASE + BigInt(n.below(12 * 4096));
    if (roll < 98) return shift + BigInt(MAIN_BYTES - n.below(5000));
    return (BigInt(n.weird()) << 32n) | BigInt(n.weird());
  }

  #send(): void {
    const n = this.#n;
    const { machine } = this;
    let queue = 0;
    for (let i = n.pick([1, 1, 1, 2, 5]); i > 0; i--) {
      const offer = machine.subject.next();
      queue = offer.queue;
      this.#offer(queue, offer.request, offer.room);
    }
    if (n.chance(85)) this.#watch(`notify ${queue}`, () => machine.notify(queue));
  }

  /** Puts a request and room for its response into a ring, cut into pieces. */
  #offer(queue: number, request: Uint8Array, room: number): boolean {
    const n = this.#n;
    const ring = this.#rings[queue];
    if (ring === undefined || ring === null || this.#isGone(ring)) return false;
    const elements: Element[] = [];
    const at = this.#allocate(Math.max(1, request.length));
    this.machine.memory.write(at, request);
    for (const [from, length] of this.#cut(request.length)) {
      elements.push({ address: this.#deviceAddress(at + from), length, write: false });
    }
    const response = this.#allocate(Math.max(1, room));
    this.machine.memory.view(response, room).fill(POISON);
    const elsewhere = n.chance(4);
    for (const [from, length] of this.#cut(room)) {
      const address = elsewhere ? this.#chooseMemory(length) : this.#deviceAddress(response + from);
      elements.push({ address, length, write: true });
    }
    if (elements.length === 0) return false;
    const negotiated = this.machine.device.hasFeature(INDIRECT_DESC);
    const indirect = negotiated ? n.chance(35) : n.below(500) === 0;
    const table = indirect ? this.#allocate(16 * elements.length) : -1;
    return ring.offer(elements, ring.offered - (this.#given[queue] ?? 0), {
      table: table < 0 ? null : { address: table, deviceAddress: this.#deviceAddress(table) },
      spoil: n.chance(1),
    });
  }

  /** True for a ring whose memory was taken away. */
  #isGone({ start }: HostileRing): boolean {
    return BigInt(start) >= PLUG_BASE && this.machine.banks[PLUG]?.region === null;
  }

  #cut(lengthBytes: number): [from: number, length: number][] {
    const n = this.#n;
    if (n.chance(70)) return lengthBytes === 0 ? [] : [[0, lengthBytes]];
    const cuts = [0, lengthBytes];
    for (let i = n.below(3); i >= 0; i--) cuts.push(n.below(lengthBytes + 1));
    cuts.sort((a, b) => a - b);
    const pieces: [number, number][] = [];
    for (let i = 1; i < cuts.length; i++) {
      const from = cuts[i - 1] as number;
      const length = (cuts[i] as number) - from;
      if (length > 0 || n.chance(2)) pieces.push([from, length]);
    }
    return pieces;
  }

  #vandalise(): void {
    const n = this.#n;
    this.machine.note("> vandalism");
    const ring = this.#rings.length === 0 ? null : n.pick(this.#rings);
    if (ring != null && n.chance(70)) {
      if (!this.#isGone(ring)) ring.vandalise();
    } else {
      const bytes = this.machine.memory.view(0, MAIN_BYTES);
      const from = n.below(MAIN_BYTES - 64);
      for (let i = 0; i < 64; i++) bytes[from + i] = n.below(256);
    }
  }

  // The end

  /** Settles what is owed, resets the device, and makes sure that it is as good as new. */
  async finish(): Promise<void> {
    const { machine } = this;
    this.#mood.badness = 0;
    machine.onInterrupt = () => {};
    if (this.#n.chance(50)) await this.#settleAll();
    this.#watch("final reset", () => machine.setStatus(0));
    this.#emptied();
    await this.#settleAll();
    this.#emptied();
    this.#bringUp(true);
    if ((machine.device.status & 0xff) !== 15)
      throw new Error(`status ${machine.device.status} after a clean start`);
    machine.subject.use((queue, request, room) => this.#use(queue, request, room));
    machine.subject.check();
  }

  async #settleAll(): Promise<void> {
    const { machine } = this;
    for (let i = 0; i < 50 && (this.#mood.owed > 0 || i < 2); i++) await this.#settle(5);
    if (this.#mood.owed > 0) throw new Error("promises without end");
    this.#watch("the end of all work", () => this.#finishWork());
    const { device } = machine;
    for (let i = 0; i < device.queueCount; i++) {
      const queue = device.activeQueue(i);
      if (queue !== null && !queue.closed && queue.inFlight !== 0) {
        throw new Error(`${queue.inFlight} chains of queue ${i} never came back`);
      }
    }
  }

  #finishWork(): void {
    const { machine } = this;
    for (let i = 0; i === 0 || machine.scheduled.length > 0; i++) {
      if (i > 5000) throw new Error("tasks without end");
      this.#timers();
      machine.subject.finishWork();
    }
  }

  #emptied(): void {
    const { device, subject } = this.machine;
    if (device.status !== 0) throw new Error("the reset left a status");
    subject.emptied();
  }

  #use(queue: number, request: Uint8Array, room: number): Uint8Array {
    const { memory } = this.machine;
    const ring = this.#rings[queue] as HostileRing;
    const at = 0x9000;
    const response = 0xa000;
    if (request.length > 0) memory.write(at, request);
    memory.view(response, room).fill(POISON);
    const elements: Element[] = [];
    if (request.length > 0) elements.push({ address: BigInt(at), length: request.length, write: false });
    elements.push({ address: BigInt(response), length: room, write: true });
    const given = this.#given[queue] ?? 0;
    ring.offer(elements, 0, { table: null, spoil: false });
    this.#watch(`good command ${hex(request.subarray(0, 4))}`, () => {
      this.machine.notify(queue);
      this.#finishWork();
    });
    if (this.#given[queue] !== given + 1) throw new Error("a good command was not answered");
    return memory.read(response, room);
  }
}

function overlap(pieces: readonly Piece[]): boolean {
  for (const [i, a] of pieces.entries()) {
    for (const b of pieces.slice(0, i)) {
      if (a.region === b.region && a.offset < b.offset + b.length && b.offset < a.offset + a.length)
        return true;
    }
  }
  return false;
}
