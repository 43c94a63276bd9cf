// Signatures of https://developer.android.com/reference/androidx/camera/core/ImageProxy
package androidx.camera.core

import android.graphics.Bitmap

interface ImageInfo {
    val rotationDegrees: Int
}

interface ImageProxy {
    val imageInfo: ImageInfo

    fun toBitmap(): Bitmap
}
