"""The same weights in a trainer's checkpoint, an exporter's, a re-export and a SavedModel are the same network."""

from __future__ import annotations

import pytest
from builders.asked_weights import AskedWeights

from detlite.convert.load import load_rebuilt
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import RebuildPlan, architecture_of
from detlite.convert.rebuild.tf_vision.read import read_params
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.convert.source import recognize
from detlite.convert.tensorflow import load_tensorflow

pytestmark = pytest.mark.slow

SMALL = """
task:
  model:
    num_classes: 4
    input_size: [128, 128, 3]
    min_level: 3
    max_level: 7
    backbone:
      type: resnet
      resnet: {model_id: 10, depth_multiplier: 0.125, stem_type: v0, se_ratio: 0.0, resnetd_shortcut: false,
               replace_stem_max_pool: false}
    decoder: {type: fpn, fpn: {num_filters: 8}}
    anchor: {anchor_size: 4, num_scales: 1, aspect_ratios: [1.0]}
    head: {num_convs: 1, num_filters: 8, use_separable_conv: false}
    norm_activation: {activation: relu, norm_epsilon: 0.001}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One folder for each way in which TF-Vision writes the weights, each with the params.yaml."""
    root = tmp_path_factory.mktemp("layouts")
    for name in ("trainer", "exporter", "again", "saved_model"):
        (root / name).mkdir()
        (root / name / "params.yaml").write_text(SMALL)
    whole = model_of(root / "exporter" / "params.yaml")
    tf = load_tensorflow()
    parts = {"backbone": whole.model._backbone, "decoder": whole.model._decoder, "head": whole.model._head}
    trainer = tf.train.Checkpoint(model=whole.model, **parts, global_step=tf.Variable(7))
    trainer.write(str(root / "trainer" / "ckpt-7"))
    tf.train.Checkpoint(model=whole.model).write(str(root / "exporter" / "checkpoint" / "ckpt-1"))
    again = tf.train.Checkpoint(model=model_of(root / "again" / "params.yaml").model)
    again.read(str(root / "exporter" / "checkpoint" / "ckpt-1")).assert_consumed()
    again.write(str(root / "again" / "model"))
    tf.saved_model.save(whole, str(root / "saved_model" / "saved_model"))
    return root


def model_of(config):
    """An object with the variables of the model in *config*, at their paths."""
    plan, asked = RebuildPlan(read_params(config), "params.yaml"), AskedWeights()
    architecture_of(plan.model).build(plan, asked, (128, 128))
    tf, root, random = load_tensorflow(), load_tensorflow().Module(), RandomWeights(0)
    for name, shape in asked.shapes.items():
        *path, last = name.split("/")
        owner = root
        for part in path:
            if not hasattr(owner, part):
                setattr(owner, part, tf.Module())
            owner = getattr(owner, part)
        setattr(owner, last, tf.Variable(random.take(name, shape)))
    return root


def network(folder):
    rebuilt = load_rebuilt(recognize(folder), DetectorOptions())
    assert not rebuilt.unused.layers
    return rebuilt.graph.graph_def.SerializeToString(deterministic=True)


@pytest.mark.parametrize("layout", ["trainer", "again", "saved_model"])
def test_every_layout_gives_the_network_of_the_exporters_checkpoint(folder, layout):
    assert network(folder / layout) == network(folder / "exporter")


def test_the_folder_of_the_saved_model_itself_is_read_with_the_config_beside_it(folder):
    assert recognize(folder / "saved_model" / "saved_model").path.name == "variables"
    assert network(folder / "saved_model" / "saved_model") == network(folder / "exporter")
