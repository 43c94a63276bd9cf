// Runs the plain part of the generated classes on golden images, without a phone:
// asset folder, golden folder -> for each image `N.input`, and the best classes on standard output.
import com.example.classifier.Tiny as Model
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import javax.imageio.ImageIO

fun bytes(input: Any): ByteArray = when (input) {
    is ByteArray -> input
    is FloatArray -> ByteBuffer.allocate(4 * input.size).order(ByteOrder.LITTLE_ENDIAN)
        .also { buffer -> input.forEach { buffer.putFloat(it) } }.array()
    else -> error("no input")
}

fun main(arguments: Array<String>) {
    val (assets, golden) = arguments.map { File(it) }
    val labels = Model.labels(File(assets, Model.LABELS.getValue("")).readText())
    for (png in golden.listFiles()!!.filter { it.extension == "png" }.sorted()) {
        val image = ImageIO.read(png)
        val pixels = if (image.raster.numBands == 1) {
            // getRGB would take grey for linear light; Android repeats the value, as here.
            IntArray(image.width * image.height) {
                image.raster.getSample(it % image.width, it / image.width, 0) * 0x010101
            }
        } else {
            image.getRGB(0, 0, image.width, image.height, null, 0, image.width)
        }
        File(golden, "${png.nameWithoutExtension}.input").writeBytes(bytes(Model.pack(pixels)))
        val lines = File(golden, "${png.nameWithoutExtension}.txt").readLines()
        val output = @OUTPUT@
        for ((index, label, score) in Model.best(output, labels)) println("$index\t$score\t$label")
    }
    println("${Model.TITLE.trim()}\t${Model.AUTHOR}\t${Model.MODEL}")
}
