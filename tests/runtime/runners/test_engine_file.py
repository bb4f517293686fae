"""The header of an engine."""

from detlite.runtime.runners.engine_file import plan_version


def written(tmp_path, data):
    (tmp_path / "model.engine").write_bytes(data)
    return tmp_path / "model.engine"


def test_an_engine_says_the_version_that_built_it(tmp_path):
    head = b"ftrt" + bytes(20) + bytes((10, 3, 0, 30)) + b"and more"
    assert plan_version(written(tmp_path, head)) == (10, 3, 0, 30)


def test_another_layout_another_file_and_no_file_say_nothing(tmp_path):
    for data in (b"", b"ftrt", b"ftrt\1" + bytes(40), b"vtrt" + bytes(40), b"an engine" * 9):
        assert plan_version(written(tmp_path, data)) is None
    assert plan_version(tmp_path / "missing.engine") is None
