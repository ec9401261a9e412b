// What clients must not be able to do to the VNC server.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  encodingsMessage,
  NATIVE,
  pixelFormatMessage,
  requestMessage,
  setDesktopSizeMessage,
} from "../../../support/rfb-client.ts";
import { motley, TestPicture } from "../../../support/test-picture.ts";
import { type Cleanups, cleanUp, endings, type Stage, stage, until } from "../../../support/vnc-stage.ts";

const hostile = suite<Cleanups>("vnc, hostile clients", { cleanups: [] });

hostile.after.each(cleanUp);

function show({ server }: Stage, width = 200, height = 100): TestPicture {
  const shown = new TestPicture(width, height);
  shown.draw(motley);
  shown.showOn(server);
  return shown;
}

/** A well-behaved client still gets what it should. */
async function stillServes(set: Stage, shown: TestPicture): Promise<void> {
  const client = await set.connect();
  client.setEncodings(16);
  client.request(false);
  await client.update();
  assert.equal(client.rgb, shown.rgb());
  client.close();
  await until(() => set.server.clients === 0);
}

const message = (...bytes: readonly number[]): Buffer => Buffer.from(bytes);

const AFTER_HANDSHAKE: Readonly<Record<string, readonly [bytes: Buffer, reason: string]>> = {
  "an unknown message": [message(77), "unknown message type 77"],
  "the obsolete FixColourMapEntries": [message(1, 0, 0, 0), "unknown message type 1"],
  "65535 encodings": [message(2, 0, 0xff, 0xff), "65535 encodings"],
  "text of 4 GiB": [message(6, 0, 0, 0, 0xff, 0xff, 0xff, 0xff), "too much text"],
  "text of negative length": [message(6, 0, 0, 0, 0x80, 0, 0, 0), "too much text"],
  "24 bits per pixel": [pixelFormatMessage({ ...NATIVE, bits: 24 as 32 }), "an impossible pixel format"],
  "no red": [pixelFormatMessage({ ...NATIVE, max: [0, 255, 255] }), "an impossible pixel format"],
  "colours beyond the pixel": [
    pixelFormatMessage({ ...NATIVE, shift: [25, 8, 0] }),
    "an impossible pixel format",
  ],
  "a shift by 255": [pixelFormatMessage({ ...NATIVE, shift: [255, 8, 0] }), "an impossible pixel format"],
  "a colour map of 2^32 entries": [
    pixelFormatMessage({ ...NATIVE, trueColour: false }),
    "an impossible pixel format",
  ],
};

for (const [name, [bytes, reason]] of Object.entries(AFTER_HANDSHAKE)) {
  hostile(`hangs up on ${name}`, async (context) => {
    const set = await stage(context);
    const shown = show(set);
    const client = await set.connect();
    client.send(bytes);
    await client.waitForEnd();
    assert.equal(endings(set.events), [reason]);
    await stillServes(set, shown);
  });
}

hostile("hangs up on what is no RFB client", async (context) => {
  const set = await stage(context);
  const shown = show(set);
  for (const greeting of ["GET / HTTP/1.1\r\n", "RFB 002.002\n", "RFB 003.008\r", "\0".repeat(12)]) {
    const client = await set.open();
    client.send(Buffer.from(greeting, "latin1"));
    await client.waitForEnd();
  }
  assert.equal(endings(set.events), new Array(4).fill("no RFB client"));
  await stillServes(set, shown);
});

hostile("hangs up on a security type that was not offered", async (context) => {
  const set = await stage(context, { password: "x" });
  const client = await set.open();
  client.send(Buffer.from("RFB 003.008\n\u0001", "latin1"));
  await client.waitForEnd();
  assert.equal(endings(set.events), ["a security type that was not offered"]);
});

hostile("lets nobody in without the password", async (context) => {
  const set = await stage(context, { password: "x" });
  const shown = show(set);
  const client = await set.open();
  // As if the handshake were over: the first 16 bytes are taken as the answer to the challenge.
  const rush = Buffer.concat([
    Buffer.from("RFB 003.008\n\u0002", "latin1"),
    Buffer.alloc(16),
    message(1),
    requestMessage(false, 0, 0, 200, 100),
  ]);
  client.send(rush);
  await client.waitForEnd();
  assert.equal(endings(set.events), ["wrong password"]);
  const heard = await client.read(client.available);
  assert.ok(heard.length < 100, "no more than the handshake");
  assert.ok(shown.rgb().length > 0);
});

hostile("half-open connections have an end", async (context) => {
  const set = await stage(context, { handshakeTimeoutMs: 80, password: "x" });
  const shown = show(set);
  for (const start of ["", "RFB 003.0", "RFB 003.008\n", "RFB 003.008\n\u0002"]) {
    const client = await set.open();
    client.send(Buffer.from(start, "latin1"));
    await client.waitForEnd();
  }
  assert.equal(endings(set.events), new Array(4).fill("the handshake took too long"));
  const one = await set.connect({ password: "x" });
  one.request(false);
  await one.update();
  await new Promise((resolve) => setTimeout(resolve, 120));
  one.request(false);
  await one.update();
  assert.equal(one.rgb, shown.rgb(), "who is in may take its time");
});

hostile("turns more clients away than it was told to serve", async (context) => {
  const set = await stage(context, { maxClients: 3 });
  const shown = show(set);
  const first = await set.connect();
  for (let i = 0; i < 2; i++) await set.connect();
  const crowd = await Promise.all(Array.from({ length: 30 }, () => set.open()));
  await Promise.all(crowd.map((client) => client.waitForEnd()));
  assert.is(set.server.clients, 3);
  assert.is(set.server.counters.turnedAway, 30);
  first.close();
  await until(() => set.server.clients === 2);
  const next = await set.connect();
  next.request(false);
  await next.update();
  assert.equal(next.rgb, shown.rgb());
});

