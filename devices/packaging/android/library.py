"""An Android library (AAR) with the assets only: the Kotlin files are copied into the app."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.devices.packaging.android.naming import Naming
from detlite.devices.packaging.android.stored_zip import stored_zip

MIN_SDK = 24  # of MediaPipe Tasks and LiteRT
ANDROID_MANIFEST = """\
<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="{package}.{name}">
    <uses-sdk android:minSdkVersion="{min_sdk}"/>
</manifest>
"""
NO_CLASSES = {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\n\r\n"}


def library(naming: Naming, assets: Mapping[str, bytes]) -> bytes:
    """Return the AAR with *assets*, by their names in the folder: the same bytes every time.

    An AAR cannot control what the app compresses: the app's build script must, as the README explains.
    """
    manifest = ANDROID_MANIFEST.format(package=naming.package, name=naming.name, min_sdk=MIN_SDK)
    return stored_zip(
        {
            "AndroidManifest.xml": manifest.encode("ascii"),
            "classes.jar": stored_zip(NO_CLASSES),
            "R.txt": b"",
            "proguard.txt": b"",
            **{f"assets/{naming.name}/{name}": content for name, content in assets.items()},
        }
    )
