// Signatures of https://ai.google.dev/edge/api/mediapipe/java/com/google/mediapipe/framework/image
package com.google.mediapipe.framework.image

import android.graphics.Bitmap

class MPImage

class BitmapImageBuilder(bitmap: Bitmap) {
    fun build(): MPImage = TODO()
}
