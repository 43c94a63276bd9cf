// Written by keras-inception for one file; write it again rather than edit it.
package @PACKAGE@

import android.graphics.BitmapFactory
import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import kotlin.math.abs
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith

/** This phone computes for the golden images what was computed when they were written. */
@RunWith(AndroidJUnit4::class)
class @NAME@GoldenTest {
    private val app = InstrumentationRegistry.getInstrumentation().targetContext
    private val golden = InstrumentationRegistry.getInstrumentation().context.assets
    private val names = (0 until @GOLDEN@).map { "@FOLDER@/$it" }

    /** A golden image has the size of the input already: it is decoded, and not scaled. */
    private fun pixels(name: String): IntArray {
        val file = golden.open("$name.png").use { it.readBytes() }
        val options = BitmapFactory.Options().apply { inScaled = false }
        val image = BitmapFactory.decodeByteArray(file, 0, file.size, options)!!
        val pixels = IntArray(image.width * image.height)
        image.getPixels(pixels, 0, image.width, 0, 0, image.width, image.height)
        return pixels
    }

    private fun expected(name: String): List<Float> = golden.open("$name.txt").use { file ->
        file.bufferedReader().readLines().map { it.toFloat() }
    }

    @Test
    fun liteRtGivesTheGoldenOutputs() {
        @NAME@LiteRt(app).use { classifier ->
            for (name in names) {
                val output = @NAME@.raw(classifier.run(pixels(name)))
                val wanted = expected(name)
                assertEquals(wanted.size, output.size)
                val worst = output.indices.map { abs(output[it] - wanted[it]) }.maxOrNull()!!
                assertTrue("$name is off by $worst", worst <= @NAME@.TOLERANCE)
            }
        }
    }

    @Test
    fun labelsFitTheOutputs() {
        for (locale in @NAME@.LABELS.keys) {
            @NAME@LiteRt(app, locale = locale).use { assertEquals(@NAME@.CLASSES, it.labels.size) }
        }
    }
@MEDIAPIPE_TEST@}
