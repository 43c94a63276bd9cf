// What the generated classes make of pictures, without a phone: file of pictures, written by
// helpers/pictures.py, and a file for the pixels that are cut, 0xAARRGGBB each.
import android.content.ContentResolver
import android.content.Context
import android.content.res.AssetManager
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.net.Uri
import androidx.camera.core.ImageInfo
import androidx.camera.core.ImageProxy
import com.example.classifier.Tiny as Model
import com.example.classifier.TinyClassifier as Classifier
import com.example.classifier.classify
import java.io.DataOutputStream
import java.io.File
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Keeps the pixels that it is to classify. */
class Kept : Classifier {
    var pixels = IntArray(0)

    override fun classify(pixels: IntArray): List<Model.Category> {
        this.pixels = pixels
        return emptyList()
    }
}

class Address : Uri()

fun premultiplied(rgba: ByteArray) = ByteArray(rgba.size) {
    val alpha = rgba[it or 3].toInt() and 0xFF
    if (it % 4 == 3) rgba[it] else (((rgba[it].toInt() and 0xFF) * alpha + 127) / 255).toByte()
}

/** With lines that are longer than their pixels. */
fun wider(rgba: ByteArray, width: Int, height: Int) = ByteArray((4 * width + 8) * height) {
    val (row, at) = it / (4 * width + 8) to it % (4 * width + 8)
    if (at < 4 * width) rgba[4 * width * row + at] else 0
}

fun main(arguments: Array<String>) {
    val content = ByteBuffer.wrap(File(arguments[0]).readBytes()).order(ByteOrder.LITTLE_ENDIAN)
    DataOutputStream(File(arguments[1]).outputStream().buffered()).use { out ->
        var count = 0
        while (content.hasRemaining()) {
            val (width, height) = content.int to content.int
            repeat(3) { content.int } // The sizes and the filter are those of the class.
            val file = ByteArray(content.int).also { content.get(it) }
            val rgba = ByteArray(4 * width * height).also { content.get(it) }
            // Each picture comes in by another door.
            val kept = Kept()
            val hardware = Bitmap.Config.HARDWARE.takeIf { count % 2 == 0 } ?: Bitmap.Config.ARGB_8888
            val long = wider(premultiplied(rgba), width, height)
            BitmapFactory.decoded = Bitmap(width, height, Bitmap.Config.ARGB_8888, true, long)
            when (count++ % 4) {
                0 -> kept.classify(file)
                1 -> kept.classify(object : Context() {
                    override val assets: AssetManager get() = TODO()
                    override val contentResolver = object : ContentResolver() {
                        override fun openInputStream(uri: Uri): InputStream = file.inputStream()
                    }
                }, Address())
                2 -> kept.classify(Bitmap(width, height, hardware, false, rgba))
                3 -> kept.classify(object : ImageProxy {
                    override val imageInfo = object : ImageInfo {
                        override val rotationDegrees = 90 * (count / 4 % 4)
                    }

                    override fun toBitmap() = BitmapFactory.decoded!!
                })
            }
            kept.pixels.forEach { out.writeInt(it) }
        }
    }
}
