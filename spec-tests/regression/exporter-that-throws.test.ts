import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseUuid, SharedObjectRegistry } from "../../src/device/index.ts";
import { RenderDevice } from "../../src/devices/render/index.ts";
import { DeviceRig } from "../../src/testing/index.ts";
import { ROK, readAnswer, rmsg } from "../support/render-messages.ts";
import { FakeExport } from "../support/render-rig.ts";

// What an exporter threw when the renderer asked for its object went through the renderer's notification register.

const ERR_UNBACKED = 0xe90e;
const UUID = parseUuid("01234567-89ab-4cde-8f01-000000000001");
const FENCE = { fence: 1 };

class Throwing extends FakeExport {
  broken = false;

  #check(): void {
    if (this.broken) throw new Error("the exporter is gone");
  }
  override get sizeBytes(): number {
    this.#check();
    return super.sizeBytes;
  }
  override read(...args: Parameters<FakeExport["read"]>): number {
    this.#check();
    return super.read(...args);
  }
  override write(...args: Parameters<FakeExport["write"]>): number {
    this.#check();
    return super.write(...args);
  }
}

test("an exporter that throws has no bytes: nothing is imported, nothing drawn", () => {
  const sharedObjects = new SharedObjectRegistry();
  const content = new Throwing(32, { widthPixels: 4, heightPixels: 2, format: 1, strideBytes: 16 });
  sharedObjects.publish(UUID, content);
  const messages: unknown[] = [];
  const type = new RenderDevice({ sharedObjects });
  const rig = new DeviceRig(type, {
    device: {
      trace: ({ kind, detail }) => {
        if (kind === "exporter-failure") messages.push(detail["message"]);
      },
    },
  });
  const send = (request: Uint8Array): number => {
    const sent = rig.offer(0, [request], [64]);
    rig.notify(0);
    return readAnswer(rig.response(sent), sent.written).type;
  };
  content.broken = true;
  assert.is.not(send(rmsg.importUuid(1, UUID)), ROK.IMPORT);
  assert.equal(type.imports(), []);
  assert.is(sharedObjects.get(UUID)?.users, 0);
  content.broken = false;
  assert.is(send(rmsg.importUuid(1, UUID)), ROK.IMPORT);
  content.broken = true;
  assert.is(send(rmsg.fill(1, 5, [0, 0, 4, 2], FENCE)), ERR_UNBACKED);
  assert.ok(content.bytes.every((byte) => byte === 0));
  assert.ok(messages.length > 0 && messages.every((message) => message === "the exporter is gone"));
  content.broken = false;
  assert.is(send(rmsg.fill(1, 5, [0, 0, 4, 2], { fence: 2 })), ROK.PLAIN);
});

test.run();
