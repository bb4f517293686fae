package com.google.mediapipe.tasks.vision.imageclassifier;

/** A stub. */
public abstract class ImageClassifierResult {
    public abstract com.google.mediapipe.tasks.components.containers.ClassificationResult classificationResult();
}
