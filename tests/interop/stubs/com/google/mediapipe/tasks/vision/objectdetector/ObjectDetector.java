package com.google.mediapipe.tasks.vision.objectdetector;

import com.google.mediapipe.framework.image.MPImage;
import com.google.mediapipe.tasks.core.BaseOptions;

/** A stub: its methods have the signatures of MediaPipe's. */
public final class ObjectDetector implements AutoCloseable {
    public abstract static class ObjectDetectorOptions {
        public abstract static class Builder {
            public abstract Builder setBaseOptions(BaseOptions options);

            public abstract Builder setScoreThreshold(Float threshold);

            public abstract Builder setMaxResults(Integer most);

            public abstract ObjectDetectorOptions build();
        }

        public static Builder builder() {
            throw new UnsupportedOperationException();
        }
    }

    public static ObjectDetector createFromOptions(android.content.Context context, ObjectDetectorOptions options) {
        throw new UnsupportedOperationException();
    }

    public ObjectDetectorResult detect(MPImage image) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
}
