"""The header of an engine."""

import pytest

from detlite.runtime.runners.engine_file import builder_of


def written(tmp_path, data):
    (tmp_path / "model.engine").write_bytes(data)
    return tmp_path / "model.engine"


@pytest.mark.parametrize(("tag", "title"), [(b"ftrt", "TensorRT"), (b"vtrt", "TensorRT for RTX")])
def test_an_engine_says_what_built_it(tmp_path, tag, title):
    head = tag + bytes(20) + bytes((10, 3, 0, 30)) + b"and more"
    assert str(builder_of(written(tmp_path, head))) == f"{title} 10.3.0.30"


def test_another_layout_another_file_and_no_file_say_nothing(tmp_path):
    for data in (b"", b"ftrt", b"ftrt\1" + bytes(40), b"xtrt" + bytes(40), b"an engine" * 9):
        assert builder_of(written(tmp_path, data)) is None
    assert builder_of(tmp_path / "missing.engine") is None
