"""The file of a bank of features: what is read of it, and what is refused."""

import io
import json
import zipfile
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from builders.tiny_streams import bank_reader, running_sum

from detlite.runtime.artifact import Artifact
from detlite.runtime.bank_file import FEATURES, RECORD, SCHEMA, read_bank, with_bank
from detlite.runtime.errors import InputError
from detlite.runtime.session import Session
from detlite.runtime.stream_inputs import BankInput
from detlite.studies.context.bank import BankRow, write_bank

BANK = BankInput("memory", 3, 10)


def written(path, rows=2):
    taken = datetime(2021, 7, 30, 5, 12, 44)
    row = BankRow("a.jpg", taken, 0.5, "deer", (0.0, 0.0, 1.0, 1.0), np.array([7], np.float32))
    write_bank(path, [row] * rows, {"per_image": 1})
    return path


def changed(path, **members):
    """The file at *path* with other *members*: None leaves one out."""
    with zipfile.ZipFile(written(path)) as whole:
        content = {name: whole.read(name) for name in whole.namelist()}
    content |= {{"features": FEATURES, "record": RECORD}[name]: value for name, value in members.items()}
    with zipfile.ZipFile(path, "w") as whole:
        for name, value in content.items():
            if value is not None:
                whole.writestr(name, value)
    return path


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def test_what_was_written_is_read(tmp_path):
    found = read_bank(written(tmp_path / "bank.npz"), BANK)
    assert (found.shape, found.dtype) == ((2, 10), np.float32)
    # embedding; centre x, y, width, height; 31 of 40 years, July, the 30th, 5 of 24 hours, 12 of 60 minutes
    wanted = [7, 0.5, 0.5, 1, 1, 31 / 40, 6 / 12, 29 / 31, 5 / 24, 12 / 60]
    np.testing.assert_allclose(found[0], wanted, atol=1e-7)


def test_numpy_opens_the_file_too(tmp_path):
    with np.load(written(tmp_path / "bank.npz")) as arrays:
        assert arrays["features"].shape == (2, 10)


@pytest.mark.parametrize(
    ("bank", "text"),
    [
        (BankInput("memory", 1, 10), "2 rows of 10 features, and the model's bank memory takes up to 1 row of 10"),
        (BankInput("memory", 3, 11), "takes up to 3 rows of 11: build it for this model"),
    ],
)
def test_a_bank_that_does_not_fit_is_refused(bank, text, tmp_path):
    with pytest.raises(InputError, match=text):
        read_bank(written(tmp_path / "bank.npz"), bank)


def npy_header(text):
    """The bytes of a .npy file with this header, and no numbers."""
    return b"\x93NUMPY\x01\x00" + (len(text) + 1).to_bytes(2, "little") + text.encode() + b"\n"


WRONG = np.zeros((2, 10), np.float64)


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"features": None}, "cannot be read as a bank of features: .*features.npy"),
        ({"record": None}, "cannot be read as a bank of features: .*bank.json"),
        ({"record": b"{"}, "its bank.json is damaged"),
        ({"record": b"[]"}, "has the schema None version None; this detlite reads 'detlite.bank' version 1"),
        ({"record": json.dumps({"schema": SCHEMA, "schema_version": 9}).encode()}, "version 9; this detlite"),
        ({"features": npy(WRONG)}, "features.npy is float64"),
        ({"features": npy(np.zeros(10, np.float32))}, r"features.npy is float32 \(10,\)"),
        ({"features": npy(np.full((2, 10), np.nan, np.float32))}, "not finite numbers"),
        ({"features": npy(np.zeros((3, 10), np.float32))[:-4]}, "ends before its 3 rows do"),
        ({"features": npy(np.array([{}], object), allow_pickle=True)}, "cannot be read as a bank of features"),
        ({"features": b"no array"}, "cannot be read as a bank of features"),
        ({"features": npy_header("{'descr': (")}, "cannot be read as a bank of features: .*EOF"),
        ({"features": npy_header("{'descr': '<f4', [1]: 2}")}, "cannot be read as a bank of features: unhashable"),
        ({"features": npy_header("-" * 9000 + "1")}, "cannot be read as a bank of features"),
    ],
)
def test_a_damaged_file_is_one_error(members, text, tmp_path):
    with pytest.raises(InputError, match=text):
        read_bank(changed(tmp_path / "bank.npz", **members), BANK)


def test_a_file_that_is_missing_or_no_archive_is_one_error(tmp_path):
    with pytest.raises(InputError, match="is missing; `detlite context build` writes"):
        read_bank(tmp_path / "bank.npz", BANK)
    (tmp_path / "bank.npz").write_bytes(b"none")
    with pytest.raises(InputError, match="cannot be read as a bank of features: File is not a zip file"):
        read_bank(tmp_path / "bank.npz", BANK)


def test_a_session_reads_the_bank_of_its_artifact(tmp_path):
    saved = bank_reader(3, 10).save(tmp_path / "model")
    artifact = with_bank(saved, written(tmp_path / "bank.npz"))
    found = Session(artifact).run(np.zeros((4, 4, 3), np.uint8))
    assert found.scores[0] == 14


def test_a_model_without_a_bank_takes_none(tmp_path):
    saved = running_sum().save(tmp_path / "model")
    with pytest.raises(InputError, match="is a bank of features, and the model reads none: leave it out"):
        with_bank(saved, written(tmp_path / "bank.npz"))
    assert with_bank(saved, None) is saved


def test_an_artifact_has_no_bank_unless_one_is_given():
    assert Artifact(Path("model.tflite"), bank_reader().contract).bank is None


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bank_that_is_compressed_in_another_way_is_refused(tmp_path, way):
    path = written(tmp_path / "bank.npz")
    with zipfile.ZipFile(path) as whole:
        content = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(path, "w", way) as whole:
        for name, value in content.items():
            whole.writestr(name, value)
    with pytest.raises(InputError, match=r"bank\.json is compressed in another way than a bank's; want it stored"):
        read_bank(path, BANK)
