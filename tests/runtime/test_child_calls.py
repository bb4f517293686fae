"""The tasks of the runtime, each asked of a real child."""

import numpy as np
import pytest
from builders.tiny_streams import running_sum
from builders.tiny_tflite import tiny_contract, tiny_model

from detlite.runtime.artifact import Artifact
from detlite.runtime.child import run_in_child
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.image.read import read_image
from detlite.runtime.session import Session


@pytest.fixture
def request_of(tmp_path):
    """A request about a tiny model and three images."""
    model = tmp_path / "model.tflite"
    model.write_bytes(tiny_model())
    paths = []
    for i in range(3):
        paths.append(tmp_path / f"{i}.npy")
        np.save(paths[-1], np.random.default_rng(i).integers(0, 3, (20, 30, 3), np.uint8))
    return {
        "model": str(model),
        "contract": tiny_contract().to_json(),
        "images": [str(path) for path in paths],
        "threads": 1,
        "upright": True,
        "out": str(tmp_path / "out.npz"),
    }


def session_of(request) -> Session:
    from pathlib import Path

    return Session(Artifact(Path(request["model"]), tiny_contract()))


def test_probe_tells_what_the_interpreter_sees(request_of):
    found = run_in_child("detlite.runtime.child_calls:probe", request_of)
    assert found["runtime"].startswith("ai-edge-litert ")
    assert found["inputs"] == [{"name": "image", "shape": [1, 6, 8, 1], "dtype": "float32"}]
    assert [(one["name"], one["shape"]) for one in found["outputs"]] == [
        ("box_encodings", [1, 6, 4]),
        ("class_scores", [1, 6, 4]),
    ]


def test_probing_what_is_no_model_is_an_input_error(request_of, tmp_path):
    (tmp_path / "x.tflite").write_bytes(b"no model" * 9)
    with pytest.raises(InputError, match=r"cannot open .*x.tflite"):
        run_in_child("detlite.runtime.child_calls:probe", {"model": str(tmp_path / "x.tflite")})


def test_detect_finds_what_a_session_finds(request_of, tmp_path):
    from pathlib import Path

    answer = run_in_child("detlite.runtime.child_calls:detect", request_of)
    found, session = np.load(request_of["out"]), session_of(request_of)
    for i, path in enumerate(request_of["images"]):
        want, mine = session.run(read_image(Path(path))), found["image_index"] == i
        np.testing.assert_array_equal(found["boxes"][mine], want.boxes)
        np.testing.assert_array_equal(found["scores"][mine], want.scores)
        np.testing.assert_array_equal(found["classes"][mine], want.classes)
    assert (found["sizes"].tolist(), answer["runtime"]) == ([[20, 30]] * 3, session.runtime)
    assert answer["wall_s"] > 0


def test_detecting_twice_gives_the_same(request_of):
    run_in_child("detlite.runtime.child_calls:detect", request_of)
    first = dict(np.load(request_of["out"]))
    run_in_child("detlite.runtime.child_calls:detect", request_of)
    second = dict(np.load(request_of["out"]))
    for name in ("boxes", "classes", "scores", "image_index", "sizes"):
        np.testing.assert_array_equal(first[name], second[name])


def test_detecting_in_no_images_is_refused(request_of):
    with pytest.raises(InputError, match="no images to detect in"):
        run_in_child("detlite.runtime.child_calls:detect", {**request_of, "images": []})


def test_a_contract_of_another_model_is_refused_in_the_parent_too(request_of):
    with pytest.raises(ContractError, match="they do not belong together; convert the model again"):
        run_in_child(
            "detlite.runtime.child_calls:detect", {**request_of, "contract": tiny_contract(anchors=9).to_json()}
        )


def test_heads_are_stacked_by_role(request_of):
    run_in_child("detlite.runtime.child_calls:heads", request_of)
    found = np.load(request_of["out"])
    assert {name: found[name].shape for name in found.files} == {"box_encodings": (3, 6, 4), "class_scores": (3, 6, 4)}


@pytest.mark.parametrize(("extra", "want"), [({}, [1, 2, 4]), ({"successive": True}, [1, 3, 7])])
def test_a_stream_begins_anew_with_each_image_unless_they_are_successive_frames(tmp_path, extra, want):
    model, frames = running_sum(), []
    (tmp_path / "model.tflite").write_bytes(model.data)
    for grey in (1, 2, 4):
        frames.append(str(tmp_path / f"{grey}.npy"))
        np.save(frames[-1], np.full((2, 2, 3), grey, np.uint8))
    request = {"model": str(tmp_path / "model.tflite"), "contract": model.contract.to_json(), "images": frames}
    run_in_child(
        "detlite.runtime.child_calls:heads", {**request, "threads": 1, "out": str(tmp_path / "out.npz")} | extra
    )
    np.testing.assert_allclose(np.load(tmp_path / "out.npz")["class_scores"].ravel(), want, rtol=1e-3)
