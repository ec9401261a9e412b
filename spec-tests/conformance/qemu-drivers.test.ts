// Small drivers with beginners' mistakes that QEMU forgives: what draws there draws on the profile.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { locate, needs, peers } from "../support/peer.ts";
import { isPainting, paint, RAW_DRIVERS } from "../support/qemu-versus/drivers.ts";
import { modelSubject, qemuSubject } from "../support/qemu-versus/subject.ts";

const drivers = suite("drivers that draw on QEMU");
const withQemu = needs(drivers, peers.qemu72);

for (const transport of ["mmio", "pci"] as const) {
  const these = RAW_DRIVERS.filter((driver) => (driver.transport ?? transport) === transport);

  withQemu(`${transport}: they draw on QEMU`, async () => {
    const qemu = await qemuSubject(transport, locate(peers.qemu72) ?? "");
    try {
      for (const driver of these) assert.ok(isPainting(await paint(qemu, driver)), driver.name);
    } finally {
      await qemu.close();
    }
  });

  drivers(`${transport}: they draw on profile qemu`, async () => {
    const model = modelSubject(transport, "qemu");
    for (const driver of these) assert.ok(isPainting(await paint(model, driver)), driver.name);
  });

  drivers(`${transport}: with spec they don't, and the trace says why`, async () => {
    const model = modelSubject(transport, "spec");
    for (const driver of these) {
      const drawn = isPainting(await paint(model, driver));
      if (driver.spec === "draws") assert.ok(drawn, driver.name);
      else assert.match(model.trace.join("\n"), driver.spec, driver.name);
    }
  });
}

drivers.run();
