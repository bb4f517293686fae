"""Looking into built apps: what is wrong is found, with its cure, and what is no app is refused."""

import hashlib
import io
import json
import zipfile

import pytest
from builders.app_models import built_app, write_app_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detlite.cli import main
from detlite.devices.packaging.android.app_file import open_app
from detlite.devices.packaging.android.verify import verify_app
from detlite.runtime.errors import InputError

TEXTS = ("labels.txt", "manifest.json")  # what Gradle compresses


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    write_app_model(folder / "app")
    assert main(["package", str(folder / "app"), "--android", "--name", "demo", "-o", str(folder / "out")]) == 0
    return folder / "out"


@pytest.fixture
def app(package, tmp_path):
    """Writes an APK of the package and returns it; options as `built_app`."""

    def write(**options):
        path = tmp_path / "app.apk"
        path.write_bytes(built_app(package, **{"deflate": TEXTS, **options}))
        return path

    return write


@pytest.fixture
def bundle(package, tmp_path):
    """Writes an AAB with the package in a module, and returns it."""

    def write(config, module="base", code=b"x"):
        path = tmp_path / "app.aab"
        path.write_bytes(built_app(package, prefix=f"{module}/", code=code))
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("BundleConfig.pb", config)
        return path

    return write


def constants(package):
    """What of the constants stands in an app's code."""
    text = (package / "src/main/kotlin/org/detlite/models/DemoModel.kt").read_text()
    return text.split('FINGERPRINT = "')[1].split('"')[0].encode()


def test_a_model_that_is_stored_and_aligned_is_found_right(app):
    found = verify_app(app())
    assert (found.kind, found.packages, found.findings) == ("APK", ("demo",), ())
    assert found.models[0].offset % 16384 == 0


def test_the_status_of_a_right_app_is_0(app):
    assert main(["package", "--verify", str(app())]) == 0


def test_a_deflated_model_is_a_finding_with_the_gradle_line(app, capsys):
    assert main(["package", "--verify", str(app(deflate=("model.tflite",)))]) == 1
    said = capsys.readouterr().err
    assert "assets/demo/model.tflite is compressed" in said
    assert 'add to the app\'s build.gradle.kts: android { androidResources { noCompress += "tflite" } }' in said


def test_a_model_that_is_not_aligned_is_a_finding_with_the_command(app):
    (said,) = verify_app(app(alignment=4096 + 4), alignment=16384).findings
    assert "assets/demo/model.tflite is not aligned to 16384 bytes (it begins at byte" in said
    assert "zipalign -f 16384" in said


def test_another_alignment_can_be_asked_for(app):
    assert verify_app(app(alignment=8), alignment=4).findings == ()


def test_the_alignment_of_androids_own_tools_is_a_note_and_no_finding(app):
    found = verify_app(app(alignment=4096 + 4))
    assert found.findings == ()
    assert "assets/demo/model.tflite is not aligned to 16384 bytes" in found.notes[-1]
    assert "pass --alignment 16384 to insist" in found.notes[-1]


def test_other_bytes_are_a_finding(app):
    (said,) = verify_app(app(changed=("model.tflite",))).findings
    assert "assets/demo/model.tflite does not match its manifest" in said


def test_other_labels_are_a_finding(app):
    (said,) = verify_app(app(changed=("labels.txt",))).findings
    assert "assets/demo/labels.txt does not match its manifest" in said


def test_a_model_that_is_left_out_is_a_finding(app):
    (said,) = verify_app(app(left_out=("model.tflite",))).findings
    assert "assets/demo/model.tflite is not in the app" in said


def test_labels_that_are_left_out_are_a_finding(app):
    (said,) = verify_app(app(left_out=("labels.txt",))).findings
    assert "assets/demo/labels.txt is not in the app" in said


def test_code_of_the_same_package_is_no_finding(app, package):
    found = verify_app(app(code=b"..." + constants(package) + b"..."))
    assert (found.findings, found.notes) == ((), ())


def test_code_of_another_package_is_a_finding(app):
    (said,) = verify_app(app(code=b"detlite/demo/" + b"0" * 64)).findings
    assert "the app's code is from another package of demo (manifest 000000000000)" in said


def test_an_app_without_constants_is_noted(app):
    assert "no constants of demo in the app's code" in verify_app(app()).notes[0]


def test_the_package_itself_is_compared_where_it_is_given(app, package):
    assert verify_app(app(), package=package).findings == ()


def test_another_package_than_the_one_given_is_a_finding(app, package, tmp_path):
    other = tmp_path / "other" / "src/main/assets/demo"
    other.mkdir(parents=True)
    (other / "manifest.json").write_text("{}")
    (said,) = verify_app(app(), package=tmp_path / "other").findings
    assert "the package demo of" in said
    assert "is a different one in the app" in said


