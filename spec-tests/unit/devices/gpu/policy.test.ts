// What each profile answers where the specification is silent: the rows of "what other implementations do".
import { test } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../../src/base/errors.ts";
import { GpuDevice, type GpuDeviceOptions } from "../../../../src/devices/gpu/index.ts";
import { BGRX, ERR, msg, OK } from "../../../support/gpu-messages.ts";
import { type Answer, expectOk, GpuRig } from "../../../support/gpu-rig.ts";
import { RecordingRenderer } from "../../../support/recording-renderer.ts";

const full = (w: number, h: number) => ({ x: 0, y: 0, w, h });
const FAR = 0x2_0000_0000;

interface Row {
  readonly name: string;
  readonly run: (rig: GpuRig) => Answer;
  readonly spec: number;
  readonly qemu: number;
  readonly crosvm: number;
}

const make = (rig: GpuRig, w = 64, h = 48) => expectOk(rig.command(msg.create2d(5, BGRX, w, h)));
const PAGE = 0x100000;

const ROWS: readonly Row[] = [
  {
    name: "an unknown command",
    run: (rig) => rig.command(new Uint8Array(24)),
    spec: ERR.UNSPEC,
    qemu: ERR.UNSPEC,
    crosvm: ERR.UNSPEC,
  },
  {
    name: "a request of 23 bytes",
    run: (rig) => rig.command(msg.displayInfo().subarray(0, 23)),
    spec: ERR.PARAMETER,
    qemu: ERR.PARAMETER,
    crosvm: ERR.UNSPEC,
  },
  {
    name: "CREATE_2D of 39 bytes",
    run: (rig) => rig.command(msg.create2d(5, BGRX, 8, 8).subarray(0, 39)),
    spec: ERR.PARAMETER,
    qemu: ERR.PARAMETER,
    crosvm: ERR.UNSPEC,
  },
  {
    name: "CREATE_2D with more bytes than its struct",
    run: (rig) => rig.command(new Uint8Array([...msg.create2d(5, BGRX, 8, 8), ...new Array(100).fill(7)])),
    spec: OK.NODATA,
    qemu: OK.NODATA,
    crosvm: OK.NODATA,
  },
  {
    name: "CREATE_2D of 0 by 0 pixels",
    run: (rig) => rig.command(msg.create2d(5, BGRX, 0, 0)),
    spec: ERR.PARAMETER,
    qemu: ERR.OUT_OF_MEMORY,
    crosvm: OK.NODATA,
  },
  {
    name: "CREATE_2D with one side of 0 pixels",
    run: (rig) => rig.command(msg.create2d(5, BGRX, 0, 8)),
    spec: ERR.PARAMETER,
    qemu: ERR.OUT_OF_MEMORY,
    crosvm: OK.NODATA,
  },
  {
    name: "ATTACH_BACKING twice",
    run: (rig) => {
      make(rig);
      expectOk(rig.command(msg.attach(5, [[PAGE, 12288]])));
      return rig.command(msg.attach(5, [[PAGE, 12288]]));
    },
    spec: ERR.UNSPEC,
    qemu: ERR.UNSPEC,
    crosvm: OK.NODATA,
  },
  {
    name: "ATTACH_BACKING with no entries",
    run: (rig) => {
      make(rig);
      return rig.command(msg.attach(5, []));
    },
    spec: ERR.PARAMETER,
    qemu: OK.NODATA,
    crosvm: OK.NODATA,
  },
  {
    name: "an entry of length 0",
    run: (rig) => {
      make(rig);
      return rig.command(
        msg.attach(5, [
          [PAGE, 4096],
          [PAGE, 0],
          [PAGE, 8192],
        ]),
      );
    },
    spec: ERR.PARAMETER,
    qemu: ERR.UNSPEC,
    crosvm: OK.NODATA,
  },
  {
    name: "16,384 entries of which one is there",
    run: (rig) => {
      make(rig);
      return rig.command(msg.attach(5, [[PAGE, 4096]], {}, 16384));
    },
    spec: ERR.PARAMETER,
    qemu: ERR.UNSPEC,
    crosvm: ERR.UNSPEC,
  },
  {
    name: "16,385 entries",
    run: (rig) => {
      make(rig);
      return rig.command(msg.attach(5, [[PAGE, 4096]], {}, 16385));
    },
    spec: ERR.OUT_OF_MEMORY,
    qemu: ERR.UNSPEC,
    crosvm: ERR.UNSPEC,
  },
  {
    name: "an entry beyond memory",
    run: (rig) => {
      make(rig);
      return rig.command(msg.attach(5, [[FAR, 12288]]));
    },
    spec: ERR.PARAMETER,
    qemu: ERR.UNSPEC,
    crosvm: ERR.UNSPEC,
  },
  {
    name: "a page beyond memory",
    run: (rig) => {
      make(rig);
      return rig.command(msg.attach(5, [[FAR, 4096]]));
    },
    spec: ERR.PARAMETER,
    qemu: OK.NODATA,
    crosvm: ERR.UNSPEC,
  },
  {
    name: "another page beyond memory",
    run: (rig) => {
      make(rig);
      rig.command(msg.attach(5, [[FAR, 4096]]));
      rig.command(msg.create2d(6, BGRX, 64, 48));
      return rig.command(msg.attach(6, [[FAR, 4096]]));
    },
    spec: ERR.PARAMETER,
    qemu: ERR.UNSPEC,
    crosvm: ERR.UNSPEC,
  },
  {
    name: "another page beyond memory, after the first was given back",
    run: (rig) => {
      make(rig);
      rig.command(msg.attach(5, [[FAR, 4096]]));
      rig.command(msg.unref(5));
      rig.command(msg.create2d(6, BGRX, 64, 48));
      return rig.command(msg.attach(6, [[FAR, 4096]]));
    },
    spec: ERR.PARAMETER,
    qemu: OK.NODATA,
    crosvm: ERR.UNSPEC,
  },
  {
    name: "an entry across the end of memory",
    run: (rig) => {
      make(rig);
      return rig.command(msg.attach(5, [[(32 << 20) - 4096, 8192]]));
    },
    spec: ERR.PARAMETER,
    qemu: OK.NODATA,
    crosvm: ERR.UNSPEC,
  },
  {
    name: "TRANSFER through an entry beyond memory",
    run: (rig) => {
      make(rig);
      rig.command(msg.attach(5, [[FAR, 4096]]));
      return rig.command(msg.transfer(5, full(64, 48), 0));
    },
    spec: ERR.UNSPEC,
    qemu: OK.NODATA,
    crosvm: ERR.UNSPEC,
  },
  {
    name: "DETACH_BACKING with nothing attached",
    run: (rig) => {
      make(rig);
      return rig.command(msg.detach(5));
    },
    spec: ERR.UNSPEC,
    qemu: ERR.UNSPEC,
    crosvm: OK.NODATA,
  },
  {
    name: "TRANSFER without backing",
    run: (rig) => {
      make(rig);
      return rig.command(msg.transfer(5, full(64, 48), 0));
    },
    spec: ERR.UNSPEC,
    qemu: ERR.UNSPEC,
    crosvm: ERR.UNSPEC,
  },
  {
    name: "SET_SCANOUT without backing",
    run: (rig) => {
      make(rig);
      return rig.command(msg.setScanout(0, 5, full(64, 48)));
    },
    spec: OK.NODATA,
    qemu: ERR.UNSPEC,
    crosvm: OK.NODATA,
  },
  {
    name: "TRANSFER from an offset beyond the backing",
    run: (rig) => {
      rig.resource2d(5, 64, 48);
      return rig.command(msg.transfer(5, full(64, 48), 0x7fffffff));
    },
    spec: ERR.PARAMETER,
    qemu: OK.NODATA,
    crosvm: ERR.UNSPEC,
  },
  {
    name: "TRANSFER with backing shorter than the rectangle",
    run: (rig) => {
      make(rig);
      expectOk(rig.command(msg.attach(5, [[PAGE, 256]])));
      return rig.command(msg.transfer(5, full(64, 48), 0));
    },
    spec: ERR.PARAMETER,
    qemu: OK.NODATA,
    crosvm: ERR.UNSPEC,
  },
  {
    name: "TRANSFER of 0 by 0 pixels",
    run: (rig) => {
      rig.resource2d(5, 64, 48);
      return rig.command(msg.transfer(5, full(0, 0), 0));
    },
    spec: OK.NODATA,
    qemu: OK.NODATA,
    crosvm: OK.NODATA,
  },
  {
    name: "SET_SCANOUT of 15 by 15 pixels",
    run: (rig) => {
      rig.resource2d(5, 64, 48);
      return rig.command(msg.setScanout(0, 5, full(15, 15)));
    },
    spec: OK.NODATA,
    qemu: ERR.PARAMETER,
    crosvm: OK.NODATA,
  },
  {
    name: "SET_SCANOUT of 16 by 16 pixels",
    run: (rig) => {
      rig.resource2d(5, 64, 48);
      return rig.command(msg.setScanout(0, 5, full(16, 16)));
    },
    spec: OK.NODATA,
    qemu: OK.NODATA,
    crosvm: OK.NODATA,
  },
  {
    name: "GET_EDID of a scanout that isn't there",
    run: (rig) => rig.command(msg.edid(3), 1056),
    spec: ERR.SCANOUT,
    qemu: ERR.PARAMETER,
    crosvm: OK.EDID,
  },
  {
    name: "a blob larger than its backing",
    run: (rig) => rig.command(msg.createBlob(5, { size: 65536, entries: [[PAGE, 4096]] })),
    spec: ERR.PARAMETER,
    qemu: ERR.PARAMETER,
    crosvm: OK.NODATA,
  },
  {
    name: "SET_SCANOUT of a blob",
    run: (rig) => {
      expectOk(rig.command(msg.createBlob(5, { size: 65536, entries: [[PAGE, 65536]] })));
      return rig.command(msg.setScanout(0, 5, full(64, 48)));
    },
    spec: ERR.PARAMETER,
    qemu: ERR.PARAMETER,
    crosvm: ERR.PARAMETER,
  },
  {
    name: "a command of the other queue",
    run: (rig) => rig.command(msg.cursor(0x301, 0, 1, 1)),
    spec: ERR.UNSPEC,
    qemu: ERR.UNSPEC,
    crosvm: OK.NODATA,
  },
];

