package com.google.mediapipe.tasks.components.containers;

/** A stub. */
public abstract class ClassificationResult {
    public abstract java.util.List<Classifications> classifications();
}
