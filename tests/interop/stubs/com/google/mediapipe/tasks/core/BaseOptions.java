package com.google.mediapipe.tasks.core;

/** A stub. */
public abstract class BaseOptions {
    public abstract static class Builder {
        public abstract Builder setModelAssetPath(String path);

        public abstract BaseOptions build();
    }

    public static Builder builder() {
        throw new UnsupportedOperationException();
    }
}
