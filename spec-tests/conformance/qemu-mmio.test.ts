import { suite } from "uvu";
import { expectKnownDifferences } from "../support/qemu-differences.ts";

const test = suite("conformance of QEMU over mmio");

expectKnownDifferences(test, "qemu-mmio");

test.run();
