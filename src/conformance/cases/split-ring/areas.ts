import { CaseList } from "../../case.ts";
import { OUTSIDE, outsideMemory, startAt } from "../support/areas.ts";
import { SMALL } from "../support/rings.ts";

const cases = new CaseList();
const needs = { format: "split" } as const;
const ALIGNED = "split-ring.driver.virtqueues.1";
const ERROR_STATE = "content.device.device-status-field.2";

cases.add({
  id: "split-ring/areas/least-alignment",
  title: "The three areas may lie at any multiple of their alignments: 16, 2 and 4",
  clauses: [ALIGNED, "split-ring.device.the-virtqueue-used-ring.2"],
  needs,
  parameters: [
    { descriptors: 0, driver: 0, device: 0 },
    { descriptors: 16, driver: 2, device: 4 },
    { descriptors: 48, driver: 62, device: 60 },
  ],
  async run(t, offsets) {
    await startAt(t, offsets);
    for (let round = 0; round < SMALL + 2; round++) await t.serves();
  },
});

cases.add({
  id: "split-ring/areas/misaligned",
  title: "An area at an odd place is refused, or served as it is",
  clauses: [ALIGNED, ERROR_STATE],
  needs,
  parameters: [
    { descriptors: 8, driver: 0, device: 0 },
    { descriptors: 0, driver: 1, device: 0 },
    { descriptors: 0, driver: 0, device: 2 },
  ],
  async run(t, offsets) {
    await startAt(t, offsets);
    t.guest.ring(0).publish();
    await t.refused();
  },
});

cases.add({
  id: "split-ring/areas/outside-memory",
  title: "An area that is not in memory is refused, and the device is usable after a reset",
  clauses: [ERROR_STATE, "content.device.device-reset.1"],
  needs,
  parameters: ["descriptors", "driver", "device"].flatMap((area) =>
    Object.keys(OUTSIDE).map((where) => ({ area, where })),
  ),
  run: (t, { area, where }) => outsideMemory(t, area, where),
});

/** Where the rings lie (virtio 1.4, section 2.7). */
export const AREA_CASES = cases.all;
