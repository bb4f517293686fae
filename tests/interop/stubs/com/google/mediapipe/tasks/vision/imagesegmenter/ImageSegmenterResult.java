package com.google.mediapipe.tasks.vision.imagesegmenter;

/** A stub. */
public abstract class ImageSegmenterResult {
    public abstract java.util.Optional<com.google.mediapipe.framework.image.MPImage> categoryMask();
}
