package com.google.mediapipe.tasks.components.containers;

/** A stub. */
public abstract class Classifications {
    public abstract java.util.List<Category> categories();
}
