package android.graphics;

/** A stub: pixels as 0xAARRGGBB. */
public final class Bitmap {
    public enum Config {
        ARGB_8888
    }

    private final int width;
    private final int height;
    private final int[] pixels;

    public Bitmap(int[] pixels, int width, int height) {
        this.pixels = pixels;
        this.width = width;
        this.height = height;
    }

    public static Bitmap createBitmap(int[] colors, int width, int height, Config config) {
        return new Bitmap(colors, width, height);
    }

    public int getWidth() {
        return width;
    }

    public int getHeight() {
        return height;
    }

    public void getPixels(int[] into, int offset, int stride, int x, int y, int width, int height) {
        System.arraycopy(pixels, 0, into, 0, pixels.length);
    }
}
