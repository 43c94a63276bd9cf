// How a photograph has to be turned, as the file says: in EXIF, or else in XMP, of JPEG, PNG and
// WebP. Browsers turn by some of these and not by others, whatever they are asked for, so they are
// given the file with all of it set to 1: it is turned here. What other formats say, AVIF for one,
// is part of how they are decoded.

const TAG = 0x0112;
const EXIF = "Exif\0\0";
const XMP = "http://ns.adobe.com/xap/1.0/\0";

// A character for each byte. (What is called latin1 has others for 0x80 to 0x9f.)
const text = (bytes) => new TextDecoder("latin1").decode(bytes);

// { orientation, content }: 1 to 8, and the file without it. `content` may be the same bytes.
export function upright(file) {
  const content = file.slice();
  let exif, xmp;
  for (const { kind, begin, end } of parts(content)) {
    if (kind === "exif") {
      const found = place(content, begin, end);
      exif ??= found?.view.getUint16(found.at, found.little);
      found?.view.setUint16(found.at, 1, found.little);
    } else {
      const found = /tiff:Orientation(?:="|>)([0-9])/.exec(text(content.subarray(begin, end)));
      xmp ??= found?.[1];
      if (found) content[begin + found.index + found[0].length - 1] = "1".charCodeAt(0);
    }
  }
  const orientation = Number(exif ?? xmp ?? 1);
  return { orientation: orientation >= 1 && orientation <= 8 ? orientation : 1, content };
}

// Where EXIF and XMP are in a file.
function* parts(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const head = text(file.subarray(0, 16));
  if (head.startsWith("\xff\xd8")) yield* ofJpeg(file, view);
  else if (head.startsWith("PNG\r\n\x1a\n", 1)) yield* ofPng(file, view);
  else if (head.startsWith("RIFF") && head.startsWith("WEBP", 8)) yield* ofWebp(file, view);
}

function* ofJpeg(file, view) {
  for (let at = 2; at + 4 <= file.length; ) {
    if (file[at] !== 0xff) return;
    const marker = file[at + 1];
    if (marker === 0xff) { // Any number of these may stand before a marker.
      at++;
      continue;
    }
    if (marker === 0xda || marker === 0xd9) return;
    const end = at + 2 + view.getUint16(at + 2), begin = at + 4;
    if (marker === 0xe1) {
      const head = text(file.subarray(begin, begin + XMP.length));
      if (head.startsWith(EXIF)) yield { kind: "exif", begin, end };
      else if (head === XMP) yield { kind: "xmp", begin: begin + XMP.length, end };
    }
    at = end;
  }
}

function* ofPng(file, view) {
  for (let at = 8; at + 8 <= file.length; ) {
    const begin = at + 8, end = begin + view.getUint32(at), kind = text(file.subarray(at + 4, begin));
    if (kind === "eXIf") yield { kind: "exif", begin, end };
    if (kind === "iTXt" && text(file.subarray(begin, begin + 18)) === "XML:com.adobe.xmp\0") {
      yield { kind: "xmp", begin: begin + 18, end };
    }
    at = end + 4;
  }
}

function* ofWebp(file, view) {
  for (let at = 12; at + 8 <= file.length; ) {
    const begin = at + 8, size = view.getUint32(at + 4, true), end = begin + size;
    const kind = text(file.subarray(at, at + 4));
    if (kind === "EXIF") yield { kind: "exif", begin, end };
    if (kind === "XMP ") yield { kind: "xmp", begin, end };
    at = end + (size % 2);
  }
}

// Where EXIF's own list has the orientation: a `view`, the place in it, and the order of bytes.
function place(file, begin, end) {
  if (text(file.subarray(begin, begin + EXIF.length)) === EXIF) begin += EXIF.length;
  const size = Math.min(end, file.length) - begin;
  if (size < 8) return null;
  const view = new DataView(file.buffer, file.byteOffset + begin, size);
  const little = view.getUint16(0) === 0x4949;
  const list = view.getUint32(4, little);
  if (list + 2 > size) return null;
  const count = view.getUint16(list, little);
  for (let i = 0, at = list + 2; i < count && at + 12 <= size; i++, at += 12) {
    if (view.getUint16(at, little) === TAG) {
      const long = view.getUint16(at + 2, little) === 4; // of which the last bytes count
      return { view, at: at + (long && !little ? 10 : 8), little };
    }
  }
  return null;
}
