"""`task.quantization`: training that is aware of quantization, of TF-Vision's `projects/qat`."""

from __future__ import annotations

from detlite.convert.rebuild.tf_vision.params import Params


def has_ranges(task: Params) -> bool:
    """Return whether *task* trains aware of quantization, by 8 bits."""
    if not task.has("quantization"):
        task.ignore("quantization")
        return False
    section = task.inside("quantization")
    section.ignore("pretrained_original_checkpoint", "num_bits_weight", "num_bits_activation")
    section.ignore("quantize_detection_decoder", "quantize_detection_head")
    section.only("change_num_bits", False, "detlite keeps ranges of 8 bits")
    section.finish()
    return True
