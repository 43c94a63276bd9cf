// Written by keras-inception for one file; write it again rather than edit it.
package @PACKAGE@

import android.content.Context
import android.graphics.Bitmap
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel

/**
 * @NAME@ run by LiteRT (com.google.ai.edge.litert:litert), with labels of a `locale` in
 * @NAME@.LABELS. For one thread at a time.
 */
class @NAME@LiteRt(
    context: Context,
    accelerator: Accelerator = Accelerator.CPU,
    locale: String = "",
) : AutoCloseable {
    val labels: List<String> = context.assets.open(@NAME@.LABELS.getValue(locale)).use {
        @NAME@.labels(it.readBytes().toString(Charsets.UTF_8))
    }
    private val model =
        CompiledModel.create(context.assets, @NAME@.MODEL, CompiledModel.Options(accelerator))
    private val inputs = model.createInputBuffers()
    private val outputs = model.createOutputBuffers()

    /** The likeliest classes of a photograph of any size, best first. */
    fun classify(photograph: Bitmap, most: Int = 5): List<@NAME@.Category> {
        val image = @NAME@Bitmaps.centre(photograph)
        return @NAME@.best(run(@NAME@Bitmaps.pixels(image)), labels, most)
    }

    /** WIDTH x HEIGHT pixels -> the output as the file gives it. */
    fun run(pixels: IntArray): @OUTPUT_KOTLIN@Array {
        inputs[0].write@INPUT_CALL@(@NAME@.pack(pixels))
        model.run(inputs, outputs)
        return outputs[0].read@OUTPUT_CALL@()
    }

    override fun close() {
        inputs.forEach { it.close() }
        outputs.forEach { it.close() }
        model.close()
    }
}
