import android.content.Context
import android.content.res.AssetManager
import java.io.File
import java.nio.ByteBuffer
import org.tensorflow.lite.Interpreter
import com.example.app.DemoDetector
import com.example.app.DemoModel

/** Arguments: the folder of assets, a file of pixels (0xAARRGGBB, big-endian), its width and height. */
fun main(arguments: Array<String>) {
    val assets = AssetManager(File(arguments[0]))
    val context = object : Context() {
        override fun getAssets() = assets
    }
    val bytes = ByteBuffer.wrap(File(arguments[1]).readBytes())
    val pixels = IntArray(bytes.capacity() / 4) { bytes.getInt(it * 4) }
    println("name ${DemoModel.NAME}")
    println("fingerprint ${DemoModel.FINGERPRINT}")
    println("labels ${DemoModel.LABELS.joinToString("|")}")
    for (file in DemoModel.File.entries) {
        println("file ${file.name} ${file.asset} ${file.sha256} ${file.sizeBytes} ${file.boxes},${file.classes},${file.scores},${file.count}")
        System.setProperty("stub.input", "${arguments[1]}.${file.name}")
        System.setProperty("stub.outputs", "${file.boxes},${file.classes},${file.scores},${file.count}")
        DemoDetector(context, file).use { detector ->
            for (found in detector.detect(pixels, arguments[2].toInt(), arguments[3].toInt())) println("found $found")
        }
        println("closed ${System.getProperty("stub.closed")}")
        DemoDetector(File(arguments[0], file.asset), file).close()
        println("mapped ${file.name} ${System.clearProperty("stub.closed")}")
    }
}
