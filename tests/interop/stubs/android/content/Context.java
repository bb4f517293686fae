package android.content;

/** A stub: what the generated Kotlin calls, and no more. */
public abstract class Context {
    public abstract android.content.res.AssetManager getAssets();
}
