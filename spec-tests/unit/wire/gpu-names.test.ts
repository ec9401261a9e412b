import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as wire from "../../../src/wire/index.ts";

const names = suite("wire/gpu-names");

function numbers(prefix: RegExp): Map<number, string> {
  const found = new Map<number, string>();
  for (const [name, value] of Object.entries(wire))
    if (prefix.test(name) && typeof value === "number") found.set(value, name);
  return found;
}

const byNumber = (map: ReadonlyMap<number, string>) => [...map].sort(([a], [b]) => a - b);

names("hold every command, response and format, each under its own number", () => {
  assert.equal(byNumber(wire.GPU_COMMAND_NAMES), byNumber(numbers(/^VIRTIO_GPU_CMD_/)));
  assert.equal(byNumber(wire.GPU_RESPONSE_NAMES), byNumber(numbers(/^VIRTIO_GPU_RESP_(OK|ERR)_/)));
  const formats = new Map([...wire.GPU_FORMATS].map(([format, { name }]) => [format, name]));
  assert.equal(byNumber(formats), byNumber(numbers(/^VIRTIO_GPU_FORMAT_/)));
});

names("are printed for known numbers, and unknown numbers in hexadecimal", () => {
  assert.is(wire.gpuCommandName(0x0104), "VIRTIO_GPU_CMD_RESOURCE_FLUSH");
  assert.is(wire.gpuCommandName(0x1100), "0x1100");
  assert.is(wire.gpuCommandName(-1), "0xffffffff");
  assert.is(wire.gpuResponseName(0x1205), "VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER");
  assert.is(wire.gpuResponseName(7), "0x0007");
  assert.is(wire.gpuFormatName(67), "VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM");
  assert.is(wire.gpuFormatName(0), "0x0000");
  assert.is(wire.gpuFormat(0), undefined);
});

names("describe where the channels of a pixel lie", () => {
  const order = (format: number) => {
    const pixel = wire.gpuFormat(format);
    if (!pixel) throw new Error(`format ${format} is unknown`);
    const { redByte, greenByte, blueByte, alphaByte, hasAlpha, bytesPerPixel } = pixel;
    return [redByte, greenByte, blueByte, alphaByte, hasAlpha, bytesPerPixel].join();
  };
  assert.is(order(wire.VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM), "2,1,0,3,true,4");
  assert.is(order(wire.VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM), "2,1,0,3,false,4");
  assert.is(order(wire.VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM), "1,2,3,0,true,4");
  assert.is(order(wire.VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM), "1,2,3,0,false,4");
  assert.is(order(wire.VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM), "0,1,2,3,true,4");
  assert.is(order(wire.VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM), "3,2,1,0,false,4");
  assert.is(order(wire.VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM), "3,2,1,0,true,4");
  assert.is(order(wire.VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM), "0,1,2,3,false,4");
});

names.run();
