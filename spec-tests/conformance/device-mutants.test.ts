// Every rule the kit tests is broken once in our own device, and some case must notice: the proof that the cases of a
// MUST statement are worth something.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BINDS_DRIVER, CLAUSES, KIT_AREAS, NOT_OBSERVABLE } from "../../src/conformance/index.ts";
import { DEVICE_MUTANTS } from "../mutants/devices/index.ts";
import type { Judgement } from "../support/mutants/device-judge.ts";
import { chosen } from "../support/mutants/mutant.ts";
import { Workshop } from "../support/mutants/workshop.ts";

const test = suite("mutant devices");
const workshop = new Workshop("spec-tests/support/mutants/device-judge.ts", "devices");
/** Mutants that somebody works on are shown to all cases: the one that is theirs has to notice, and no other. */
const isChosen = process.env["VIRTIO_MUTANTS"] !== undefined;
let caught = 0;
let all = 0;

for (const [area, mutants] of chosen(DEVICE_MUTANTS)) {
  test(`the unbroken device passes the cases of ${area}`, async () => {
    const clauses = [...new Set(mutants.flatMap((mutant) => mutant.clauses))];
    const { cases, objections } = (await workshop.run(null, { clauses })) as Judgement;
    assert.ok(cases > 0, "there are cases");
    assert.equal(objections, []);
  });

  for (const mutant of mutants) {
    test(`${area}: ${mutant.id} is noticed [${mutant.clauses.join("] [")}]`, async () => {
      all++;
      const { by } = mutant;
      const input = {
        clauses: mutant.clauses,
        targets: mutant.targets,
        first: !isChosen,
        ...(isChosen ? {} : { by }),
      };
      let objection = "";
      try {
        const { objections } = (await workshop.run(mutant, input)) as Judgement;
        objection = objections[0] === undefined ? "" : `${objections[0].id}: ${objections[0].message}`;
        const others = objections.filter(({ id }) => by !== undefined && !id.startsWith(`${by}:`));
        assert.equal(others, [], `none but ${by} objects`);
      } catch (error) {
        if (error instanceof assert.Assertion || by !== undefined) throw error;
        const message = error instanceof Error ? error.message : String(error);
        // An edit that does not apply is a fault of the list; a device that spins or dies is noticed.
        if (message.includes("times, not once") || message.includes("Build failed")) throw error;
        objection = message;
      }
      assert.ok(objection !== "", "a case objects");
      caught++;
    });
  }
}

test("every MUST statement that binds a device and can be observed has a mutant", () => {
  const covered = new Set(
    Object.values(DEVICE_MUTANTS).flatMap((mutants) => mutants.flatMap((mutant) => mutant.clauses)),
  );
  const drivers = new Set(BINDS_DRIVER);
  const without = CLAUSES.filter(
    ({ id, area, role, level }) =>
      KIT_AREAS.includes(area) &&
      role !== "driver" &&
      level === "must" &&
      !drivers.has(id) &&
      !Object.hasOwn(NOT_OBSERVABLE, id) &&
      !covered.has(id),
  );
  assert.equal(
    without.map(({ id }) => id),
    [],
  );
});

test.after(async () => {
  await workshop.close();
  process.stderr.write(`note: mutant devices: ${caught} of ${all} noticed\n`);
});

test.run();
