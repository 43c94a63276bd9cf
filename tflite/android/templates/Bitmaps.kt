// Written by keras-inception for one file; write it again rather than edit it.
package @PACKAGE@

import android.graphics.Bitmap
import kotlin.math.min
import kotlin.math.roundToInt

/** Photographs as @NAME@ wants them. */
internal object @NAME@Bitmaps {
    /** The central part of a photograph, at the size of the input. */
    fun centre(photograph: Bitmap): Bitmap {
        val portion = min(
            photograph.width.toFloat() / @NAME@.WIDTH,
            photograph.height.toFloat() / @NAME@.HEIGHT,
        ) * @NAME@.CROP
        var width = (@NAME@.WIDTH * portion).roundToInt().coerceIn(1, photograph.width)
        var height = (@NAME@.HEIGHT * portion).roundToInt().coerceIn(1, photograph.height)
        var image = Bitmap.createBitmap(
            photograph,
            (photograph.width - width) / 2,
            (photograph.height - height) / 2,
            width,
            height,
        )
        // Android's filter looks at four pixels only: halving first keeps it from skipping others.
        while (width >= 2 * @NAME@.WIDTH && height >= 2 * @NAME@.HEIGHT) {
            width /= 2
            height /= 2
            image = Bitmap.createScaledBitmap(image, width, height, true)
        }
        return Bitmap.createScaledBitmap(image, @NAME@.WIDTH, @NAME@.HEIGHT, true)
    }

    fun pixels(image: Bitmap): IntArray {
        val pixels = IntArray(image.width * image.height)
        image.getPixels(pixels, 0, image.width, 0, 0, image.width, image.height)
        return pixels
    }
}
