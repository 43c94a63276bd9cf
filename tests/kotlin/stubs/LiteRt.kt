// Signatures of litert/kotlin/src/main/kotlin/com/google/ai/edge/litert in
// https://github.com/google-ai-edge/LiteRT
package com.google.ai.edge.litert

import android.content.res.AssetManager

enum class Accelerator { NONE, CPU, GPU, NPU }

class Environment : AutoCloseable {
    override fun close() = TODO()
}

class TensorBuffer : AutoCloseable {
    fun writeFloat(data: FloatArray): Unit = TODO()

    fun writeInt8(data: ByteArray): Unit = TODO()

    fun readFloat(): FloatArray = TODO()

    fun readInt8(): ByteArray = TODO()

    override fun close() = TODO()
}

class CompiledModel : AutoCloseable {
    class Options(vararg val accelerators: Accelerator)

    fun createInputBuffers(signatureIndex: Int = 0): List<TensorBuffer> = TODO()

    fun createOutputBuffers(signatureIndex: Int = 0): List<TensorBuffer> = TODO()

    fun run(
        inputs: List<TensorBuffer>, outputs: List<TensorBuffer>, signatureIndex: Int = 0,
    ): Unit = TODO()

    override fun close() = TODO()

    companion object {
        fun create(
            assetManager: AssetManager,
            assetName: String,
            options: Options = Options(Accelerator.CPU),
            optionalEnv: Environment? = null,
        ): CompiledModel = TODO()
    }
}
