// Written by keras-inception for one file; write it again rather than edit it.
package @PACKAGE@

import androidx.camera.core.ImageProxy

/** Of what CameraX films or takes, turned as it says. The caller closes the image. */
fun @NAME@Classifier.classify(image: ImageProxy): List<@NAME@.Category> =
    classify(image.toBitmap(), image.imageInfo.rotationDegrees)
