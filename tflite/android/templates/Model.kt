// Written by keras-inception for one file; write it again rather than edit it.
package @PACKAGE@

import kotlin.math.exp
import kotlin.math.round

/**
 * What @ABOUT@
 * takes and gives: plain Kotlin, nothing of Android.
 */
object @NAME@ {
    const val TITLE = @SAID_NAME@
    const val DESCRIPTION = @SAID_DESCRIPTION@
    const val VERSION = @SAID_VERSION@
    const val AUTHOR = @SAID_AUTHOR@
    const val LICENSE = @SAID_LICENSE@

    /** Files among the assets. */
    const val MODEL = "@FILE@"
    val LABELS: Map<String, String> = mapOf(@LABELS@)

    /** The input is one image, (1, HEIGHT, WIDTH, CHANNELS), of @INPUT_TYPE@. */
    const val WIDTH = @WIDTH@
    const val HEIGHT = @HEIGHT@
    const val CHANNELS = @CHANNELS@

    /** Pixels that a photograph's short side is scaled to before its centre is cut out. */
    const val SHORT_SIDE = @SHORT_SIDE@

    /** The output is one score per class, of @OUTPUT_TYPE@. */
    const val CLASSES = @CLASSES@

    /** value = (pixel - MEAN) / STD, for pixels 0..255 in the order @ORDER_TEXT@. */
    val MEAN = floatArrayOf(@MEAN@)
    val STD = floatArrayOf(@STD@)

    /** Integer = value / SCALE + ZERO_POINT; a scale of 0 stands for floats. */
    const val INPUT_SCALE = @INPUT_SCALE@f
    const val INPUT_ZERO_POINT = @INPUT_ZERO_POINT@
    const val OUTPUT_SCALE = @OUTPUT_SCALE@f
    const val OUTPUT_ZERO_POINT = @OUTPUT_ZERO_POINT@

    /** How far from another machine's an output may be, in its own unit. */
    const val TOLERANCE = @TOLERANCE@f

    data class Category(val index: Int, val label: String, val score: Float)

    private val encoded = Array(CHANNELS) { c -> @INPUT_KOTLIN@Array(256) { encode(it, c) } }

    private fun encode(pixel: Int, channel: Int): @INPUT_KOTLIN@ {
        val value = (pixel - MEAN[channel]) / STD[channel]
        return @INPUT_ENCODE@
    }

    /** WIDTH x HEIGHT pixels as Android has them, 0xAARRGGBB, row by row -> the input. */
    fun pack(pixels: IntArray): @INPUT_KOTLIN@Array {
        require(pixels.size == WIDTH * HEIGHT) {
            "${WIDTH}x$HEIGHT pixels are needed; got ${pixels.size}"
        }
        val input = @INPUT_KOTLIN@Array(pixels.size * CHANNELS)
        var at = 0
        for (pixel in pixels) {
@PACK@
        }
        return input
    }

    /** The output's own values as numbers, for comparing: integers as they are. */
    fun raw(output: @OUTPUT_KOTLIN@Array): FloatArray = FloatArray(output.size) { @OUTPUT_RAW@ }

    /** The output -> probabilities. */
    fun probabilities(output: @OUTPUT_KOTLIN@Array): FloatArray {
        val scores = raw(output)
        if (OUTPUT_SCALE != 0f) {
            for (i in scores.indices) scores[i] = (scores[i] - OUTPUT_ZERO_POINT) * OUTPUT_SCALE
        }
        return @PROBABILITIES@
    }

    /** exp(logit) of each, divided by their sum. */
    fun softmax(logits: FloatArray): FloatArray {
        val highest = logits.maxOrNull() ?: 0f
        val odds = FloatArray(logits.size) { exp(logits[it] - highest) }
        val sum = odds.sum()
        return FloatArray(odds.size) { odds[it] / sum }
    }

    /** A file of labels -> its lines, one per class. */
    fun labels(text: String): List<String> {
        val lines = text.removeSuffix("\n").split("\n")
        require(lines.size == CLASSES) { "$CLASSES labels are needed; got ${lines.size}" }
        return lines
    }

    /** The `most` likely classes, best first. */
    fun best(output: @OUTPUT_KOTLIN@Array, labels: List<String>, most: Int = 5): List<Category> {
        val scores = probabilities(output)
        return scores.indices.sortedByDescending { scores[it] }.take(most).map {
            Category(it, labels[it], scores[it])
        }
    }
}
