"""An APK built and signed by Debian's aapt2, zipalign and apksigner: looked into, and its model run out of it."""

import json
import subprocess
import zipfile

import numpy as np
import pytest

from detlite.accuracy.detect import detect
from detlite.convert.artifact import open_artifact
from detlite.convert.tflite.boundary import with_uint8_input
from detlite.runtime.artifact import Artifact
from detlite.runtime.image.read import read_image
from detlite.runtime.image.resize import resize

pytestmark = [pytest.mark.slow, pytest.mark.data]

MANIFEST = """\
<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="org.example.app" android:versionCode="1">
    <uses-sdk android:minSdkVersion="24" android:targetSdkVersion="29"/>
    <application android:label="app" android:hasCode="false"/>
</manifest>
"""
KEY = ("-storepass", "password", "-keypass", "password", "-alias", "key", "-keyalg", "RSA", "-dname", "CN=test")


def tool(*arguments, cwd):
    done = subprocess.run([str(one) for one in arguments], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def package(models, detlite_in, tmp_path_factory):
    """Runs `detlite` beside `out`, the package of the int8 model, with an AAR."""
    run = detlite_in(tmp_path_factory.mktemp("apk"))
    assert run("package", models["int8"], "--android", "--name", "demo", "--aar", "-o", "out").status == 0
    return run


@pytest.fixture(scope="module")
def link(package, debian_tools):
    """Links an APK of the package's assets; *stored* is what aapt2's option -0 gets."""

    def build(name, stored, assets="out/src/main/assets"):
        folder = package.folder
        (folder / "AndroidManifest.xml").write_text(MANIFEST)
        own = ("--manifest", "AndroidManifest.xml", "-A", assets, "-0", stored)
        tool("aapt2", "link", "-o", name, "-I", debian_tools, *own, cwd=folder)
        return folder / name

    return build


@pytest.fixture(scope="module")
def signed(package, link):
    """A signed APK whose model is stored at a page."""
    folder = package.folder
    link("linked.apk", ".tflite")
    tool("zipalign", "-f", 16384, "linked.apk", "aligned.apk", cwd=folder)
    tool("keytool", "-genkeypair", "-keystore", "keys", *KEY, cwd=folder)
    signing = ("--ks", "keys", "--ks-pass", "pass:password", "--out", "signed.apk", "aligned.apk")
    tool("apksigner", "sign", *signing, cwd=folder)
    tool("apksigner", "verify", "signed.apk", cwd=folder)
    tool("zipalign", "-c", 16384, "signed.apk", cwd=folder)
    return folder / "signed.apk"


def test_the_signed_app_is_as_packaged(package, signed):
    done = package("package", "out", "--verify", signed, "--json")
    assert done.status == 0, done.err
    (model,) = json.loads(done.out)["models"]
    assert model["is_stored"]
    assert model["offset"] % 16384 == 0


def test_the_model_in_the_app_finds_what_the_artifact_finds(package, signed, models, shared_data, tmp_path):
    place = json.loads(package("package", "--verify", signed, "--json").out)["models"][0]
    with signed.open("rb") as file:  # as an app maps it: so many bytes from there on
        file.seek(place["offset"])
        (tmp_path / "read.tflite").write_bytes(file.read(place["size_bytes"]))
    artifact = open_artifact(models["int8"])
    _data, contract = with_uint8_input(artifact.model.read_bytes(), artifact.contract)
    paths = [tmp_path / f"{number}.npy" for number in range(5)]
    for path, photo in zip(paths, sorted((shared_data / "coco" / "val" / "images").iterdir()), strict=False):
        pixels = resize(read_image(photo), contract.image.height, contract.image.width, contract.image.resize)
        np.save(path, np.rint(pixels).astype(np.uint8))  # whole numbers: int8 and uint8 round nothing
    before, after = detect(artifact, paths), detect(Artifact(tmp_path / "read.tflite", contract), paths)
    assert len(before.scores) > 5
    assert after.scores.tolist() == before.scores.tolist()
    assert after.boxes.tolist() == before.boxes.tolist()


def test_aapt2_without_the_dot_deflates_the_model_and_it_is_found(package, link):
    done = package("package", "--verify", link("deflated.apk", "tflite"))
    assert done.status == 1
    assert "assets/demo/model.tflite is compressed" in done.err
    assert 'noCompress += "tflite"' in done.err


def test_an_app_that_is_not_aligned_is_found(package, link):
    done = package("package", "--verify", link("crooked.apk", ".tflite"), "--alignment", 16384)
    assert done.status == 1
    assert "is not aligned to 16384 bytes" in done.err


def test_the_assets_of_the_aar_are_those_of_the_package(package, link):
    with zipfile.ZipFile(package.folder / "out" / "demo.aar") as archive:
        archive.extractall(package.folder / "aar")
    link("of_aar.apk", ".tflite", assets="aar/assets")
    tool("zipalign", 4, "of_aar.apk", "of_aar_aligned.apk", cwd=package.folder)
    done = package("package", "out", "--verify", "of_aar_aligned.apk", "--alignment", 4)
    assert done.status == 0, done.err
