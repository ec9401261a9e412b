// Configuration space as an independent reader sees it: lspci decodes a hex dump.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { PciTransportOptions } from "../../../src/transport/pci/index.ts";
import { PciMachine } from "../../support/pci-machine.ts";
import { needs, type Peer } from "../../support/peer.ts";
import type { TransportTypeOptions } from "../../support/transport-device.ts";

const test = suite("virtio-pci as lspci sees it");

const lspci: Peer = {
  name: "lspci",
  get: "apt-get install pciutils",
  find: () =>
    ["/usr/bin/lspci", "/bin/lspci", "/usr/sbin/lspci", "/sbin/lspci"].find((path) => existsSync(path)),
};

function decode(machine: PciMachine): string {
  const { transport } = machine;
  const lines = ["00:09.0 Display controller"];
  for (let at = 0; at < transport.configSizeBytes; at += 16) {
    const bytes = Array.from({ length: 16 }, (_, i) => transport.configRead(at + i, 1));
    lines.push(
      `${at.toString(16).padStart(2, "0")}: ${bytes.map((b) => b.toString(16).padStart(2, "0")).join(" ")}`,
    );
  }
  const folder = mkdtempSync(join(tmpdir(), "virtio-lspci-"));
  try {
    const file = join(folder, "dump");
    writeFileSync(file, `${lines.join("\n")}\n`);
    const { status, stdout } = spawnSync(lspci.find() ?? "lspci", ["-F", file, "-vvv", "-nn"], {
      encoding: "utf8",
    });
    assert.is(status, 0);
    return stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function machine(options: PciTransportOptions, type: TransportTypeOptions = {}): PciMachine {
  const made = new PciMachine(type, options);
  made.transport.configWrite(0x10, 4, 0xfea00000);
  made.transport.configWrite(0x14, 4, 0xfea01000);
  made.enable();
  return made;
}

const withLspci = needs(test, lspci);

withLspci("a gpu in memory space with MSI-X and shared memory", () => {
  const sharedMemory = [{ id: 1, lengthBytes: 0x4000, buffer: new ArrayBuffer(0x4000) }];
  const text = decode(machine({}, { sharedMemory }));
  assert.match(text, /\[0380\]: Red Hat, Inc\. Virtio.*GPU \[1af4:1050\] \(rev 01\)/);
  assert.match(text, /Subsystem: Red Hat, Inc\..*\[1af4:0040\]/);
  assert.match(text, /Control: I\/O- Mem\+ BusMaster\+ .*DisINTx-/);
  assert.match(text, /Status: Cap\+ .*INTx-/);
  assert.match(text, /Interrupt: pin A/);
  assert.match(text, /VirtIO: CommonCfg\s+BAR=0 offset=00000000 size=00000040/);
  assert.match(text, /VirtIO: Notify\s+BAR=0 offset=0000005c size=00000006 multiplier=00000004/);
  assert.match(text, /VirtIO: ISR\s+BAR=0 offset=00000040 size=00000001/);
  assert.match(text, /VirtIO: DeviceCfg\s+BAR=0 offset=00000050 size=0000000c/);
  assert.match(text, /VirtIO: <unknown>\s+BAR=0 offset=00000000 size=00000000/);
  assert.match(
    text,
    /MSI-X: Enable- Count=3 Masked-\n\s+Vector table: BAR=1 offset=00000000\n\s+PBA: BAR=1 offset=00000800/,
  );
  assert.not.match(text, /chain broken|chain looped|access denied/);
});

withLspci("in I/O space with INTx pending", () => {
  const made = machine({ layout: { kind: "io", address: 0xc000 }, msix: false, interruptPin: 2 });
  made.transport.configWrite(0x10, 4, 0xc000);
  made.bringUp(made);
  made.exchange(0);
  const text = decode(made);
  assert.match(text, /Control: I\/O\+ Mem- BusMaster\+/);
  assert.match(text, /Status: Cap\+ .*INTx\+/);
  assert.match(text, /Interrupt: pin B/);
  assert.match(text, /I\/O ports at c000/);
  assert.not.match(text, /MSI-X/);
});

withLspci("as an express function", () => {
  const text = decode(machine({ express: true }));
  assert.match(text, /Power Management version 3\n.*D1- D2-.*\n\s+Status: D0 NoSoftRst\+/);
  assert.match(text, /Express \(v1\) Root Complex Integrated Endpoint/);
  assert.match(text, /FLReset\+/);
  assert.match(text, /MaxPayload 128 bytes, MaxReadReq 512 bytes/);
  assert.not.match(text, /chain broken|chain looped/);
});

test.run();
