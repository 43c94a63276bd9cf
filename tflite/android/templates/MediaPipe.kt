// Written by keras-inception for one file; write it again rather than edit it.
package @PACKAGE@

import android.content.Context
import android.graphics.Bitmap
import com.google.mediapipe.framework.image.BitmapImageBuilder
import com.google.mediapipe.tasks.core.BaseOptions
import com.google.mediapipe.tasks.vision.core.RunningMode
import com.google.mediapipe.tasks.vision.imageclassifier.ImageClassifier

/**
 * @NAME@ run by MediaPipe Tasks (com.google.mediapipe:tasks-vision), which takes labels,
 * preprocessing and threshold from the file itself.
 */
class @NAME@MediaPipe(context: Context, most: Int = 5, locale: String = "") :
    @NAME@Classifier, AutoCloseable {
    private val classifier: ImageClassifier

    init {
        val base = BaseOptions.builder().setModelAssetPath(@NAME@.MODEL).build()
        val options = ImageClassifier.ImageClassifierOptions.builder()
            .setBaseOptions(base)
            .setRunningMode(RunningMode.IMAGE)
            .setMaxResults(most)
        if (locale.isNotEmpty()) options.setDisplayNamesLocale(locale)
        classifier = ImageClassifier.createFromOptions(context, options.build())
    }

    /** Photographs are cut before: MediaPipe would stretch them. */
    override fun classify(pixels: IntArray): List<@NAME@.Category> {
        val image = Bitmap.createBitmap(
            pixels, @NAME@.WIDTH, @NAME@.HEIGHT, Bitmap.Config.ARGB_8888,
        )
        val result = classifier.classify(BitmapImageBuilder(image).build()).classificationResult()
        return result.classifications().first().categories().map {
            @NAME@.Category(it.index(), it.displayName().ifEmpty { it.categoryName() }, it.score())
        }
    }

    override fun close() = classifier.close()
}
