"""The defaults, untouched, on networks of other families: more signal to noise than TensorFlow's converter."""

import numpy as np
import pytest
from builders.golden_models import Golden

from detlite.accuracy.images import Images, images_in
from detlite.calibration.material import samples_of
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.convert.child_calls import convert
from detlite.convert.load import load_source
from detlite.convert.options import DetectorOptions
from detlite.convert.requests import ConvertRequest, Given
from detlite.runtime.progress import silent
from detlite.runtime.records import to_record
from detlite.runtime.runners.interpreter import open_interpreter

pytestmark = [pytest.mark.data, pytest.mark.slow]

FAMILIES = ("ssdlite_mobilenet_v2", "ssdlite_mobiledet_edgetpu", "ssd_spaghettinet_edgetpu_s_float")


def float_model(name, folder):
    golden = Golden(name)
    given = Given(config=golden.config, checkpoint=golden.write_checkpoint(folder))
    asked = DetectorOptions(input_size=golden.size, logits=True)
    convert(to_record(ConvertRequest(given, folder / "float", asked, force=True)), silent)
    return load_source(folder / "float", DetectorOptions(), progress=silent)


def heads(model, images, folder):
    """What *model* finds in all *images*: boxes and logits."""
    path = folder / "model.tflite"
    path.write_bytes(model.data)
    opened = open_interpreter(path)
    found = []
    for sample in samples_of(images, model.contract, silent)():
        opened.set_input(opened.inputs[0]["index"], sample.inputs[0])
        opened.invoke()
        found.append([np.float64(opened.output(detail["index"])) for detail in opened.outputs])
    return [np.stack(one) for one in zip(*found, strict=True)]


def signal_to_noise_db(wanted, found):
    noise = [((want - got) ** 2).mean() / (want**2).mean() for want, got in zip(wanted, found, strict=True)]
    return -10 * np.log10(noise)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_default_has_more_signal_to_noise_than_tensorflows_converter(shared_data, tmp_path, name):
    model = float_model(name, tmp_path)
    few = images_in(shared_data / "coco" / "train" / "images").choose(16, 0)
    others = Images(images_in(shared_data / "coco" / "val" / "images").choose(6, 0).paths, "")
    wanted = heads(model, others, tmp_path)
    ours, theirs = (
        signal_to_noise_db(wanted, heads(quantize(model, few, recipe).model, others, tmp_path))
        for recipe in (Recipe(io="float32"), Recipe(io="float32", method="converter"))
    )
    assert (ours > theirs + 0.5).all()