def test_a_folder_that_is_no_package_is_refused(app, tmp_path):
    with pytest.raises(InputError, match=r"was not written by detlite package --android"):
        verify_app(app(), package=tmp_path)


def test_a_bundle_that_stores_tflite_is_right(bundle):
    found = verify_app(bundle(b"\x1a\x0b\x0a\x09**.tflite"))
    assert (found.kind, found.findings) == ("AAB", ())


def test_a_bundle_that_stores_nothing_is_a_finding(bundle):
    (said,) = verify_app(bundle(b"")).findings
    assert "base/assets/demo/model.tflite is to be compressed" in said
    assert 'noCompress += "tflite"' in said


def test_an_asset_pack_is_stored_as_it_is(bundle):
    assert verify_app(bundle(b"", module="demo_pack", code=b"")).findings == ()


def test_an_asset_pack_that_the_bundle_compresses_is_a_finding(bundle):
    (said,) = verify_app(bundle(b"\x1a\x02\x10\x02", module="demo_pack", code=b"")).findings
    assert "demo_pack/assets/demo/model.tflite is to be compressed" in said


def test_a_file_that_is_no_zip_is_refused(tmp_path, capsys):
    (tmp_path / "x.apk").write_bytes(b"no zip")
    assert main(["package", "--verify", str(tmp_path / "x.apk")]) == 2
    assert "x.apk is neither an APK nor an AAB" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_refused(tmp_path, capsys):
    assert main(["package", "--verify", str(tmp_path / "x.apk")]) == 2
    assert "does not exist: give an APK or an AAB" in capsys.readouterr().err


def zipped(files):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return whole.getvalue()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([("a.txt", b"")], r"is a zip file, but neither an APK nor an AAB"),
        ([("AndroidManifest.xml", b"")], r"holds no detlite package"),
        ([("AndroidManifest.xml", b""), ("classes.jar", b"")], r"is an AAR"),
        ([("AndroidManifest.xml", b""), ("assets/x/manifest.json", b"[1")], r"holds no detlite package"),
        ([("AndroidManifest.xml", b""), ("assets/x/manifest.json", b'{"schema": "other"}')], r"no detlite package"),
    ],
)
def test_what_is_no_app_with_a_package_is_refused(tmp_path, files, said):
    path = tmp_path / "x.apk"
    path.write_bytes(zipped(files))
    with pytest.raises(InputError, match=said):
        verify_app(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_app_with_two_files_of_one_name_is_refused(tmp_path):
    path = tmp_path / "x.apk"
    path.write_bytes(zipped([("AndroidManifest.xml", b""), ("a", b"1"), ("a", b"2")]))
    with pytest.raises(InputError, match=r"two files of the same name"):
        verify_app(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema_version": 2}, r"is of version 2; this detlite reads 1"),
        ({"files": []}, r"lists no model file"),
        ({"files": [{"path": "x"}]}, r"is not a file with its sha256"),
        ({"files": [{"path": "x", "sha256": "0" * 64, "size_bytes": -1}]}, r"is not a file with its sha256"),
        ({"labels": None}, r"None is not a file with its sha256"),
    ],
)
def test_a_manifest_of_something_else_is_refused(package, tmp_path, change, said):
    record = json.loads((package / "src/main/assets/demo/manifest.json").read_text()) | change
    path = tmp_path / "x.apk"
    path.write_bytes(zipped([("AndroidManifest.xml", b""), ("assets/demo/manifest.json", json.dumps(record))]))
    with pytest.raises(InputError, match=said):
        verify_app(path)


def test_a_manifest_of_absurd_size_is_not_read(tmp_path):
    path = tmp_path / "x.apk"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("AndroidManifest.xml", b"")
        archive.writestr("assets/demo/manifest.json", bytes(20_000_000))
    with pytest.raises(InputError, match=r"is over 16777216 bytes"):
        verify_app(path)


def test_a_file_with_more_bytes_than_stated_is_not_read_whole(tmp_path):
    path = tmp_path / "x.apk"
    path.write_bytes(zipped([("AndroidManifest.xml", b""), ("large", bytes(3 << 20))]))
    with open_app(path) as opened:
        assert opened.sha256("large", 10) == hashlib.sha256(bytes(1 << 20)).hexdigest()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1), value=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_app_is_looked_into_or_refused(package, tmp_path, at, value, cut):
    data = bytearray(built_app(package, deflate=TEXTS, alignment=16))
    place = min(int(at * len(data)), len(data) - 1)
    data[place] = value
    path = tmp_path / "damaged.apk"
    path.write_bytes(bytes(data[:place] if cut else data))
    try:
        verify_app(path)
    except InputError as error:
        assert str(path) in str(error) or "manifest" in str(error)
