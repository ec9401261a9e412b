import { test } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../src/backends/display/memory/index.ts";
import { HostHeap, type RenderedPixels } from "../../src/devices/gpu/index.ts";
import { settle } from "../../src/testing/index.ts";
import { CMD, CONTROLQ, msg, OK } from "../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../support/gpu-rig.ts";
import { RecordingRenderer } from "../support/recording-renderer.ts";

// A display or a renderer that resets the device from within a call left behind what its command added afterwards:
// scanouts and cursors that show resources which are gone, resources nobody made, host bytes counted twice.

const FULL = { x: 0, y: 0, w: 64, h: 64 };
const PICTURE: RenderedPixels = {
  widthPixels: 64,
  heightPixels: 64,
  format: 1,
  strideBytes: 256,
  bytes: new Uint8Array(64 * 64 * 4),
};

class ResettingRenderer extends RecordingRenderer {
  /** Runs within the next call of this method. */
  during = "";
  action: () => void = () => {};
  later: Promise<never> | null = null;

  #act<T>(method: string, result: T): T {
    if (method !== this.during) return result;
    this.during = "";
    this.action();
    return (this.later as T) ?? result;
  }
  override createContext(ctxId: number, capsetId: number, debugName: string) {
    return this.#act("createContext", super.createContext(ctxId, capsetId, debugName));
  }
  override createResource(...args: Parameters<RecordingRenderer["createResource"]>) {
    return this.#act("createResource", super.createResource(...args));
  }
  override createBlob(...args: Parameters<RecordingRenderer["createBlob"]>) {
    return this.#act("createBlob", super.createBlob(...args));
  }
  override mapBlob(resourceId: number) {
    return this.#act("mapBlob", super.mapBlob(resourceId));
  }
  override flush(...args: Parameters<RecordingRenderer["flush"]>) {
    return this.#act("flush", super.flush(...args));
  }
  override pixels(resourceId: number): RenderedPixels | null {
    return this.#act("pixels", super.pixels(resourceId));
  }
}

function stage() {
  const renderer = new ResettingRenderer();
  let duringDisplay: (() => void) | null = null;
  const act = (): void => {
    const action = duringDisplay;
    duringDisplay = null;
    action?.();
  };
  const display = new (class extends MemoryDisplay {
    override setScanout(...args: Parameters<MemoryDisplay["setScanout"]>): void {
      super.setScanout(...args);
      act();
    }
    override flush(...args: Parameters<MemoryDisplay["flush"]>): void | Promise<void> {
      act();
      return super.flush(...args);
    }
    override setCursor(...args: Parameters<MemoryDisplay["setCursor"]>): void {
      super.setCursor(...args);
      act();
    }
  })();
  const rig = new GpuRig({ display, renderer, hostHeap: new HostHeap(65536) });
  const reset = (): void => rig.device.writeStatus(0);
  renderer.action = reset;
  renderer.pictures.set(7, PICTURE);
  return {
    rig,
    renderer,
    resetDuringDisplay: () => {
      duringDisplay = reset;
    },
  };
}

function check(rig: GpuRig): void {
  assert.is(rig.device.status, 0);
  assert.equal(rig.gpu.resources(), []);
  assert.is(rig.gpu.hostBytes, 0);
  assert.is(rig.gpu.scanout(0), null);
  assert.is(rig.gpu.cursor(0), null);
  assert.is(rig.display.screen(0).source, null);
  assert.is(rig.display.screen(0).cursor, null);
  // All works again, and everything that is given back is gone.
  rig.initialize();
  rig.resource2d(1, 64, 64);
  expectOk(rig.command(msg.setScanout(0, 1, FULL)));
  assert.is(rig.gpu.hostBytes, 64 * 64 * 4);
  expectOk(rig.command(msg.unref(1)));
  assert.is(rig.gpu.hostBytes, 0);
}

test("while a scanout is set", () => {
  const { rig, resetDuringDisplay } = stage();
  rig.resource2d(1, 64, 64);
  resetDuringDisplay();
  rig.offer(CONTROLQ, [msg.setScanout(0, 1, FULL)], [24]);
  rig.device.notify(CONTROLQ);
  check(rig);
});

test("while a scanout goes dark because its resource is given back", () => {
  const { rig, resetDuringDisplay } = stage();
  rig.resource2d(1, 64, 64);
  expectOk(rig.command(msg.setScanout(0, 1, FULL)));
  resetDuringDisplay();
  rig.offer(CONTROLQ, [msg.unref(1)], [24]);
  rig.device.notify(CONTROLQ);
  check(rig);
});

test("while a cursor is shown", () => {
  const { rig, resetDuringDisplay } = stage();
  rig.resource2d(1, 64, 64);
  resetDuringDisplay();
  rig.offer(1, [msg.cursor(CMD.UPDATE_CURSOR, 0, 0, 0, 1)], []);
  rig.device.notify(1);
  check(rig);
});

test("while the renderer creates a context, a resource or a blob", () => {
  const o = { ctx: 1 };
  const cases: [string, Uint8Array][] = [
    ["createContext", msg.ctxCreate(0, "", { ctx: 2 })],
    ["createResource", msg.create3d(7, [2, 1, 2, 64, 64, 1, 1, 0, 0, 0], o)],
    ["createBlob", msg.createBlob(7, { mem: 2, size: 4096 }, o)],
  ];
  for (const [method, request] of cases) {
    const { rig, renderer } = stage();
    expectOk(rig.command(msg.ctxCreate(0, "", o)));
    renderer.during = method;
    rig.offer(CONTROLQ, [request], [24]);
    rig.device.notify(CONTROLQ);
    assert.is(renderer.during, "", method);
    check(rig);
    expectOk(rig.command(msg.ctxCreate(0, "", { ctx: 2 })));
  }
});

test("while the renderer says what a resource looks like", () => {
  const requests: [number, Uint8Array][] = [
    [0, msg.setScanout(0, 7, FULL)],
    [1, msg.cursor(CMD.UPDATE_CURSOR, 0, 0, 0, 7)],
  ];
  for (const [queue, request] of requests) {
    const { rig, renderer } = stage();
    expectOk(rig.command(msg.create3d(7, [2, 1, 2, 64, 64, 1, 1, 0, 0, 0])));
    renderer.during = "pixels";
    rig.offer(queue, [request], []);
    rig.device.notify(queue);
    assert.is(renderer.during, "");
    check(rig);
  }
});

test("a command whose promise comes after the reset holds up nobody", async () => {
  const { rig, renderer } = stage();
  expectOk(rig.command(msg.ctxCreate(0, "", { ctx: 1 })));
  let reject: (error: Error) => void = () => {};
  renderer.later = new Promise((_, no) => {
    reject = no;
  });
  renderer.during = "createBlob";
  rig.offer(CONTROLQ, [msg.createBlob(7, { mem: 2, size: 4096 }, { ctx: 1 })], [24]);
  rig.device.notify(CONTROLQ);
  assert.equal([rig.gpu.commandsInFlight, rig.gpu.abandonedCalls], [0, 1]);
  check(rig);
  rig.resource2d(7, 16, 16);
  reject(new Error("too late"));
  await settle();
  assert.equal([rig.gpu.commandsInFlight, rig.gpu.abandonedCalls], [0, 0]);
  assert.is(rig.gpu.hostBytes, 1024, "what was begun before the reset is not taken back after it");
  assert.is(rig.command(msg.unref(7)).type, OK.NODATA);
  assert.is(rig.gpu.hostBytes, 0);
});

test.run();
