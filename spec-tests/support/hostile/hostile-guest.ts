// A guest that does whatever it likes with a device, step by step, and what has to hold after every step.
import { VirtioUsageError } from "../../../src/base/index.ts";
import { CONTROLQ, CURSORQ, msg } from "../gpu-messages.ts";
import { RandomCommands } from "./commands.ts";
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
import { BadSource, lookAt, Mood } from "./moody-backends.ts";
import { Numbers } from "./numbers.ts";
import { judgeResponse } from "./responses.ts";
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
  readonly #commands: RandomCommands;
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
    this.#commands = new RandomCommands(
      n,
      (length) => this.#chooseMemory(length),
      () => this.machine.gpu?.resources() ?? [],
      this.machine.profile === "crosvm",
    );
    this.#mood.reenter = () => this.#reenter();
    this.machine.onInterrupt = () => {
      if (n.chance(5)) this.#reenter();
    };
    if (this.machine.renderer !== null) {
      this.machine.renderer.onWrite = ({ segments }) => {
        for (let i = 0; i < segments.count; i++) {
          const region = segments.regions[i];
          if (region === undefined || !region.deviceWritable) continue;
          this.#allow({
            region,
            offset: segments.offsets[i] as number,
            length: segments.lengths[i] as number,
          });
        }
      };
    }
  }

  // What the device does, as it does it

  taken(_chain: Taken): void {
    this.chains++;
    if (++this.#takenThisStep > MOST_CHAINS_PER_STEP) throw new Error("the device does not come to an end");
  }

  given(chain: Taken, written: number, pieces: readonly Piece[]): void {
    this.#given[chain.queue] = (this.#given[chain.queue] ?? 0) + 1;
    for (const piece of pieces) this.#allow(piece);
    if (written > chain.writableBytes) this.#fail(`${written} bytes written into ${chain.writableBytes}`);
    if (this.machine.isGpu) this.#judge(chain, written, pieces);
  }

  appeared(index: number): void {
    this.#allowRing(index);
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
    const silent = chain.queue === CURSORQ && this.machine.profile === "qemu";
    const fault = judgeResponse(chain.request, response, chain.writableBytes, this.machine.scanouts, silent);
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

  // What must hold between steps

  #check(): void {
    const { gpu, heap } = this.machine;
    if (BadSource.last !== null) throw BadSource.last;
    if (gpu === null) return;
    const { limits } = gpu;
    const resources = gpu.resources();
    let hostBytes = 0;
    let pieces = 0;
    for (const { kind, sizeBytes, backingPieces } of resources) {
      if (kind === "2d" || kind === "host-blob") hostBytes += sizeBytes;
      pieces += backingPieces;
    }
    if (gpu.hostBytes !== hostBytes)
      throw new Error(`${gpu.hostBytes} host bytes accounted, ${hostBytes} there`);
    if (hostBytes > limits.maxHostBytes) throw new Error("host bytes beyond the limit");
    if (resources.length > limits.maxResources) throw new Error("resources beyond the limit");
    if (pieces > 2 * limits.maxBackingEntriesTotal) throw new Error(`${pieces} pieces of backing`);
    if (gpu.commandsInFlight > limits.maxCommandsInFlight)
      throw new Error("commands in flight beyond the limit");
    // A flush may be a call for each scanout, and one of the renderer.
    const calls = 2 * limits.maxAbandonedCalls + limits.maxCommandsInFlight * (gpu.scanoutCount + 1);
    if (gpu.abandonedCalls > calls) throw new Error(`${gpu.abandonedCalls} calls were abandoned`);
    if (gpu.sharedObjects.size > 16 * limits.maxResources) throw new Error("shared objects beyond the limit");
    const mapped = resources.filter(({ kind }) => kind === "host-blob").length;
    if ((heap?.mappedBlobs ?? 0) > mapped) throw new Error("more blobs are mapped than there are");
    for (let i = 0; i < gpu.scanoutCount; i++) {
      const source = gpu.scanout(i);
      if (source === null) continue;
      if (!resources.some(({ id, scanouts }) => id === source.resourceId && scanouts.includes(i))) {
        throw new Error(`scanout ${i} shows a resource that is gone`);
      }
      lookAt(source);
    }
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
    else if (roll < 95) this.#watch("display changes", () => this.#changeDisplay());
    else if (roll < 97) this.#save();
    else this.#watch("suspend or resume", () => machine.setStatus(n.chance(50) ? 31 : 15));
    this.#check();
  }

  #timers(): void {
    for (const task of this.machine.scheduled.splice(0)) task();
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

  #changeDisplay(): void {
    const n = this.#n;
    try {
      this.machine.gpu?.setDisplay(n.below(3), { widthPixels: n.below(2000), enabled: n.chance(50) });
    } catch (error) {
      if (!(error instanceof VirtioUsageError)) throw error;
    }
  }

  #save(): void {
    const { machine } = this;
    // Memory that is gone is a piece of no length before, and no piece afterwards.
    const list = (): string =>
      JSON.stringify(machine.gpu?.resources().map((resource) => ({ ...resource, backingPieces: 0 })) ?? null);
    const before = list();
    const status = machine.device.status;
    this.#watch("save and restore", () => {
      if (!machine.saveAndRestore((error) => error instanceof VirtioUsageError)) return;
      // Owed promises belong to the device of before; what comes of them must not matter.
      if (machine.device.status !== status && (machine.device.status & 0x40) === 0) {
        throw new Error(`status ${status} was restored as ${machine.device.status}`);
      }
      if (this.#takenThisStep > 0) return;
      const after = list();
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
      else if (what === 7) this.#changeDisplay();
      else if (what === 8 && machine.growing.length > 0) n.pick(machine.growing).grow();
      else machine.gpu?.resources();
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
    this.#commands.reset();
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
    const queue = machine.isGpu ? (n.chance(80) ? CONTROLQ : CURSORQ) : 0;
    for (let i = n.pick([1, 1, 1, 2, 5]); i > 0; i--) {
      const request = machine.isGpu ? this.#commands.next(queue === CURSORQ) : new Uint8Array(n.below(3));
      const room = n.chance(70) ? n.pick([24, 24, 32, 40, 408, 1056, 1056, 2000]) : n.below(80);
      this.#offer(queue, request, room);
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
    if (machine.gpu !== null && machine.gpu.commandsInFlight !== 0)
      throw new Error("commands stay in flight");
    this.#bringUp(true);
    if ((machine.device.status & 0xff) !== 15)
      throw new Error(`status ${machine.device.status} after a clean start`);
    if (machine.isGpu) this.#useGpu();
    else this.#useRng();
    this.#check();
  }

  async #settleAll(): Promise<void> {
    for (let i = 0; i < 50 && (this.#mood.owed > 0 || i < 2); i++) await this.#settle(5);
    if (this.#mood.owed > 0) throw new Error("promises without end");
    this.#watch("timers", () => this.#timers());
    const { device, gpu } = this.machine;
    if (gpu !== null && gpu.commandsInFlight !== 0)
      throw new Error(`${gpu.commandsInFlight} commands in flight`);
    for (let i = 0; i < device.queueCount; i++) {
      const queue = device.activeQueue(i);
      if (queue !== null && !queue.closed && queue.inFlight !== 0) {
        throw new Error(`${queue.inFlight} chains of queue ${i} never came back`);
      }
    }
  }

  #emptied(): void {
    const { gpu, heap, device } = this.machine;
    if (device.status !== 0) throw new Error("the reset left a status");
    if (gpu === null) return;
    if (gpu.hostBytes !== 0) throw new Error(`${gpu.hostBytes} host bytes after a reset`);
    if (gpu.resources().length !== 0 || gpu.sharedObjects.size !== 0) throw new Error("a reset left objects");
    if ((heap?.mappedBlobs ?? 0) !== 0) throw new Error("a reset left mapped blobs");
    for (let i = 0; i < gpu.scanoutCount; i++) {
      if (gpu.scanout(i) !== null || gpu.cursor(i) !== null)
        throw new Error(`a reset left a picture on ${i}`);
    }
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
    this.#watch(`good command ${hex(request.subarray(0, 4))}`, () => this.machine.notify(queue));
    if (this.#given[queue] !== given + 1) throw new Error("a good command was not answered");
    return memory.read(response, room);
  }

  #useGpu(): void {
    const type = (bytes: Uint8Array): number => (bytes[0] ?? 0) + 256 * (bytes[1] ?? 0);
    const all = { x: 0, y: 0, w: 16, h: 16 };
    this.machine.memory.write(0xb000, new Uint8Array(1024).fill(0x42));
    const script: [Uint8Array, number, number][] = [
      [msg.displayInfo(), 408, 0x1101],
      [msg.create2d(1, 2, 16, 16), 24, 0x1100],
      [msg.attach(1, [[0xb000, 1024]]), 24, 0x1100],
      [msg.transfer(1, all, 0), 24, 0x1100],
      [msg.setScanout(0, 1, all), 24, 0x1100],
      [msg.flush(1, all), 24, 0x1100],
    ];
    for (const [request, room, expected] of script) {
      const got = type(this.#use(CONTROLQ, request, room));
      if (got !== expected)
        throw new Error(`after a reset ${hex(request)} is answered with 0x${got.toString(16)}`);
    }
    const cursor = this.#use(CURSORQ, msg.cursor(0x301, 0, 1, 1), 24);
    if (this.machine.profile !== "qemu" && type(cursor) !== 0x1100)
      throw new Error("the cursor does not move");
    const source = this.machine.gpu?.scanout(0);
    if (source?.pixels?.every((byte) => byte === 0x42) !== true)
      throw new Error("after a reset nothing is shown");
    this.#use(CONTROLQ, msg.unref(1), 24);
    if (this.machine.gpu?.hostBytes !== 0) throw new Error("host bytes after everything was given back");
  }

  #useRng(): void {
    if (this.#use(0, new Uint8Array(0), 16).some((byte) => byte !== 0x77)) throw new Error("no random bytes");
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

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
