// Signatures of
// https://ai.google.dev/edge/api/mediapipe/java/com/google/mediapipe/tasks/vision/imageclassifier
// and of the containers that it answers with.
package com.google.mediapipe.tasks.vision.imageclassifier

import android.content.Context
import com.google.mediapipe.framework.image.MPImage
import com.google.mediapipe.tasks.core.BaseOptions
import com.google.mediapipe.tasks.vision.core.RunningMode

abstract class Category {
    abstract fun index(): Int

    abstract fun score(): Float

    abstract fun categoryName(): String

    abstract fun displayName(): String
}

abstract class Classifications {
    abstract fun categories(): List<Category>
}

abstract class ClassificationResult {
    abstract fun classifications(): List<Classifications>
}

abstract class ImageClassifierResult {
    abstract fun classificationResult(): ClassificationResult
}

class ImageClassifier : AutoCloseable {
    abstract class ImageClassifierOptions {
        abstract class Builder {
            abstract fun setBaseOptions(value: BaseOptions): Builder

            abstract fun setRunningMode(value: RunningMode): Builder

            abstract fun setMaxResults(value: Int): Builder

            abstract fun setDisplayNamesLocale(value: String): Builder

            abstract fun build(): ImageClassifierOptions
        }

        companion object {
            fun builder(): Builder = TODO()
        }
    }

    fun classify(image: MPImage): ImageClassifierResult = TODO()

    override fun close() = TODO()

    companion object {
        fun createFromOptions(context: Context, options: ImageClassifierOptions): ImageClassifier =
            TODO()
    }
}
