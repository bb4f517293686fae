package com.google.mediapipe.tasks.vision.imagesegmenter;

import com.google.mediapipe.framework.image.MPImage;
import com.google.mediapipe.tasks.core.BaseOptions;

/** A stub: its methods have the signatures of MediaPipe's. */
public final class ImageSegmenter implements AutoCloseable {
    public abstract static class ImageSegmenterOptions {
        public abstract static class Builder {
            public abstract Builder setBaseOptions(BaseOptions options);

            public abstract Builder setOutputCategoryMask(boolean wanted);

            public abstract Builder setOutputConfidenceMasks(boolean wanted);

            public abstract ImageSegmenterOptions build();
        }

        public static Builder builder() {
            throw new UnsupportedOperationException();
        }
    }

    public static ImageSegmenter createFromOptions(android.content.Context context, ImageSegmenterOptions options) {
        throw new UnsupportedOperationException();
    }

    public ImageSegmenterResult segment(MPImage image) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
}
