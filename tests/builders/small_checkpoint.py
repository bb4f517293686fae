"""A config of the Object Detection API with a TF1 checkpoint: SSD MobileNet v1, 64 x 64 pixels, 3 classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from builders.asked_weights import AskedWeights
from detlite.convert.rebuild.detector_config import Ssd
from detlite.convert.rebuild.network.ssd import build_ssd
from detlite.convert.rebuild.odapi.config.read import parse_pipeline
from detlite.convert.rebuild.odapi.family import family_of_extractor
from detlite.convert.tensorflow import load_tensorflow

CONFIG = """
model {
  ssd {
    num_classes: 3
    box_coder { faster_rcnn_box_coder { } }
    anchor_generator { ssd_anchor_generator { num_layers: 6 min_scale: 0.2 max_scale: 0.95 aspect_ratios: [1.0, 2.0] } }
    image_resizer { fixed_shape_resizer { height: 64 width: 64 } }
    box_predictor { convolutional_box_predictor { kernel_size: 1 conv_hyperparams { activation: RELU_6 } } }
    feature_extractor {
      type: 'ssd_mobilenet_v1'
      depth_multiplier: 0.25
      min_depth: 8
      conv_hyperparams { activation: RELU_6 batch_norm { scale: true epsilon: 0.001 } }
    }
    post_processing {
      batch_non_max_suppression { score_threshold: 1e-8 iou_threshold: 0.6 }
      score_converter: SIGMOID
    }
  }
}
"""

SURE = np.float32(40)
"""Times the weights of the class heads, so that some scores are high enough to count as detections."""

LABEL_MAP = "".join(
    f"item {{ id: {number} name: '{name}' }}\n" for number, name in enumerate(("cat", "dog", "kite"), 1)
)


def write_checkpoint(folder: Path, name: str) -> None:
    """Write `pipeline.config` and the checkpoint *name*, such as `model.ckpt-7`, to *folder*; seeded weights."""
    tf = load_tensorflow()
    (folder / "pipeline.config").write_text(CONFIG)
    model = parse_pipeline(CONFIG, "pipeline.config").model
    assert isinstance(model, Ssd)
    weights = AskedWeights()
    build_ssd(model, family_of_extractor(model.extractor.type, 0, "a test")[1], weights, (64, 64))
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        for variable, shape in weights.shapes.items():
            value = np.asarray(weights.take(variable, shape))
            if variable.endswith("ClassPredictor/weights"):
                value = value * SURE
            v1.get_variable(variable, initializer=value, use_resource=False)
        v1.get_variable("global_step", initializer=np.int64(7), use_resource=False)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            v1.train.Saver().save(session, str(folder / name), write_meta_graph=False)
