// Signatures of https://ai.google.dev/edge/api/mediapipe/java/com/google/mediapipe/tasks/core
package com.google.mediapipe.tasks.core

abstract class BaseOptions {
    abstract class Builder {
        abstract fun setModelAssetPath(value: String): Builder

        abstract fun build(): BaseOptions
    }

    companion object {
        fun builder(): Builder = TODO()
    }
}
