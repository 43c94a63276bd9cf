// Written by keras-inception for one file; write it again rather than edit it.
package @PACKAGE@

import android.content.Context
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.net.Uri
import java.io.IOException
import java.nio.ByteBuffer

/** What classifies photographs, in whatever form an app has them. */
interface @NAME@Classifier {
    /** The likeliest classes of WIDTH x HEIGHT pixels, 0xAARRGGBB row by row, best first. */
    fun classify(pixels: IntArray): List<@NAME@.Category>

    /**
     * Of a bitmap of any size and kind, which stands upright after a clockwise turn by
     * `rotationDegrees`. A bitmap does not know how its file wanted to be turned: of a file, give
     * the bytes or the Uri.
     */
    fun classify(photograph: Bitmap, rotationDegrees: Int = 0): List<@NAME@.Category> {
        val orientation = @NAME@Pixels.orientation(rotationDegrees)
        return classify(@NAME@Pixels.centre(@NAME@Photographs.stored(photograph, orientation)))
    }

    /** Of a file's bytes. Throws IOException if Android cannot decode them. */
    fun classify(file: ByteArray): List<@NAME@.Category> {
        val options = BitmapFactory.Options().apply { inScaled = false }
        val bitmap = BitmapFactory.decodeByteArray(file, 0, file.size, options)
            ?: throw IOException("${file.size} bytes are no picture that Android can decode")
        val picture = @NAME@Photographs.stored(bitmap, @NAME@Orientation.of(file))
        bitmap.recycle()
        return classify(@NAME@Pixels.centre(picture))
    }

    /** Of what a Uri leads to, as the photo picker gives it. Throws IOException likewise. */
    fun classify(context: Context, photograph: Uri): List<@NAME@.Category> {
        val stream = context.contentResolver.openInputStream(photograph)
            ?: throw IOException("$photograph cannot be opened")
        return classify(stream.use { it.readBytes() })
    }
}

internal object @NAME@Photographs {
    /** A bitmap's own bytes. What is not of 8 bits, or in graphics memory only, is copied. */
    fun stored(bitmap: Bitmap, orientation: Int): @NAME@Picture {
        val plain = bitmap.config == Bitmap.Config.ARGB_8888
        val readable = if (plain) bitmap else bitmap.copy(Bitmap.Config.ARGB_8888, false)
            ?: throw IOException("the bitmap, ${bitmap.config}, cannot be copied into memory")
        val rgba = ByteArray(readable.rowBytes * readable.height)
        // Not getPixels, which converts colours.
        readable.copyPixelsToBuffer(ByteBuffer.wrap(rgba))
        return @NAME@Picture(
            rgba,
            readable.width,
            readable.height,
            readable.rowBytes,
            readable.isPremultiplied,
            orientation,
        )
    }
}
