package android.graphics;

/** A stub: four edges. */
public final class RectF {
    public float left;
    public float top;
    public float right;
    public float bottom;
}
