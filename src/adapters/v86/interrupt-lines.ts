import type { V86Cpu } from "./cpu.ts";

/** The interrupt controllers' inputs. */
const LINES = 16;
const EFLAGS_IF = 0x200;

/** Devices of v86's own that raise a line by its number instead of through the PCI bus. */
const NOT_PCI = -1;

/** What others than a device held up when a machine was saved: PCI ids, or -1, and the lines of each as a mask. */
export type HeldLines = readonly (readonly [source: number, lines: number])[];

/**
 * The interrupt lines of one v86. PCI devices share them, so that each is a level: up as long as anybody holds it up.
 * v86 itself knows one level for each line, which any device lowers for all when its interrupt is acknowledged.
 *
 * v86 calls an interrupt's vector while it is told about the line, which is safe where guest code was left: at port
 * accesses and between its turns. Accesses to memory happen in the middle of compiled blocks, which would go on in the
 * interrupt's handler as if nothing had happened. What such an access changes is held back until the block has been
 * left, unless the guest has interrupts off: then v86 only takes note of it.
 */
export class InterruptLines {
  readonly #cpu: V86Cpu;
  readonly #raise: (line: number) => void;
  readonly #lower: (line: number) => void;
  /** Masks of the lines held up, by holder. */
  readonly #held = new Map<number, number>();
  /** Who is about to change a line. */
  #source = NOT_PCI;
  #accesses = 0;
  /** Lines whose new level v86 does not know yet, as a mask. */
  #postponed = 0;
  readonly #flush = (): void => this.#tellPostponed();

  constructor(cpu: V86Cpu) {
    this.#cpu = cpu;
    const { pci } = cpu.devices;
    this.#raise = cpu.device_raise_irq.bind(cpu);
    this.#lower = cpu.device_lower_irq.bind(cpu);
    const raisePci = pci.raise_irq.bind(pci);
    const lowerPci = pci.lower_irq.bind(pci);
    const runTimers = cpu.run_hardware_timers.bind(cpu);
    cpu.device_raise_irq = (line) => this.#hold(line);
    cpu.device_lower_irq = (line) => this.#release(1 << line);
    pci.raise_irq = (pciId) => {
      this.#source = pciId;
      raisePci(pciId);
      this.#source = NOT_PCI;
    };
    pci.lower_irq = (pciId) => {
      this.#source = pciId;
      // The guest may have led the pin to another line since.
      this.#release(this.#held.get(pciId) ?? 0);
      lowerPci(pciId);
      this.#source = NOT_PCI;
    };
    cpu.run_hardware_timers = (acpi, now) => {
      this.#tellPostponed();
      return runTimers(acpi, now);
    };
  }

  /** The guest's access to memory begins. */
  enterMemoryAccess(): void {
    this.#accesses++;
  }

  /** It has been answered. */
  leaveMemoryAccess(): void {
    this.#accesses--;
  }

  /** The machine was restored: no line is known to be held up. */
  forget(): void {
    this.#held.clear();
    this.#postponed = 0;
  }

  /** What others than `pciId` hold up. */
  saveOthers(pciId: number): HeldLines {
    return [...this.#held].filter(([source, lines]) => source !== pciId && lines !== 0);
  }

  /** Takes over what was saved with the machine; the levels themselves are part of the machine's state. */
  restoreOthers(held: HeldLines): void {
    for (const [source, lines] of held) this.#held.set(source, (this.#held.get(source) ?? 0) | lines);
  }

  #hold(line: number): void {
    const source = this.#source;
    this.#held.set(source, (this.#held.get(source) ?? 0) | (1 << line));
    this.#tell(line);
  }

  #release(lines: number): void {
    const source = this.#source;
    this.#held.set(source, (this.#held.get(source) ?? 0) & ~lines);
    for (let line = 0; line < LINES; line++) if ((lines & (1 << line)) !== 0) this.#tell(line);
  }

  #tell(line: number): void {
    if (this.#accesses > 0 && (this.#cpu.get_eflags() & EFLAGS_IF) !== 0) {
      // A microtask runs when the guest's turn is over; mostly v86 looks after its timers before.
      if (this.#postponed === 0) queueMicrotask(this.#flush);
      this.#postponed |= 1 << line;
      return;
    }
    this.#postponed &= ~(1 << line);
    if (this.#isHeld(line)) this.#raise(line);
    else this.#lower(line);
  }

  #isHeld(line: number): boolean {
    for (const lines of this.#held.values()) if ((lines & (1 << line)) !== 0) return true;
    return false;
  }

  #tellPostponed(): void {
    for (let line = 0; this.#postponed !== 0 && line < LINES; line++) {
      if ((this.#postponed & (1 << line)) !== 0) this.#tell(line);
    }
  }
}
