import android.content.Context
import android.content.res.AssetManager
import android.graphics.Bitmap
import com.example.app.BoxedDetector
import com.example.app.BoxedImage
import com.example.app.CroppedClassifier
import com.example.app.CroppedImage
import com.example.app.PaddedImage
import com.example.app.PaddedSegmenter
import com.example.app.PlainClassifier
import com.example.app.PlainModel
import com.example.app.StretchedSegmenter
import com.example.app.StretchedSegmentation
import java.io.File
import java.nio.ByteBuffer

/** Arguments: the folder of assets, a file of pixels (0xAARRGGBB, big-endian), its width and height, a folder to write. */
fun main(arguments: Array<String>) {
    val assets = AssetManager(File(arguments[0]))
    val context = object : Context() {
        override fun getAssets() = assets
    }
    val bytes = ByteBuffer.wrap(File(arguments[1]).readBytes())
    val pixels = IntArray(bytes.capacity() / 4) { bytes.getInt(it * 4) }
    val width = arguments[2].toInt()
    val height = arguments[3].toInt()
    val image = Bitmap(pixels, width, height)
    val out = File(arguments[4])
    System.setProperty("stub.folder", arguments[4])
    PlainClassifier(context).use {
        println("plain ${it.scores(pixels, width, height).joinToString(" ")}")
        println("best ${it.classify(image, count = 2).joinToString(" ")}")
        println("labels ${PlainModel.LABELS.joinToString("|")}")
    }
    CroppedClassifier(context).use { println("cropped ${it.scores(pixels, width, height).joinToString(" ")}") }
    PaddedSegmenter(context).use { File(out, "padded").writeBytes(it.segment(image).classes) }
    StretchedSegmenter(context).use { segmenter ->
        val found: StretchedSegmentation = segmenter.segment(image)
        File(out, "stretched").writeBytes(found.classes)
        println("corner ${found.classAt(width - 1, height - 1)} of ${found.width} x ${found.height}")
    }
    BoxedDetector(context).use { for (one in it.detect(image)) println("boxed $one") }
    for ((name, made) in mapOf("cropped" to CroppedImage.prepared(image), "padded" to PaddedImage.prepared(image), "boxed" to BoxedImage.prepared(image))) {
        val values = IntArray(made.width * made.height)
        made.getPixels(values, 0, made.width, 0, 0, made.width, made.height)
        File(out, "$name.prepared").writeText(values.joinToString(" ") { (it.toLong() and 0xFFFFFFFFL).toString() })
    }
}
