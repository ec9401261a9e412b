// Boots a kernel of your own in v86, with a virtio-gpu whose screen VNC viewers see on port 5900.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { V86 } from "v86";
import { VncServer } from "virtio-emulator/backends/display/vnc";
import { attachDevices } from "./machine.ts";

const [bios, kernel, initrd] = process.argv.slice(2);
if (bios === undefined || kernel === undefined || initrd === undefined) {
  console.log("usage: start BIOS KERNEL INITRD (i686; SeaBIOS of v86's repository)");
} else {
  const file = (path: string) => ({ buffer: new Uint8Array(readFileSync(path)).buffer });
  const emulator = new V86({
    wasm_path: createRequire(import.meta.url).resolve("v86/build/v86.wasm"),
    memory_size: 512 << 20,
    bios: file(bios),
    bzimage: file(kernel),
    initrd: file(initrd),
    cmdline: "console=tty0",
    autostart: false,
  });
  emulator.add_listener("emulator-loaded", async () => {
    const display = new VncServer();
    attachDevices(emulator, display);
    const { host, port } = await display.listen();
    console.log(`listening on ${host}:${port}`);
    await emulator.run();
  });
}

// Prints:
//   usage: start BIOS KERNEL INITRD (i686; SeaBIOS of v86's repository)