for (const row of ROWS) {
  test(row.name, () => {
    for (const profile of ["spec", "qemu", "crosvm"] as const) {
      const answer = row.run(new GpuRig({ profile, features: { resourceUuid: true, resourceBlob: true } }));
      assert.is(`${profile} 0x${answer.type.toString(16)}`, `${profile} 0x${row[profile].toString(16)}`);
    }
  });
}

test("with qemu a hole keeps what the resource has there", () => {
  const rig = new GpuRig({ profile: "qemu" });
  make(rig, 64, 32);
  const page = rig.allocate(4096, 4096);
  rig.memory.view(page, 4096).fill(7);
  expectOk(
    rig.command(
      msg.attach(5, [
        [page, 4096],
        [FAR, 4096],
      ]),
    ),
  );
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 32))));
  for (let i = 0; i < 3; i++) expectOk(rig.command(msg.transfer(5, full(64, 32), 0)));
  const pixels = rig.gpu.scanout(0)?.pixels as Uint8Array;
  assert.ok(pixels.subarray(0, 4096).every((byte) => byte === 7));
  assert.ok(pixels.subarray(4096).every((byte) => byte === 0));
});

test("with crosvm an empty resource does no harm", () => {
  const rig = new GpuRig({ profile: "crosvm" });
  expectOk(rig.command(msg.create2d(5, BGRX, 0, 8)));
  expectOk(rig.command(msg.attach(5, [[PAGE, 4096]])));
  expectOk(rig.command(msg.transfer(5, full(0, 8), 0)));
  expectOk(rig.command(msg.flush(5, full(0, 8))));
  assert.is(rig.command(msg.setScanout(0, 5, full(0, 8))).type, ERR.PARAMETER);
  expectOk(rig.command(msg.unref(5)));
});

