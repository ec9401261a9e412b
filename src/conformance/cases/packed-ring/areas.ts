import { CaseList } from "../../case.ts";
import { outsideMemory, startAt } from "../support/areas.ts";
import { SMALL } from "../support/rings.ts";

const cases = new CaseList();
const needs = { format: "packed" } as const;
const ALIGNED = "packed-ring.driver.packed-virtqueues.1";
const ERROR_STATE = "content.device.device-status-field.2";

cases.add({
  id: "packed-ring/areas/least-alignment",
  title: "The three areas may lie at any multiple of their alignments: 16, 4 and 4",
  clauses: [ALIGNED, "packed-ring.device.scatter-gather-support.1"],
  needs,
  parameters: [
    { descriptors: 0, driver: 0, device: 0 },
    { descriptors: 16, driver: 4, device: 4 },
    { descriptors: 48, driver: 60, device: 60 },
  ],
  async run(t, offsets) {
    await startAt(t, offsets);
    for (let round = 0; round < SMALL + 2; round++) await t.serves();
  },
});

cases.add({
  id: "packed-ring/areas/misaligned",
  title: "An area at an odd place is refused, or served as it is",
  clauses: [ALIGNED, ERROR_STATE],
  needs,
  parameters: [
    { descriptors: 8, driver: 0, device: 0 },
    { descriptors: 0, driver: 2, device: 0 },
    { descriptors: 0, driver: 0, device: 2 },
  ],
  async run(t, offsets) {
    await startAt(t, offsets);
    await t.refused();
  },
});

cases.add({
  id: "packed-ring/areas/outside-memory",
  title: "An area that is not in memory is refused, and the device is usable after a reset",
  clauses: [ERROR_STATE, "content.device.device-reset.1"],
  needs,
  parameters: [
    { area: "descriptors", where: "crosses-the-end" },
    { area: "descriptors", where: "behind" },
    { area: "driver", where: "behind" },
    { area: "device", where: "behind" },
  ],
  run: (t, { area, where }) => outsideMemory(t, area, where),
});

/** Where the ring and its event suppression structures lie (virtio 1.4, section 2.8.10.1). */
export const AREA_CASES = cases.all;
