// Written by keras-inception for one file; write it again rather than edit it.
package @PACKAGE@

/**
 * How a photograph has to be turned, as its file says: in EXIF, or else in XMP, of JPEG, PNG and
 * WebP. Android decodes these as they are stored. What other formats say, HEIF and AVIF for two, is
 * part of how they are decoded.
 */
internal object @NAME@Orientation {
    private const val TAG = 0x0112
    private const val EXIF = "Exif\u0000\u0000"
    private const val XMP = "http://ns.adobe.com/xap/1.0/\u0000"
    private const val PNG_XMP = "XML:com.adobe.xmp\u0000"
    private val IN_XMP = Regex("tiff:Orientation(?:=\"|>)([0-9])")

    private class Part(val exif: Boolean, val begin: Int, val end: Int)

    /** 1 to 8, EXIF's numbers; 1 where the file does not say. */
    fun of(file: ByteArray): Int {
        val parts = parts(file)
        val said = parts.filter { it.exif }.firstNotNullOfOrNull { inExif(file, it.begin, it.end) }
            ?: parts.filter { !it.exif }.firstNotNullOfOrNull {
                IN_XMP.find(text(file, it.begin, it.end))?.groupValues?.get(1)?.toInt()
            }
        return if (said in 1..8) said!! else 1
    }

    private fun text(file: ByteArray, begin: Int, end: Int): String {
        val from = begin.coerceIn(0, file.size)
        return String(file, from, end.coerceIn(from, file.size) - from, Charsets.ISO_8859_1)
    }

    private fun says(file: ByteArray, at: Int, words: String) = text(file, at, at + words.length) == words

    private fun number(file: ByteArray, at: Int, bytes: Int, little: Boolean): Int {
        var value = 0
        for (k in 0 until bytes) {
            value = value shl 8 or (file[at + if (little) bytes - 1 - k else k].toInt() and 0xFF)
        }
        return value
    }

    private fun parts(file: ByteArray): List<Part> = when {
        says(file, 0, "\u00FF\u00D8") -> ofJpeg(file)
        says(file, 0, "\u0089PNG\r\n\u001A\n") -> ofPng(file)
        says(file, 0, "RIFF") && says(file, 8, "WEBP") -> ofWebp(file)
        else -> emptyList()
    }

    private fun ofJpeg(file: ByteArray) = buildList {
        var at = 2
        while (at + 4 <= file.size && number(file, at, 1, false) == 0xFF) {
            val marker = number(file, at + 1, 1, false)
            if (marker == 0xFF) { // Any number of these may stand before a marker.
                at++
                continue
            }
            if (marker == 0xDA || marker == 0xD9) break
            val begin = at + 4
            val end = at + 2 + number(file, at + 2, 2, false)
            if (marker == 0xE1 && says(file, begin, EXIF)) add(Part(true, begin, end))
            if (marker == 0xE1 && says(file, begin, XMP)) add(Part(false, begin + XMP.length, end))
            at = end
        }
    }

    private fun ofPng(file: ByteArray) = buildList {
        var at = 8
        while (at + 8 <= file.size) {
            val begin = at + 8
            val size = number(file, at, 4, false)
            if (size < 0 || size > file.size - begin) break
            val kind = text(file, at + 4, begin)
            if (kind == "eXIf") add(Part(true, begin, begin + size))
            if (kind == "iTXt" && says(file, begin, PNG_XMP)) add(Part(false, begin, begin + size))
            at = begin + size + 4
        }
    }

    private fun ofWebp(file: ByteArray) = buildList {
        var at = 12
        while (at + 8 <= file.size) {
            val begin = at + 8
            val size = number(file, at + 4, 4, true)
            if (size < 0 || size > file.size - begin) break
            val kind = text(file, at, at + 4)
            if (kind == "EXIF" || kind == "XMP ") add(Part(kind == "EXIF", begin, begin + size))
            at = begin + size + size % 2
        }
    }

    private fun inExif(file: ByteArray, from: Int, end: Int): Int? {
        val begin = if (says(file, from, EXIF)) from + EXIF.length else from
        val stop = minOf(end, file.size)
        if (stop - begin < 8) return null
        val little = says(file, begin, "II")
        val list = number(file, begin + 4, 4, little)
        if (list < 0 || list > stop - begin - 2) return null
        val count = number(file, begin + list, 2, little)
        var at = begin + list + 2
        for (k in 0 until count) {
            if (at + 12 > stop) return null
            if (number(file, at, 2, little) == TAG) {
                val long = number(file, at + 2, 2, little) == 4
                return number(file, at + 8, if (long) 4 else 2, little)
            }
            at += 12
        }
        return null
    }
}
