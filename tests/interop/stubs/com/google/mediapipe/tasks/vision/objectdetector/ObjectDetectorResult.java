package com.google.mediapipe.tasks.vision.objectdetector;

/** A stub. */
public abstract class ObjectDetectorResult {
    public abstract java.util.List<com.google.mediapipe.tasks.components.containers.Detection> detections();
}
