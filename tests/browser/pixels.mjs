// What the page makes of pictures, without a browser: page folder, file of pictures -> on standard
// output, the pixels of each that are cut. helpers/pictures.py writes the file.
import { readFileSync } from "node:fs";

const [folder, path] = process.argv.slice(2);
const { centre, onWhite } = await import(`${folder}/pixels.js`);
const { upright } = await import(`${folder}/orientation.js`);
const content = readFileSync(path);
for (let at = 0; at < content.length; ) {
  const word = (i) => content.readInt32LE(at + 4 * i);
  const [width, height, size, shortSide, bicubic, length] = [0, 1, 2, 3, 4, 5].map(word);
  const { orientation } = upright(new Uint8Array(content.subarray(at + 24, at + 24 + length)));
  at += 24 + length;
  const data = new Uint8ClampedArray(content.subarray(at, (at += 4 * width * height)));
  onWhite({ data });
  const filter = bicubic ? "bicubic" : "bilinear";
  process.stdout.write(centre({ data, width, height }, orientation, size, shortSide, filter));
}
