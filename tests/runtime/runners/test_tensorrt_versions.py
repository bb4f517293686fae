"""The table of TensorRT's versions."""

import pytest

from detlite.runtime.errors import InputError
from detlite.runtime.runners.tensorrt_versions import (
    TABLE,
    building_options,
    known_row,
    measuring_options,
    parse_version,
    row_of,
    version_in,
)


def test_the_table_is_in_order():
    assert [row.since for row in TABLE] == sorted({row.since for row in TABLE})


@pytest.mark.parametrize(
    ("version", "since"), [((8, 2), (8, 2)), ((8, 3), (8, 2)), ((9, 1), (8, 6)), ((12, 0), (11, 0))]
)
def test_a_version_has_the_row_before_it(version, since):
    assert row_of(version).since == since


@pytest.mark.parametrize(("text", "version"), [("8.5", (8, 5)), ("10.3.0.30", (10, 3)), ("11.0.0.114", (11, 0))])
def test_a_written_version_is_read(text, version):
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["", "10", "10.x", "10.3.0.30.1", "-8.5", "1000.1"])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(InputError, match="is no version of TensorRT"):
        parse_version(text)


def test_an_unknown_version_and_one_before_the_table_have_no_row():
    assert (known_row(None), known_row((7, 1, 3)), version_in("no banner")) == (None, None, None)
    assert measuring_options(known_row((7, 1, 3))) == ()


@pytest.mark.parametrize(
    ("version", "precision", "is_int8", "found"),
    [
        ((8, 5), None, False, ("fp16", ("--fp16",))),
        ((8, 5), None, True, ("int8", ("--int8", "--fp16"))),
        ((10, 3), "fp32", True, ("fp32", ())),
        ((11, 0), None, True, ("as written", ())),
    ],
)
def test_what_an_engine_computes_in_depends_on_the_version_and_the_file(version, precision, is_int8, found):
    assert building_options(row_of(version), precision, is_int8=is_int8) == found


def test_from_11_on_it_is_measured_as_before_11():
    assert measuring_options(row_of((11, 0))) == ("--includeDataTransfers", "--noSpinWait", "--noCudaGraph")
    assert measuring_options(row_of((10, 13))) == ()
