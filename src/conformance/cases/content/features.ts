import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_ADMIN_VQ,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_SR_IOV,
  VIRTIO_F_VERSION_1,
} from "../../../wire/common.ts";
import { CaseList } from "../../case.ts";
import { type DeviceModel, GPU_MODEL } from "../../models/index.ts";
import { inOrder, SMALL } from "../support/rings.ts";
import { works } from "./support.ts";

const cases = new CaseList();
const SENSIBLE_OFFER = "content.device.feature-bits.1";
const SUBSET = "content.device.feature-bits.2";
const SUPPORTED = "content.device.feature-bits.3";
const RESERVED = "content.device.reserved-feature-bits";

/** Device-independent features of the specification that are for drivers of it. */
const COMMON = [28, 29, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 43];

/** Those that concern the platform, or change how queues are identified; other cases have them. */
const NOT_HERE = [
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_SR_IOV,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_ADMIN_VQ,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_VERSION_1,
];

/** Pairs of a feature and one that it requires. */
function dependencies({ features = [] }: DeviceModel): readonly (readonly [number, number])[] {
  return features.flatMap(({ bit, requires = [] }) => requires.map((required) => [bit, required] as const));
}

/** A feature with all it requires, and all that those do. */
function withRequired(model: DeviceModel, bit: number, known = new Set<number>()): Set<number> {
  if (known.has(bit)) return known;
  known.add(bit);
  for (const [feature, required] of dependencies(model))
    if (feature === bit) withRequired(model, required, known);
  return known;
}

/** Whether a device type may have a feature of its own there (virtio 1.4, section 2.2). */
function isDeviceTypes({ features }: DeviceModel, bit: number): boolean {
  if (features === undefined) return bit < 24 || bit >= 50;
  return features.some((feature) => feature.bit === bit);
}

cases.add({
  id: "content/features/version-1",
  title: "VIRTIO_F_VERSION_1 is offered",
  clauses: [`${RESERVED}.1`, "content.device.feature-bits.5"],
  needs: { format: "any" },
  async run(t) {
    t.ok((await t.guest.offeredFeatures()).has(VIRTIO_F_VERSION_1), "VIRTIO_F_VERSION_1 is offered");
  },
});

cases.add({
  id: "content/features/without-version-1",
  title: "A driver that does not accept VIRTIO_F_VERSION_1 is refused, or served",
  clauses: [`${RESERVED}.2`, "content.device.feature-bits.6"],
  needs: { format: "split" },
  async run(t) {
    const { guest } = t;
    await guest.acknowledge();
    await guest.acceptFeatures([]);
    const status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK;
    await guest.writeStatus(status);
    if (((await guest.status()) & VIRTIO_CONFIG_S_FEATURES_OK) !== 0) await works(t, []);
    await guest.reset();
    t.ok(await guest.negotiate(), "FEATURES_OK stands with VIRTIO_F_VERSION_1");
    await works(t, [VIRTIO_F_VERSION_1]);
  },
});

cases.add({
  id: "content/features/offer-is-complete",
  title: "Every feature that is offered comes with the ones it requires",
  clauses: [SENSIBLE_OFFER],
  needs: { format: "any" },
  async run(t) {
    const offered = await t.guest.offeredFeatures();
    for (const [feature, required] of dependencies(t.guest.model)) {
      t.ok(
        !offered.has(feature) || offered.has(required),
        `feature bit ${feature} is offered with bit ${required}`,
      );
    }
    t.ok(offered.size > 0, "something is offered");
  },
});

cases.add({
  id: "content/features/offer-is-known",
  title: "No feature is offered that the specification reserves or knows nothing of",
  clauses: [SUPPORTED],
  needs: { format: "any" },
  async run(t) {
    const known = new Set<number>(COMMON);
    if (t.guest.registers.transport === "mmio") {
      for (const bit of [VIRTIO_F_SR_IOV, VIRTIO_F_ADMIN_VQ, VIRTIO_F_NOTIF_CONFIG_DATA]) known.delete(bit);
    }
    for (const bit of await t.guest.offeredFeatures()) {
      const fits = known.has(bit) || isDeviceTypes(t.guest.model, bit);
      t.ok(fits, `feature bit ${bit} is not offered, which this transport and device do not have`);
    }
  },
});