test("cursor commands with a buffer for the response", () => {
  const request = msg.cursor(0x301, 0, 5, 6);
  for (const [profile, written, type] of [
    ["spec", 24, OK.NODATA],
    ["qemu", 0, 0xa5a5a5a5],
    ["crosvm", 24, OK.NODATA],
  ] as const) {
    const answer = new GpuRig({ profile }).cursorCommand(request, 24);
    assert.is(answer.written, written);
    assert.is(answer.type, type);
  }
});

test("a cursor that is not 64x64: refused, or moved without a new image", () => {
  for (const [profile, type] of [
    ["spec", ERR.PARAMETER],
    ["crosvm", OK.NODATA],
  ] as const) {
    const rig = new GpuRig({ profile });
    rig.resource2d(5, 32, 32);
    assert.is(rig.cursorCommand(msg.cursor(0x300, 0, 5, 6, 5), 24).type, type);
    assert.is(rig.gpu.cursor(0), null);
  }
  const rig = new GpuRig({ profile: "qemu" });
  rig.resource2d(5, 32, 32);
  rig.cursorCommand(msg.cursor(0x300, 0, 5, 6, 5));
  assert.is(rig.display.screen(0).cursorMoves, 1);
  assert.is(rig.display.screen(0).cursorX, 5);
});

