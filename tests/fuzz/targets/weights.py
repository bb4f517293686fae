"""Checkpoints of TensorFlow and PyTorch, their pipeline.config, and label maps."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from builders.small_checkpoint import CONFIG, LABEL_MAP
from builders.tf_vision_models import MOVINET, RS, classifier_params, video_params
from builders.torch_files import write_state_dict
from fuzz.checkpoints import table
from fuzz.mutations import blind, protobuf, text, zipped
from fuzz.target import Target

from detlite.convert.labels.files import read_labels
from detlite.convert.rebuild.odapi.config.read import read_pipeline
from detlite.convert.rebuild.tf_vision.read import read_params
from detlite.convert.rebuild.weights.open import open_checkpoint
from detlite.convert.rebuild.weights.torch_file import open_torch
from detlite.convert.sidecar_files import read_hints

PLAIN = {"a/weights": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.float32(0.5)}


def taken(folder: Path) -> object:
    graph = folder / "m.pb"
    weights = open_checkpoint(graph if graph.is_file() else folder / "m")
    return [weights.take(name, weights.shape_of(name) or ()) for name in sorted(set(weights.names().values()))]


@cache
def saved(version: str) -> Mapping[str, bytes]:
    """The files of a checkpoint of *version* V1, V2 or objects, with a variable in pieces."""
    from detlite.convert.tensorflow import load_tensorflow

    tf = load_tensorflow()
    v1 = tf.compat.v1
    with TemporaryDirectory() as made:
        if version == "objects":
            root = tf.Module()
            root.kernel = tf.Variable(PLAIN["a/weights"])
            tf.train.Checkpoint(root=root).write(f"{made}/m")
        else:
            with tf.Graph().as_default(), v1.Session() as session:
                for name, value in PLAIN.items():
                    v1.get_variable(name, initializer=value, use_resource=False)
                rows = tf.constant(np.arange(20, dtype=np.float32).reshape(10, 2))
                split = v1.fixed_size_partitioner(3)
                v1.get_variable("parts", initializer=rows, partitioner=split, use_resource=False)
                session.run(v1.global_variables_initializer())
                saver = v1.train.Saver(write_version=getattr(v1.train.SaverDef, version))
                saver.save(session, f"{made}/m", write_meta_graph=False)
        return {path.name: path.read_bytes() for path in Path(made).iterdir() if path.name != "checkpoint"}


def put(version: str) -> Callable[[Path], object]:
    return lambda folder: [(folder / name).write_bytes(data) for name, data in saved(version).items()]


def checkpoint(name: str, version: str) -> Target:
    tables = (table(protobuf), table(protobuf), table(blind), blind)
    return Target(name, put(version), taken, {"*.index": tables, "m": tables, "*": (blind,)}, heavy=True)


def frozen(folder: Path) -> None:
    """A frozen graph with two constants that were variables."""
    from detlite.convert.tensorflow import load_tensorflow

    tf = load_tensorflow()
    with tf.Graph().as_default() as made:
        for name, value in PLAIN.items():
            tf.identity(tf.constant(value, name=name), name=f"{name}/read")
    (folder / "m.pb").write_bytes(made.as_graph_def().SerializeToString())


def torch_values(folder: Path) -> object:
    found = open_torch(folder / "a.pth")
    return [found.read(name) for name in found.variables]


def params(values: Mapping[str, Any]) -> Callable[[Path], object]:
    import yaml

    return lambda folder: (folder / "params.yaml").write_text(yaml.safe_dump(values))


def read_yaml(folder: Path) -> object:
    return read_params(folder / "params.yaml")


WORDS = {"*": (text, text, text, blind)}
TARGETS = (
    checkpoint("checkpoint V1", "V1"),
    checkpoint("checkpoint V2", "V2"),
    checkpoint("checkpoint of objects", "objects"),
    Target("weights of a frozen graph", frozen, taken, {"*": (protobuf, protobuf, blind)}, heavy=True),
    Target(
        "state dict of PyTorch",
        lambda folder: write_state_dict(folder / "a.pth", {"w": np.arange(6, dtype=np.float32), "b": np.arange(3.0)}),
        torch_values,
        {"*": (zipped(blind), zipped(blind), blind)},
    ),
    Target(
        "pipeline.config",
        lambda folder: (folder / "pipeline.config").write_text(CONFIG),
        lambda folder: read_pipeline(folder / "pipeline.config"),
        WORDS,
    ),
    Target("hints beside a graph", lambda f: (f / "pipeline.config").write_text(CONFIG), read_hints, WORDS),
    Target("params.yaml of a classifier", params(classifier_params()), read_yaml, WORDS),
    Target("params.yaml of a 3-D ResNet", params(video_params(RS, "resnet_3d_rs")), read_yaml, WORDS),
    Target("params.yaml of a MoViNet", params(video_params(MOVINET, "movinet", "movinet")), read_yaml, WORDS),
    Target(
        "params.yaml over an experiment",
        params({"task": {"model": {"num_classes": 7, "input_size": [64, 64, 3]}}}),
        lambda folder: read_params(folder / "params.yaml", "retinanet_resnetfpn_coco"),
        WORDS,
    ),
    Target(
        "label map",
        lambda folder: (folder / "map.pbtxt").write_text(LABEL_MAP),
        lambda folder: read_labels(folder / "map.pbtxt"),
        WORDS,
    ),
    Target(
        "labels in JSON",
        lambda folder: (folder / "labels.json").write_text('[{"id": 1, "name": "cat"}, {"id": 3, "name": "dog"}]'),
        lambda folder: read_labels(folder / "labels.json"),
        WORDS,
    ),
    Target(
        "labels in a table",
        lambda folder: (folder / "labels.csv").write_text("id,name\n1,cat\n3,dog\n"),
        lambda folder: read_labels(folder / "labels.csv"),
        WORDS,
    ),
    Target(
        "list of labels",
        lambda folder: (folder / "labels.txt").write_text("cat\ndog\n"),
        lambda folder: read_labels(folder / "labels.txt"),
        WORDS,
    ),
)
