// Written by keras-inception for one file; write it again rather than edit it.
package @PACKAGE@

import kotlin.math.abs
import kotlin.math.max
import kotlin.math.min
import kotlin.math.round

/**
 * A picture as it is stored, and how EXIF's `orientation`, 1 to 8, turns it upright. Of each pixel
 * `rgba` has four bytes; `premultiplied` says whether the colours are times alpha already.
 */
class @NAME@Picture(
    val rgba: ByteArray,
    val width: Int,
    val height: Int,
    val rowBytes: Int,
    val premultiplied: Boolean,
    val orientation: Int,
)

/**
 * Pixels of photographs as @NAME@ wants them: laid on white, turned upright, scaled, and cut. Plain
 * Kotlin, nothing of Android; the same to the last bit as where the network was trained.
 */
internal object @NAME@Pixels {
    /** The central part of a picture, WIDTH x HEIGHT pixels of 0xFFRRGGBB. Changes `rgba`. */
    fun centre(picture: @NAME@Picture): IntArray {
        layOnWhite(picture.rgba, picture.premultiplied)
@GREY@        val walk = Walk.through(picture)
        val factor = @NAME@.SHORT_SIDE.toDouble() / min(walk.width, walk.height)
        val wide = round(walk.width * factor).toInt()
        val high = round(walk.height * factor).toInt()
        val size = @NAME@.WIDTH
        val columns = taps(walk.width, wide, (wide - size) / 2)
        val lines = taps(walk.height, high, (high - size) / 2)
        val cut = ByteArray(4 * size * size)
        // The order is Pillow's, and each pass rounds.
        if (walk.height - high > max(0, 2 * (walk.width - wide))) {
            val low = ByteArray(4 * size * walk.width)
            along(
                picture.rgba, walk.start, walk.width, walk.across, walk.down, lines,
                low, 4, 4 * walk.width,
            )
            along(low, 0, size, 4 * walk.width, 4, columns, cut, 4 * size, 4)
        } else {
            val narrow = ByteArray(4 * size * walk.height)
            along(
                picture.rgba, walk.start, walk.height, walk.down, walk.across, columns,
                narrow, 4 * size, 4,
            )
            along(narrow, 0, size, 4, 4 * size, lines, cut, 4, 4 * size)
        }
        return IntArray(size * size) {
            val at = 4 * it
            0xFF shl 24 or (byte(cut, at) shl 16) or (byte(cut, at + 1) shl 8) or byte(cut, at + 2)
        }
    }

    /** The orientation of a picture that a camera turned clockwise by 0, 90, 180 or 270 degrees. */
    fun orientation(rotationDegrees: Int): Int = when (rotationDegrees) {
        0 -> 1
        90 -> 6
        180 -> 3
        270 -> 8
        else -> throw IllegalArgumentException("rotated by $rotationDegrees: 0, 90, 180 or 270?")
    }

    private fun byte(bytes: ByteArray, at: Int) = bytes[at].toInt() and 0xFF

    private fun layOnWhite(rgba: ByteArray, premultiplied: Boolean) {
        for (at in rgba.indices step 4) {
            val alpha = byte(rgba, at + 3)
            if (alpha == 255) continue
            for (c in at until at + 3) {
                val colour = byte(rgba, c)
                val shown = if (premultiplied) colour else (colour * alpha + 127) / 255
                rgba[c] = min(shown + 255 - alpha, 255).toByte()
            }
        }
    }
@GREY_FUNCTION@
    /** Of one result along one direction: the first source pixel, and the weights from there on. */
    private class Taps(val begin: Int, val weights: IntArray)

    /** Of WIDTH results from `first` on. The filter is Pillow's: as wide as the scale asks. */
    private fun taps(source: Int, target: Int, first: Int): List<Taps> {
        val scale = source.toDouble() / target
        val stretch = max(scale, 1.0)
        val reach = @SUPPORT@ * stretch
        return List(@NAME@.WIDTH) {
            val centre = (first + it + 0.5) * scale
            val begin = max(0, (centre - reach + 0.5).toInt())
            val end = min(source, (centre + reach + 0.5).toInt())
            val shares = DoubleArray(end - begin) { k ->
                share(abs((k + begin - centre + 0.5) * (1 / stretch)))
            }
            var sum = 0.0
            for (share in shares) sum += share
            Taps(begin, IntArray(shares.size) { k ->
                val whole = shares[k] / sum * (1 shl BITS)
                (if (whole < 0) whole - 0.5 else whole + 0.5).toInt()
            })
        }
    }

    private fun share(x: Double): Double = @SHARE@

    private const val BITS = 22

    /** One direction: `rows` lines, whose neighbours along it are `step` bytes apart. */
    private fun along(
        data: ByteArray, start: Int, rows: Int, rowStep: Int, step: Int,
        found: List<Taps>, out: ByteArray, outRowStep: Int, outStep: Int,
    ) {
        for (row in 0 until rows) {
            for (i in found.indices) {
                val weights = found[i].weights
                var red = 1 shl (BITS - 1)
                var green = red
                var blue = red
                var at = start + row * rowStep + found[i].begin * step
                for (weight in weights) {
                    red += weight * byte(data, at)
                    green += weight * byte(data, at + 1)
                    blue += weight * byte(data, at + 2)
                    at += step
                }
                val to = row * outRowStep + i * outStep
                out[to] = (red shr BITS).coerceIn(0, 255).toByte()
                out[to + 1] = (green shr BITS).coerceIn(0, 255).toByte()
                out[to + 2] = (blue shr BITS).coerceIn(0, 255).toByte()
            }
        }
    }

    /** How stored pixels are walked through as they stand upright: in bytes across, and down. */
    private class Walk(
        val start: Int, val across: Int, val down: Int, val width: Int, val height: Int,
    ) {
        companion object {
            fun through(picture: @NAME@Picture): Walk {
                val width = picture.width
                val height = picture.height
                val right = 4 * (width - 1)
                val line = picture.rowBytes
                val bottom = line * (height - 1)
                return when (picture.orientation) {
                    2 -> Walk(right, -4, line, width, height)
                    3 -> Walk(right + bottom, -4, -line, width, height)
                    4 -> Walk(bottom, 4, -line, width, height)
                    5 -> Walk(0, line, 4, height, width)
                    6 -> Walk(bottom, -line, 4, height, width)
                    7 -> Walk(right + bottom, -line, -4, height, width)
                    8 -> Walk(right, line, -4, height, width)
                    else -> Walk(0, 4, line, width, height)
                }
            }
        }
    }
}
