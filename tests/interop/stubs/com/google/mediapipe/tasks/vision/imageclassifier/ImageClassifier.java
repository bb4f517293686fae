package com.google.mediapipe.tasks.vision.imageclassifier;

import com.google.mediapipe.framework.image.MPImage;
import com.google.mediapipe.tasks.core.BaseOptions;

/** A stub: its methods have the signatures of MediaPipe's. */
public final class ImageClassifier implements AutoCloseable {
    public abstract static class ImageClassifierOptions {
        public abstract static class Builder {
            public abstract Builder setBaseOptions(BaseOptions options);

            public abstract Builder setScoreThreshold(Float threshold);

            public abstract Builder setMaxResults(Integer most);

            public abstract ImageClassifierOptions build();
        }

        public static Builder builder() {
            throw new UnsupportedOperationException();
        }
    }

    public static ImageClassifier createFromOptions(android.content.Context context, ImageClassifierOptions options) {
        throw new UnsupportedOperationException();
    }

    public ImageClassifierResult classify(MPImage image) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
}
