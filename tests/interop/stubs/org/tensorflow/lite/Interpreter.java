package org.tensorflow.lite;

import java.io.IOException;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A stub. With the system property `stub.program`, the words of a command, it runs that after writing the model and
 * the inputs to files in the folder `stub.folder`, and reads the outputs, into buffers, from files there. If it is
 * `none`, it does nothing.
 *
 * Without it, it finds the same every time: two objects, in the outputs that the system property `stub.outputs` names
 * by number (boxes, classes, scores, count). What it is given goes to the file `stub.input`.
 */
public final class Interpreter implements AutoCloseable {
    public static final class Options {
        public Options setNumThreads(int count) {
            return this;
        }
    }

    private final ByteBuffer model;
    private final long modelBytes;

    public Interpreter(ByteBuffer model, Options options) {
        this.model = model;
        modelBytes = model.capacity();
    }

    public void runForMultipleInputsOutputs(Object[] inputs, Map<Integer, Object> outputs) {
        try {
            String program = System.getProperty("stub.program");
            if (program == null) {
                Files.write(Path.of(System.getProperty("stub.input")), bytes((ByteBuffer) inputs[0]));
                findTheSame(outputs);
            } else if (!program.equals("none")) {
                run(program, Path.of(System.getProperty("stub.folder")), inputs, outputs);
            }
        } catch (IOException | InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    private void run(String program, Path folder, Object[] inputs, Map<Integer, Object> outputs)
            throws IOException, InterruptedException {
        Files.write(folder.resolve("model.tflite"), bytes(model.duplicate().rewind()));
        for (int number = 0; number < inputs.length; number++) {
            Files.write(folder.resolve("input" + number), bytes((ByteBuffer) inputs[number]));
        }
        List<String> command = new ArrayList<>(List.of(program.split(" ")));
        command.add(folder.toString());
        if (new ProcessBuilder(command).inheritIO().start().waitFor() != 0) {
            throw new IllegalStateException("the interpreter failed");
        }
        for (Map.Entry<Integer, Object> output : outputs.entrySet()) {
            byte[] made = Files.readAllBytes(folder.resolve("output" + output.getKey()));
            if (output.getValue() instanceof ByteBuffer) {
                ((ByteBuffer) output.getValue()).put(made);
            } else {
                fill(output.getValue(), ByteBuffer.wrap(made).order(ByteOrder.nativeOrder()));
            }
        }
    }

    /** Fills arrays of arrays of floats, as the real interpreter does. */
    private static void fill(Object array, ByteBuffer values) {
        for (int place = 0; place < Array.getLength(array); place++) {
            if (array instanceof float[]) {
                ((float[]) array)[place] = values.getFloat();
            } else {
                fill(Array.get(array, place), values);
            }
        }
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    private static void findTheSame(Map<Integer, Object> outputs) {
        String[] numbers = System.getProperty("stub.outputs").split(",");
        float[][][] boxes = (float[][][]) outputs.get(Integer.parseInt(numbers[0]));
        float[][] classes = (float[][]) outputs.get(Integer.parseInt(numbers[1]));
        float[][] scores = (float[][]) outputs.get(Integer.parseInt(numbers[2]));
        float[] count = (float[]) outputs.get(Integer.parseInt(numbers[3]));
        boxes[0][0] = new float[] {0.1f, -0.2f, 0.5f, 1.4f};
        boxes[0][1] = new float[] {0.25f, 0.5f, 0.75f, 1f};
        classes[0][0] = 2f;
        classes[0][1] = 0f;
        scores[0][0] = 0.9f;
        scores[0][1] = 0.4f;
        scores[0][2] = 0.99f; // beyond the count: what was there before
        count[0] = 2f;
    }

    @Override
    public void close() {
        System.setProperty("stub.closed", Long.toString(modelBytes));
    }
}
