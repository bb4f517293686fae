import android.content.Context
import android.content.res.AssetManager
import android.graphics.Bitmap
import com.example.app.FloatStreamClassifier
import com.example.app.MixedStreamClassifier
import com.sun.management.ThreadMXBean
import java.io.File
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer

/** Arguments: the folder of assets, a folder for the interpreter, and files of pixels (0xAARRGGBB, big-endian), `N_WIDTH_HEIGHT`. */
fun main(arguments: Array<String>) {
    val assets = AssetManager(File(arguments[0]))
    val context = object : Context() {
        override fun getAssets() = assets
    }
    System.setProperty("stub.folder", arguments[1])
    val frames = arguments.drop(2).map { frame(File(it)) }
    FloatStreamClassifier(context).use { stream -> seeTwice("float", frames, stream::reset) { stream.scores(it.pixels, it.width, it.height) } }
    MixedStreamClassifier(context).use { stream -> seeTwice("mixed", frames, stream::reset) { stream.scores(it.pixels, it.width, it.height) } }
    FloatStreamClassifier(context).use { stream ->
        println("best ${stream.classify(Bitmap(frames[0].pixels, frames[0].width, frames[0].height), count = 2).joinToString(" ")}")
    }
    System.setProperty("stub.program", "none")
    val last = frames.last()
    FloatStreamClassifier(context).use { stream -> println("float-bytes ${allocated { stream.scores(last.pixels, last.width, last.height) }}") }
    MixedStreamClassifier(context).use { stream -> println("mixed-bytes ${allocated { stream.scores(last.pixels, last.width, last.height) }}") }
}

private class Frame(val pixels: IntArray, val width: Int, val height: Int)

private fun frame(file: File): Frame {
    val (_, width, height) = file.name.split("_")
    val bytes = ByteBuffer.wrap(file.readBytes())
    return Frame(IntArray(bytes.capacity() / 4) { bytes.getInt(it * 4) }, width.toInt(), height.toInt())
}

/** Prints the scores of all [frames], and after a reset those of the first again. */
private fun seeTwice(name: String, frames: List<Frame>, reset: () -> Unit, scores: (Frame) -> FloatArray) {
    val first = scores(frames[0])
    println("$name ${first.joinToString(" ")}")
    for (frame in frames.drop(1)) println("$name ${scores(frame).joinToString(" ")}")
    reset()
    val again = scores(frames[0])
    println("$name ${again.joinToString(" ")}")
    println("$name-array ${if (again === first) "same" else "another"}")
}

/** Returns how many bytes a further [call] allocates. */
private fun allocated(call: () -> FloatArray): Long {
    val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean
    val thread = Thread.currentThread().id
    repeat(3) {
        call()
        threads.getThreadAllocatedBytes(thread)
    }
    val before = threads.getThreadAllocatedBytes(thread)
    call()
    return threads.getThreadAllocatedBytes(thread) - before
}
