"""Malicious checkpoints with valid checksums, and damaged ones."""

from __future__ import annotations

import random

import numpy as np
import pytest

from detlite.convert.rebuild.weights.open import open_checkpoint
from detlite.runtime.errors import InputError

KERNEL = "FeatureExtractor/MobilenetV1/Conv2d_0/weights"
SHAPE = (1, 1, 2, 3)


def entry(change):
    """Return how to change the bytes of a `BundleEntryProto`."""
    from tensorflow.core.protobuf.tensor_bundle_pb2 import BundleEntryProto

    def edit(value):
        record = BundleEntryProto.FromString(value)
        change(record)
        return record.SerializeToString()

    return edit


def sides(*values):
    def change(record):
        del record.shape.dim[:]
        for value in values:
            record.shape.dim.add(size=value)

    return change


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (sides(-5, 3), r"a variable of unknown shape \(-5, 3\)"),
        (sides(2**40, 2**40), "Conv2d_0/weights of shape .* has 24 bytes"),
        (sides(2**62, 2**62, 2**62), "Conv2d_0/weights of shape .* has 24 bytes"),
        (lambda record: setattr(record.shape, "unknown_rank", True), "a variable of unknown shape"),
        (lambda record: setattr(record, "offset", 10**15), r"weights ends at byte \d+ of v2.data-00000-of-00001"),
        (lambda record: setattr(record, "offset", -8), r"weights ends at byte \d+ of v2.data-00000-of-00001"),
        (lambda record: setattr(record, "size", -1), r"weights ends at byte \d+ of v2.data-00000-of-00001"),
        (lambda record: setattr(record, "shard_id", 77), "weights is in shard 77, but there is 1 shard"),
        (lambda record: record.slices.add().extent.add(start=0), "should have 1 piece, found 0"),
    ],
)
def test_an_impossible_entry_is_a_one_line_error(edited, change, error):
    with pytest.raises(InputError, match=f"v2 is damaged or cut short: .*{error}"):
        open_checkpoint(edited(KERNEL.encode(), entry(change)))


def test_an_entry_that_is_not_a_message_is_a_one_line_error(edited):
    with pytest.raises(InputError, match="v2 is damaged or cut short: Error parsing message"):
        open_checkpoint(edited(KERNEL.encode(), lambda value: b"\xff" * len(value)))


def test_an_unknown_dtype_is_an_error_of_the_variable_that_has_it(edited):
    weights = open_checkpoint(edited(KERNEL.encode(), entry(lambda record: setattr(record, "dtype", 20))))
    with pytest.raises(InputError, match="Conv2d_0/weights has the dtype number 20 of TensorFlow's; want one of"):
        weights.take(KERNEL, SHAPE)


def test_too_high_a_shard_count_is_a_one_line_error(edited):
    from tensorflow.core.protobuf.tensor_bundle_pb2 import BundleHeaderProto

    header = BundleHeaderProto(num_shards=2**31 - 1).SerializeToString()
    with pytest.raises(InputError, match="its index lists 2147483647 data shards, found 1"):
        open_checkpoint(edited(b"", lambda _value: header))


def test_a_checkpoint_of_a_big_endian_machine_is_refused(edited):
    from tensorflow.core.protobuf.tensor_bundle_pb2 import BundleHeaderProto

    header = BundleHeaderProto(num_shards=1, endianness=BundleHeaderProto.BIG).SerializeToString()
    with pytest.raises(InputError, match="it was written on a big-endian machine"):
        open_checkpoint(edited(b"", lambda _value: header))


def test_an_index_whose_footer_points_outside_is_a_one_line_error(checkpoint):
    prefix = checkpoint("v2")
    index = prefix.with_name("v2.index")
    data = index.read_bytes()
    index.write_bytes(data[:-48] + bytes(40) + data[-8:])  # a footer whose blocks are the first bytes of the file
    with pytest.raises(InputError, match="v2 is damaged or cut short"):
        open_checkpoint(prefix)


def values_of(prefix):
    weights = open_checkpoint(prefix)
    names = [name for name in weights.names().values() if name != "global_step"]
    return {name: weights.take(name, weights.shape_of(name)).tobytes() for name in sorted(names)}


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("v2", ".index"), ("v2", ".data-00000-of-00001"), ("v1", ""), ("objects", ".index")],
)
def test_a_damaged_bit_is_a_one_line_error_or_changes_nothing(checkpoint, kind, suffix):
    prefix = checkpoint(kind)
    file, whole = prefix.with_name(kind + suffix), values_of(prefix)
    good, pick = file.read_bytes(), random.Random(0)
    found = 0
    for _ in range(150):
        data = bytearray(good)
        data[pick.randrange(len(data))] ^= 1 << pick.randrange(8)
        file.write_bytes(data)
        try:
            assert values_of(prefix) == whole
        except InputError as error:
            assert "damaged or cut short" in str(error) or "holds no variables" in str(error)
            found += 1
    assert found > 100


def test_a_folder_with_brackets_is_no_pattern(checkpoint):
    prefix = checkpoint("v2")
    folder = prefix.parent / "run[1]*"
    folder.mkdir()
    for file in list(prefix.parent.glob("v2.*")):
        file.rename(folder / file.name)
    np.testing.assert_array_equal(open_checkpoint(folder / "v2").take(KERNEL, SHAPE).ravel(), np.arange(6))
