// Profile `qemu` beside QEMU itself. The differences that stay, with their reasons, are in
// spec-tests/fixtures/qemu-profile/differences.json.
//
// Another QEMU (11.1 has entries of its own): put it first on PATH. More random sequences, and other ones:
// `QEMU_RANDOM_SEED=1000 QEMU_RANDOM_COUNT=5000 npm test -- qemu-profile`
import { suite } from "uvu";
import { locate, needs, peers } from "../support/peer.ts";
import { ALL_CASES, compare } from "../support/qemu-versus/compare.ts";
import { randomCases } from "../support/qemu-versus/random.ts";

const SEED = Number(process.env["QEMU_RANDOM_SEED"] ?? 1);
const COUNT = Number(process.env["QEMU_RANDOM_COUNT"] ?? 60);

const profile = suite("profile qemu");
const withQemu = needs(profile, peers.qemu);

for (const transport of ["mmio", "pci"] as const) {
  withQemu(
    `${transport}: registers, bring-up, rings and commands are QEMU's, but for what the table says`,
    () => compare(transport, locate(peers.qemu) ?? "", ALL_CASES, true),
  );
  withQemu(`${transport}: random sequences are QEMU's`, () =>
    compare(transport, locate(peers.qemu) ?? "", randomCases(SEED, COUNT), false),
  );
}

profile.run();
