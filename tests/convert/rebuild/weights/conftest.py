"""Small checkpoints of every kind, written once by TensorFlow."""

from __future__ import annotations

import shutil
import struct

import numpy as np
import pytest

from detlite.convert.rebuild.weights.crc32c import masked_crc32c
from detlite.convert.rebuild.weights.table import MAGIC, read_table

WEIGHTS = np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3)
NAMED = {
    "FeatureExtractor/MobilenetV1/Conv2d_0/weights": WEIGHTS,
    "FeatureExtractor/MobilenetV1/Conv2d_0/weights/ExponentialMovingAverage": WEIGHTS + 100,
    "FeatureExtractor/MobilenetV1/Conv2d_0/weights/Momentum": WEIGHTS * 0,
    "BoxPredictor_0/BoxEncodingPredictor/biases": np.zeros(12, np.float32),
    "BoxPredictor_0/ClassPredictor/biases": np.ones(9, np.float32),
    "global_step": np.array(7, np.int64),
}

KINDS_OF_FLOATS = {
    "half": np.array([1, -2.5, 65504], np.float16),
    "double": np.array([1, 1e-3, -1e30], np.float64),
    "scalar": np.array(0.25, np.float32),
    "empty": np.zeros((0, 4), np.float32),
}


def save_named(prefix, values, version):
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default():
        made = [v1.get_variable(name, initializer=value, use_resource=False) for name, value in values.items()]
        saver = v1.train.Saver(made, write_version=version)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            saver.save(session, str(prefix), write_meta_graph=False)


@pytest.fixture(scope="session")
def kinds(tmp_path_factory):
    """A folder with `v2`, `v1`, `floats2`, `floats1`, `objects` (one variable has two paths), `classifier`, `nan`."""
    from detlite.convert.tensorflow import load_tensorflow

    tf = load_tensorflow()
    folder = tmp_path_factory.mktemp("checkpoints")
    save_named(folder / "v2", NAMED, tf.compat.v1.train.SaverDef.V2)
    save_named(folder / "v1", NAMED, tf.compat.v1.train.SaverDef.V1)
    save_floats(tf, folder)
    save_named(folder / "classifier", {"MobilenetV1/Conv2d_0/weights": WEIGHTS}, tf.compat.v1.train.SaverDef.V2)
    save_named(folder / "nan", {"w": np.array([1, np.nan, np.inf], np.float32)}, tf.compat.v1.train.SaverDef.V2)
    save_objects(tf, folder / "objects")
    return folder


def save_floats(tf, folder):
    """Write `KINDS_OF_FLOATS` and `parts`, a variable in three pieces; `floats2` also has a bfloat16."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        for name, value in KINDS_OF_FLOATS.items():
            v1.get_variable(name, initializer=value, use_resource=False)
        rows = tf.constant(np.arange(20, dtype=np.float32).reshape(10, 2))
        v1.get_variable("parts", initializer=rows, partitioner=v1.fixed_size_partitioner(3), use_resource=False)
        session.run(v1.global_variables_initializer())
        for version, name in ((v1.train.SaverDef.V1, "floats1"), (v1.train.SaverDef.V2, "floats2")):
            if name == "floats2":
                bfloat = v1.get_variable(
                    "bfloat", initializer=tf.constant([1.5, -3e38], tf.bfloat16), use_resource=False
                )
                session.run(bfloat.initializer)
            v1.train.Saver(write_version=version).save(session, str(folder / name), write_meta_graph=False)


def save_objects(tf, prefix):
    extractor, layer, optimizer = tf.Module(), tf.Module(), tf.Module()
    layer.kernel = tf.Variable(WEIGHTS)
    extractor.layers = [layer]
    extractor.first = layer
    model = tf.Module()
    model._feature_extractor = extractor
    model.box = tf.Module()
    setattr(model.box, "a/b", tf.Module())
    getattr(model.box, "a/b").bias = tf.Variable(np.ones(2, np.float32))
    optimizer.rate = tf.Variable(0.5)
    optimizer.slot = tf.Variable(WEIGHTS + 100)
    tf.train.Checkpoint(model=model, optimizer=optimizer).write(str(prefix))


@pytest.fixture
def checkpoint(kinds, tmp_path):
    """Return a function that copies one of `kinds`, for tests to damage."""

    def copy(kind):
        for path in kinds.glob(f"{kind}*"):
            shutil.copy(path, tmp_path / path.name)
        return tmp_path / kind

    return copy


def table_of(entries):
    """Return the bytes of a table with these keys and values, including checksums."""
    data = b""

    def put(pairs):
        nonlocal data
        rows = [varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in pairs]
        block = b"".join(rows) + struct.pack("<II", 0, 1) + b"\0"
        handle = varint(len(data)) + varint(len(block) - 1)
        data += block + struct.pack("<I", masked_crc32c(block))
        return handle

    where = put(entries)
    footer = put([]) + put([(b"\xff", where)])
    return data + footer.ljust(40, b"\0") + MAGIC


def varint(number):
    rest = number >> 7
    return bytes([number]) if not rest else bytes([number & 127 | 128]) + varint(rest)


@pytest.fixture
def edited(checkpoint):
    """Return a function that copies `v2` and changes one entry of its index, keeping the checksums valid."""

    def edit(name, change):
        prefix = checkpoint("v2")
        index = prefix.with_name("v2.index")
        rows = [(key, bytes(value)) for key, value in read_table(index)]
        assert name in dict(rows)
        index.write_bytes(table_of([(key, change(value) if key == name else value) for key, value in rows]))
        return prefix

    return edit
