// A disk, virtio-blk (virtio 1.4, section 5.2), over an open file: everything that makes this device.
import { ChainReader, ChainWriter } from "virtio-emulator/virtqueue";

const SECTOR_BYTES = 512;
const VIRTIO_BLK_F_FLUSH = 9;
const [T_IN, T_OUT, T_FLUSH, T_GET_ID] = [0, 1, 4, 8];
const [S_OK, S_IOERR, S_UNSUPP] = [0, 1, 2];
const ID = new TextEncoder().encode("a-disk-of-ones-own\0\0");

/** @import { RequestDeviceType } from "virtio-emulator/device" */
/** @implements {RequestDeviceType} */
export class Disk {
  name = "blk";
  deviceId = 2;
  pciClass = 0x018000;
  queues = [{ name: "requestq", maxSize: 128 }];
  features = [VIRTIO_BLK_F_FLUSH];
  config = new Uint8Array(8); // the capacity in sectors

  /** @param {import("node:fs/promises").FileHandle} file @param {number} sectors */
  constructor(file, sectors) {
    this.file = file;
    this.sectors = sectors;
    new DataView(this.config.buffer).setBigUint64(0, BigInt(sectors), true);
  }

  /** @param {import("virtio-emulator/virtqueue").DescriptorChain} chain */
  async handleRequest(chain) {
    const request = new ChainReader(chain);
    const type = request.u32();
    const sector = request.skip(4).u64();
    const reply = new ChainWriter(chain);
    const room = chain.writableBytes - 1; // the last byte is the status
    const status = request.ok && room >= 0 ? await this.serve(type, sector, request, reply, room) : S_IOERR;
    reply.skip(room - reply.position).u8(status);
    return status === S_OK ? reply.written : 0;
  }

  /** @param {import("virtio-emulator/virtqueue").DescriptorChain} chain */
  failRequest(chain) {
    new ChainWriter(chain).skip(chain.writableBytes - 1).u8(S_IOERR);
    return 0;
  }

  /** @type {(type: number, sector: number, request: ChainReader, reply: ChainWriter, room: number) => Promise<number>} */
  async serve(type, sector, request, reply, room) {
    const lengthBytes = type === T_OUT ? request.remaining : room;
    const inside = lengthBytes % SECTOR_BYTES === 0 && sector + lengthBytes / SECTOR_BYTES <= this.sectors;
    if ((type === T_IN || type === T_OUT) && !inside) return S_IOERR;
    const data = new Uint8Array(inside ? lengthBytes : 0);
    if (type === T_IN)
      reply.bytes((await this.file.read(data, 0, lengthBytes, sector * SECTOR_BYTES)).buffer);
    else if (type === T_OUT) await this.file.write(data, 0, request.bytes(data), sector * SECTOR_BYTES);
    else if (type === T_FLUSH) await this.file.datasync();
    else if (type === T_GET_ID) reply.bytes(ID, 0, Math.min(ID.length, room));
    else return S_UNSUPP;
    return S_OK;
  }
}
