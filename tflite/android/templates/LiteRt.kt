// Written by keras-inception for one file; write it again rather than edit it.
package @PACKAGE@

import android.content.Context
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel

/**
 * @NAME@ run by LiteRT (com.google.ai.edge.litert:litert), with labels of a `locale` in
 * @NAME@.LABELS; the `most` likely classes. For one thread at a time.
 */
class @NAME@LiteRt(
    context: Context,
    accelerator: Accelerator = Accelerator.CPU,
    locale: String = "",
    private val most: Int = 5,
) : @NAME@Classifier, AutoCloseable {
    val labels: List<String> = context.assets.open(@NAME@.LABELS.getValue(locale)).use {
        @NAME@.labels(it.readBytes().toString(Charsets.UTF_8))
    }
    private val model =
        CompiledModel.create(context.assets, @NAME@.MODEL, CompiledModel.Options(accelerator))
    private val inputs = model.createInputBuffers()
    private val outputs = model.createOutputBuffers()

    override fun classify(pixels: IntArray): List<@NAME@.Category> =
        @NAME@.best(run(pixels), labels, most)

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
