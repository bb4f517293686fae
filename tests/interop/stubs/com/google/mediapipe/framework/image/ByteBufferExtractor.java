package com.google.mediapipe.framework.image;

/** A stub. */
public final class ByteBufferExtractor {
    public static java.nio.ByteBuffer extract(MPImage image) {
        throw new UnsupportedOperationException();
    }
}