test("a single decision can differ from its profile", () => {
  const rig = new GpuRig({ profile: "qemu", policy: { minScanoutPixels: 1 } });
  rig.resource2d(5, 64, 48);
  expectOk(rig.command(msg.setScanout(0, 5, full(1, 1))));
});

test("features decide what is offered, not what is negotiated, except with spec", () => {
  for (const [profile, type] of [
    ["spec", ERR.UNSPEC],
    ["qemu", OK.EDID],
    ["crosvm", OK.EDID],
  ] as const) {
    assert.is(new GpuRig({ profile }, { features: [] }).command(msg.edid(0), 1056).type, type);
    const without = new GpuRig({ profile, features: { edid: false } }, { features: [] });
    assert.not.equal(without.command(msg.edid(0), 1056).type, OK.EDID);
  }
});

test("the last byte of the limit can be had, except with qemu", () => {
  for (const [profile, type] of [
    ["spec", OK.NODATA],
    ["qemu", ERR.OUT_OF_MEMORY],
    ["crosvm", OK.NODATA],
  ] as const) {
    const rig = new GpuRig({ profile, limits: { maxHostBytes: 64 * 64 * 4 } });
    assert.is(rig.command(msg.create2d(5, BGRX, 64, 64)).type, type, profile);
    assert.is(rig.command(msg.create2d(6, BGRX, 64, 63)).type, type === OK.NODATA ? 0x1201 : OK.NODATA);
  }
});

test("control queues are as long as those of the profile's namesake", () => {
  const size = (options: GpuDeviceOptions) => new GpuDevice(options).queues.map(({ maxSize }) => maxSize);
  const renderer = new RecordingRenderer();
  assert.equal(size({}), [64, 16]);
  assert.equal(size({ renderer }), [64, 16]);
  assert.equal(size({ profile: "qemu" }), [64, 16]);
  assert.equal(size({ profile: "qemu", renderer }), [256, 16]);
  assert.equal(size({ profile: "crosvm" }), [512, 16]);
  assert.equal(size({ profile: "crosvm", controlQueueSize: 8 }), [8, 16]);
});

