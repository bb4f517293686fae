package android.content.res;

import java.io.File;
import java.io.IOException;

/** A stub: assets in a folder. */
public final class AssetManager {
    private final File folder;

    public AssetManager(File folder) {
        this.folder = folder;
    }

    public AssetFileDescriptor openFd(String name) throws IOException {
        return new AssetFileDescriptor(new File(folder, name));
    }
}
