package com.google.mediapipe.framework.image;

/** A stub. */
public class MPImage {}
