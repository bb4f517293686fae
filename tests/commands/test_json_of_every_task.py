"""What commands write as JSON of a model of any task, and of a stream; each record is checked by its schema."""

import json

import pytest
from builders.image_files import encoded
from builders.tiny_streams import bank_reader, clip_reader, running_sum
from builders.tiny_tasks import tiny_task

from detlite.cli import main
from detlite.runtime.plugins import plugin_names
from detlite.runtime.task import TASKS


@pytest.fixture
def written(capsys):
    """Run a command with `--json`, and return what it wrote."""

    def run(*words):
        assert main([*map(str, words), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(4):
        (tmp_path / "photos" / f"{number}.png").write_bytes(encoded(number))
    return tmp_path / "photos"


@pytest.mark.parametrize("kind", plugin_names(TASKS))
def test_a_model_of_any_task_is_inspected_quantized_detected_with_and_scored(kind, written, photos, tmp_path):
    model = tmp_path / "model"
    tiny_task(kind).save(model)
    assert written("inspect", model)["task"] == kind
    assert written("quantize", model, "-o", tmp_path / "int8", "--images", photos)["input"]["dtype"] == "int8"
    assert len(written("detect", model, photos)["images"]) == 4
    agreement = written("evaluate", model, "--against", model, "--images", photos, "--min-fidelity", 99)
    assert agreement["fidelity"] == pytest.approx(100)


@pytest.mark.parametrize(
    ("make", "key"), [(running_sum, "further_inputs"), (bank_reader, "further_inputs"), (clip_reader, "clip")]
)
def test_a_model_with_a_memory_is_inspected_with_its_further_inputs(make, key, written, tmp_path):
    make().save(tmp_path / "model")
    assert written("inspect", tmp_path / "model")[key]