cases.add({
  id: "content/features/each-alone",
  title: "Every feature that is offered is accepted on its own, and the device works with it",
  clauses: [SUBSET, SUPPORTED],
  async run(t) {
    const { guest } = t;
    const offered = [...(await guest.offeredFeatures())].filter((bit) => !NOT_HERE.includes(bit));
    for (const bit of offered) {
      const features = [...withRequired(guest.model, bit)];
      await guest.reset();
      t.ok(await guest.negotiate(features), `FEATURES_OK stands with feature bits ${features.join(", ")}`);
      await works(t, features);
    }
  },
});

cases.add({
  id: "content/features/each-left-out",
  title: "Each feature may be left out of those that are offered",
  clauses: [SUBSET],
  async run(t) {
    const { guest } = t;
    const all = [...(await guest.offeredFeatures())].filter((bit) => !NOT_HERE.includes(bit));
    for (const left of [null, ...all]) {
      const features = all.filter((bit) => left === null || !withRequired(guest.model, bit).has(left));
      await guest.reset();
      t.ok(await guest.negotiate(features), `FEATURES_OK stands without feature bit ${left}`);
      await works(t, features);
    }
  },
});

cases.add({
  id: "content/features/not-offered",
  title: "FEATURES_OK does not stand when a feature was accepted that was not offered",
  clauses: [SUBSET],
  needs: { format: "any" },
  parameters: [
    { from: 6, to: 23 },
    { from: 24, to: 27 },
    { from: 42, to: 49 },
    { from: 50, to: 63 },
  ],
  async run(t, { from, to }) {
    const { guest } = t;
    const offered = await guest.offeredFeatures();
    const bit = inOrder(to - from + 1)
      .map((i) => from + i)
      .find((candidate) => !offered.has(candidate));
    if (bit === undefined) return t.skip("everything is offered");
    t.ok(!(await guest.negotiate([bit])), `FEATURES_OK does not stand with feature bit ${bit}`);
    await guest.reset();
    t.ok(await guest.negotiate(), "FEATURES_OK stands without it");
  },
});

for (const [feature, required] of dependencies(GPU_MODEL)) {
  cases.add({
    id: `content/features/bit-${feature}-without-bit-${required}`,
    title: "FEATURES_OK does not stand when a feature was accepted without the one it requires",
    clauses: [SUBSET],
    needs: { format: "any", devices: ["gpu"], features: [feature, required] },
    async run(t) {
      t.ok(!(await t.guest.negotiate([feature])), `FEATURES_OK does not stand with bit ${feature} alone`);
      await t.guest.reset();
      t.ok(await t.guest.negotiate([feature, required]), "FEATURES_OK stands with both");
    },
  });
}

cases.add({
  id: "content/features/changed-before-features-ok",
  title: "What counts is what was accepted last before FEATURES_OK",
  clauses: [SUBSET],
  needs: { format: "any" },
  async run(t) {
    const { guest } = t;
    const offered = await guest.offeredFeatures();
    const bit = inOrder(64).find((candidate) => !offered.has(candidate) && candidate !== 63) ?? 63;
    await guest.acknowledge();
    await guest.acceptFeatures([VIRTIO_F_VERSION_1, bit]);
    await guest.acceptFeatures([VIRTIO_F_VERSION_1]);
    await guest.writeStatus(
      VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK,
    );
    t.ok(((await guest.status()) & VIRTIO_CONFIG_S_FEATURES_OK) !== 0, "FEATURES_OK stands");
  },
});

cases.add({
  id: "content/features/accepted-too-late",
  title: "Features written after FEATURES_OK do the device no harm",
  clauses: ["content.driver.device-initialization.3", SUPPORTED],
  async run(t) {
    const { guest } = t;
    t.ok(await guest.negotiate(), "FEATURES_OK stands");
    const agreed = [...guest.features];
    await guest.addQueue(0, SMALL);
    await guest.driverOk();
    await t.serves();
    await guest.acceptFeatures([...(await guest.offeredFeatures())]);
    await t.serves(0, "the device serves after features were written that it cannot take any more");
    await guest.acceptFeatures(agreed);
    await t.serves();
  },
});

/** Feature bits (virtio 1.4, section 2.2 and chapter 6). */
export const FEATURE_CASES = cases.all;