hostile("holds little for a client that does not read, and lets go of it", async (context) => {
  const set = await stage(context, { stallTimeoutMs: 400 });
  const shown = new TestPicture(3000, 2000);
  shown.draw((x, y) => [(x * 7919 + y * 104729) & 255, (x * y) & 255, (x ^ y) & 255]);
  shown.showOn(set.server);
  const client = await set.connect();
  client.socket.pause();
  for (let i = 0; i < 2000; i++) client.request(false);
  for (let i = 0; i < 20; i++) {
    set.server.flush(0, 0, 0, 3000, 2000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until(() => set.server.clients === 0);
  assert.equal(endings(set.events), ["the client does not read"]);
  const { bytesSent } = set.server.counters;
  // What the kernel's buffers hold, and one rectangle.
  assert.ok(bytesSent < 20_000_000, `${bytesSent} bytes for a picture of 24 000 000`);
});

hostile("text that nobody reads does no harm", async (context) => {
  const set = await stage(context);
  const shown = show(set);
  const client = await set.connect();
  const text = Buffer.alloc(8 + 300_000, 0x61);
  text.set([6, 0, 0, 0], 0);
  text.writeUInt32BE(300_000, 4);
  client.send(text);
  client.request(false);
  await client.update();
  assert.equal(client.rgb, shown.rgb());
});

hostile("reads floods slowly", async (context) => {
  let heard = 0;
  const set = await stage(context, { onKey: () => void heard++ });
  show(set);
  const client = await set.connect();
  const keys = Buffer.alloc(8 * 250_000);
  for (let i = 0; i < keys.length; i += 8) keys[i] = 4;
  client.send(keys);
  const begin = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 300));
  // 256 KiB at once, then 256 bytes a millisecond; what the network brings in one piece comes on top.
  const most = 2 ** 18 + 256 * (performance.now() - begin + 100) + 2 ** 16;
  assert.ok(heard * 8 >= 2 ** 18 && heard * 8 < most, `${heard} keys`);
});

hostile("hangs up on floods of wishes for a size", async (context) => {
  const set = await stage(context, { onResize: () => true });
  const shown = show(set);
  const client = await set.connect();
  client.setEncodings(-308);
  for (let i = 0; i < 17; i++) client.send(setDesktopSizeMessage(100 + i, 100));
  await client.waitForEnd();
  assert.equal(endings(set.events), ["too many wishes for a size"]);
  await stillServes(set, shown);
});

hostile("clients that know no extension may not use it", async (context) => {
  const wishes: unknown[] = [];
  const set = await stage(context, { onResize: (...wish) => wishes.push(wish) > 0 });
  show(set);
  const client = await set.connect();
  client.send(setDesktopSizeMessage(100, 100));
  client.request(false);
  await client.update();
  assert.equal(wishes, []);
});

hostile("survives clients that leave at any moment", async (context) => {
  const set = await stage(context);
  const shown = show(set, 700, 400);
  for (let i = 0; i < 30; i++) {
    const client = await set.connect();
    client.setEncodings(i % 3 === 0 ? 0 : 16);
    client.request(false);
    if (i % 2 === 0) await client.read(1 + i * 100);
    client.socket.resetAndDestroy();
    set.server.flush(0, 0, 0, 700, 400);
  }
  await until(() => set.server.clients === 0);
  await stillServes(set, shown);
});

hostile("can be closed in the middle of everything", async (context) => {
  for (let i = 0; i < 5; i++) {
    const set = await stage(context);
    show(set, 700, 400);
    const clients = await Promise.all([set.connect(), set.connect(), set.open()]);
    for (const client of clients.slice(0, 2)) {
      client.setEncodings(16);
      client.request(false);
    }
    await new Promise((resolve) => setTimeout(resolve, i));
    await set.server.close();
    assert.is(set.server.clients, 0);
    await Promise.all(clients.map((client) => client.waitForEnd()));
    // The device goes on.
    set.server.flush(0, 0, 0, 700, 400);
  }
});

hostile("survives noise", async (context) => {
  const set = await stage(context, {
    onKey: () => undefined,
    onPointer: () => undefined,
    onResize: () => true,
  });
  const shown = show(set);
  let state = 12345;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const types = [0, 2, 3, 3, 4, 5, 6, 251];
  for (let round = 0; round < 60; round++) {
    const client = await set.connect();
    client.socket.resume();
    for (let i = 0; i < 40; i++) {
      const type = types[random(types.length)] as number;
      let bytes: Buffer;
      if (type === 2) bytes = encodingsMessage(Array.from({ length: random(9) }, () => random(400) - 330));
      else if (type === 3)
        bytes = requestMessage(random(2) === 0, random(300), random(200), random(400), random(300));
      else bytes = Buffer.from(Array.from({ length: [20, 0, 0, 0, 8, 6, 8][type] ?? 24 }, () => random(256)));
      if (bytes.length > 0) bytes[0] = type;
      if (type === 251) bytes[6] = 1;
      if (random(200) === 0) bytes = bytes.subarray(0, random(bytes.length));
      client.send(bytes);
    }
    if (round % 8 === 0) shown.showOn(set.server);
    await new Promise((resolve) => setImmediate(resolve));
    if (random(2) === 0) client.close();
    else client.socket.end();
  }
  await until(() => set.server.clients === 0);
  await stillServes(set, shown);
});

hostile.run();
