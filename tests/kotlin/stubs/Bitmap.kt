// Signatures of https://developer.android.com/reference/android/graphics/Bitmap
package android.graphics

import java.io.InputStream

class Rect

class Bitmap private constructor() {
    val width: Int get() = TODO()
    val height: Int get() = TODO()

    fun getPixels(
        pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int,
    ): Unit = TODO()

    companion object {
        fun createBitmap(source: Bitmap, x: Int, y: Int, width: Int, height: Int): Bitmap = TODO()

        fun createScaledBitmap(src: Bitmap, w: Int, h: Int, filter: Boolean): Bitmap = TODO()
    }
}

object BitmapFactory {
    class Options {
        @JvmField var inScaled = true
    }

    fun decodeStream(stream: InputStream?, padding: Rect?, opts: Options?): Bitmap? = TODO()
}
