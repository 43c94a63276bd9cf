// Signatures of https://developer.android.com/reference/android/graphics/Bitmap, with as much behind
// them as the generated classes need: pixels in memory, or in that of the graphics processor.
package android.graphics

import java.nio.Buffer
import java.nio.ByteBuffer

class Bitmap(
    val width: Int,
    val height: Int,
    val config: Config?,
    val isPremultiplied: Boolean,
    private val stored: ByteArray,
) {
    enum class Config { ARGB_8888, RGBA_F16, HARDWARE }

    /** Lines may be longer than their pixels. */
    val rowBytes: Int get() = stored.size / height

    fun copyPixelsToBuffer(dst: Buffer) {
        if (config == Config.HARDWARE) {
            throw IllegalStateException("unable to copyPixelsToBuffer, pixel access is not supported")
        }
        (dst as ByteBuffer).put(stored)
    }

    fun copy(config: Config, isMutable: Boolean): Bitmap? =
        Bitmap(width, height, config, isPremultiplied, stored.copyOf())

    fun getPixels(
        pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int,
    ): Unit = TODO()

    fun recycle() {}

    companion object {
        fun createBitmap(colors: IntArray, width: Int, height: Int, config: Config): Bitmap = TODO()
    }
}

object BitmapFactory {
    class Options {
        @JvmField var inScaled = true
    }

    /** What the next file decodes to. */
    var decoded: Bitmap? = null

    fun decodeByteArray(data: ByteArray, offset: Int, length: Int, opts: Options?): Bitmap? = decoded
}
