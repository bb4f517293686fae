package com.google.mediapipe.framework.image;

/** A stub. */
public final class BitmapImageBuilder {
    public BitmapImageBuilder(android.graphics.Bitmap bitmap) {}

    public MPImage build() {
        return new MPImage();
    }
}
