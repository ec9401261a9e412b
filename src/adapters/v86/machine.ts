import type { V86Cpu } from "./cpu.ts";
import { InterruptLines } from "./interrupt-lines.ts";

/** What a device of ours has to know about its machine. */
export interface MachineEvents {
  /** The machine is being reset, the memory of the guest stays. */
  machineReset(): void;
  /** The machine has another state, in which this device is not included. */
  machineRestored(): void;
}

/** One v86 as all devices on its bus share it. v86 notifies devices from outside of nothing, so its calls are intercepted. */
export class Machine {
  readonly lines: InterruptLines;
  readonly #devices: MachineEvents[] = [];

  static readonly #machines = new WeakMap<V86Cpu, Machine>();

  static of(cpu: V86Cpu): Machine {
    let machine = Machine.#machines.get(cpu);
    if (machine === undefined) {
      machine = new Machine(cpu);
      Machine.#machines.set(cpu, machine);
    }
    return machine;
  }

  private constructor(cpu: V86Cpu) {
    this.lines = new InterruptLines(cpu);
    const reboot = cpu.reboot_internal.bind(cpu);
    const setState = cpu.set_state.bind(cpu);
    cpu.reboot_internal = () => {
      for (const device of this.#devices) device.machineReset();
      reboot();
    };
    cpu.set_state = (state) => {
      // Whatever is under way belongs to memory that is about to go.
      for (const device of this.#devices) device.machineReset();
      this.lines.forget();
      setState(state);
      for (const device of this.#devices) device.machineRestored();
    };
  }

  add(device: MachineEvents): void {
    this.#devices.push(device);
  }
}
