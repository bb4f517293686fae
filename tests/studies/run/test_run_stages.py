"""What a finished stage of a run depends on: with anything else it is done again."""

from dataclasses import replace

import pytest
from builders.model_files import write_photos
from builders.tiny_tflite import save_tiny

from detlite.accuracy.images import images_in
from detlite.convert.requests import Given
from detlite.convert.source import recognize
from detlite.devices.inventory import Device
from detlite.runtime.progress import silent
from detlite.studies.run.images import ImageSets
from detlite.studies.run.run import RunSettings, _Stages


class AskedError(Exception):
    """Ends a stage; its argument is what the stage depends on."""


class AskedLedger:
    """A ledger that does no stage."""

    def __init__(self, folder):
        self.folder = folder

    def stage(self, _name, inputs, _outputs, _work):
        raise AskedError(inputs)


@pytest.fixture
def stages(tmp_path):
    artifact = save_tiny(tmp_path / "tiny")
    images = images_in(write_photos(tmp_path / "photos", 2))
    settings = RunSettings(Given(tmp_path / "tiny"))
    source = recognize(tmp_path / "tiny")
    return _Stages(AskedLedger(tmp_path), source, ImageSets(images, images, None, ""), settings, silent), artifact


def inputs_of(call, *arguments):
    with pytest.raises(AskedError) as asked:
        call(*arguments)
    return asked.value.args[0]


def test_photographs_that_were_upright_are_not_those_read_as_stored(stages):
    upright, artifact = stages
    sets = upright.images
    stored = replace(sets, calibration=replace(sets.calibration, upright=False))
    assert inputs_of(upright.quantize, artifact) != inputs_of(replace(upright, images=stored).quantize, artifact)
    stored = replace(sets, evaluation=replace(sets.evaluation, upright=False))
    assert inputs_of(upright.score, artifact, artifact) != inputs_of(
        replace(upright, images=stored).score, artifact, artifact
    )


def test_a_stage_with_the_same_inputs_depends_on_the_same(stages):
    known, artifact = stages
    again = replace(known)
    assert inputs_of(known.quantize, artifact) == inputs_of(again.quantize, artifact)
    assert inputs_of(known.score, artifact, artifact) == inputs_of(again.score, artifact, artifact)
    assert inputs_of(known.measure, artifact) == inputs_of(again.measure, artifact)


def test_a_device_at_another_address_is_measured_anew(stages):
    known, artifact = stages
    devices = [Device("board", "pixel", address=address) for address in ("one.lan", "other.lan")]
    asked = [
        inputs_of(replace(known, settings=replace(known.settings, device=one)).measure, artifact) for one in devices
    ]
    assert asked[0] != asked[1]
