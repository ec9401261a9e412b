import { suite } from "uvu";
import { expectKnownDifferences } from "../support/qemu-differences.ts";

const test = suite("conformance of QEMU over pci");

expectKnownDifferences(test, "qemu-pci");

test.run();
