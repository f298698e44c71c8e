import { crc32 } from 'node:zlib';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Length, type and checksum of a chunk. */
const chunkFrameBytes = 12;

/**
 * Width and height of a whole PNG; undefined: `bytes` are something else, cut short or damaged. Every chunk's checksum
 * is looked at (PNG specification, section 5), the compressed pixels are not.
 */
export function pngSize(bytes: Buffer): { width: number; height: number } | undefined {
  if (!bytes.subarray(0, signature.length).equals(signature)) return undefined;
  let size: { width: number; height: number } | undefined;
  let at = signature.length;
  while (at + chunkFrameBytes <= bytes.length) {
    const end = at + chunkFrameBytes + bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (end > bytes.length || crc32(bytes.subarray(at + 4, end - 4)) !== bytes.readUInt32BE(end - 4)) return undefined;
    if (type === 'IHDR') size = { width: bytes.readUInt32BE(at + 8), height: bytes.readUInt32BE(at + 12) };
    if (type === 'IEND') return end === bytes.length ? size : undefined;
    at = end;
  }
  return undefined;
}