test("profiles and decisions that do not exist are refused", () => {
  const options: object[] = [
    { profile: "virtualbox" },
    { profile: "toString" },
    { policy: { attachTwoTimes: 0x1200 } },
  ];
  for (const each of options) {
    assert.throws(
      () => new GpuDevice(each),
      (error: unknown) => error instanceof VirtioUsageError,
    );
  }
});

test("a decision that is undefined is left to the profile", () => {
  const policy: object = { uuid: undefined };
  assert.is(new GpuDevice({ policy }).name, "gpu");
});

test("qemu does not offer RESOURCE_UUID", () => {
  assert.not(new GpuRig({ profile: "qemu" }).gpu.features.includes(2));
  assert.ok(new GpuRig({ profile: "crosvm" }).gpu.features.includes(2));
});

const PROFILES = ["spec", "qemu", "crosvm"] as const;

test("a command on blobs where none are offered", () => {
  for (const [profile, type] of [
    ["spec", ERR.UNSPEC],
    ["qemu", ERR.PARAMETER],
    ["crosvm", ERR.UNSPEC],
  ] as const) {
    const rig = new GpuRig({ profile, features: { resourceBlob: false } });
    const blob = msg.createBlob(5, { size: 4096, entries: [[PAGE, 4096]] });
    assert.is(rig.command(blob).type, type, profile);
  }
});

test("a UUID: another each time, that of the id, or none", () => {
  const uuidOf = (profile: (typeof PROFILES)[number]) => {
    const rig = new GpuRig({ profile, features: { resourceUuid: true } });
    make(rig);
    const { type, bytes } = rig.command(msg.assignUuid(5), 40);
    return type >= ERR.UNSPEC ? type : bytes.slice(24).join();
  };
  assert.not.equal(uuidOf("spec"), uuidOf("spec"));
  assert.is(uuidOf("crosvm"), uuidOf("crosvm"));
  assert.is(uuidOf("qemu"), ERR.UNSPEC);
});

test("a monitor that is off has the size it would have, or none", () => {
  for (const profile of PROFILES) {
    const rig = new GpuRig({ profile });
    rig.gpu.setDisplay(0, { enabled: false, widthPixels: 640, heightPixels: 480 });
    const { bytes } = rig.command(msg.displayInfo(), 408);
    const { buffer, byteOffset } = bytes;
    const words = [0, 4, 8, 12, 16].map((at) => new DataView(buffer, byteOffset + 24).getUint32(at, true));
    assert.equal(words, profile === "qemu" ? [0, 0, 0, 0, 0] : [0, 0, 640, 480, 0], profile);
  }
});

test("a context that exists is created once more", () => {
  for (const profile of PROFILES) {
    const rig = new GpuRig({ profile, renderer: new RecordingRenderer() });
    expectOk(rig.command(msg.ctxCreate(0, "", { ctx: 1 })));
    const { type } = rig.command(msg.ctxCreate(0, "", { ctx: 1 }));
    assert.is(type, profile === "qemu" ? OK.NODATA : 0x1204, profile);
  }
});

test("a transfer of whole rows from the first on: the rectangle, or with qemu everything", () => {
  for (const profile of PROFILES) {
    const rig = new GpuRig({ profile });
    make(rig, 64, 48);
    const page = rig.allocate(64 * 48 * 4, 4096);
    rig.memory.view(page, 64 * 48 * 4).fill(7);
    expectOk(rig.command(msg.attach(5, [[page, 64 * 48 * 4]])));
    expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
    const rows = (): number => {
      const pixels = rig.gpu.scanout(0)?.pixels as Uint8Array;
      return pixels.filter((byte) => byte === 7).length / 256;
    };
    expectOk(rig.command(msg.transfer(5, full(63, 1), 0)));
    assert.is(rows(), 63 / 64, profile);
    expectOk(rig.command(msg.transfer(5, full(64, 2), 0)));
    assert.is(rows(), profile === "qemu" ? 48 : 2, profile);
  }
});

test.run();
