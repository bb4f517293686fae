"""`detlite context build`, and `--bank` of the commands that read what it writes."""

import json

import pytest
from builders.camera_images import write_grey
from builders.command_line import Detlite
from builders.tiny_streams import bank_reader, embedder


@pytest.fixture(scope="module")
def detlite(tmp_path_factory):
    made = Detlite(tmp_path_factory.mktemp("context"))
    embedder(width=1).save(made.folder / "embedder")
    bank_reader(3, 10).save(made.folder / "reader")
    for day in range(1, 4):
        write_grey(made.folder / "photos" / f"{day}.png", 51 * day, f"2021:07:0{day} 06:30:00")
    ran = made("context", "build", "--images", "photos", "--model", "embedder", "-o", "memory.npz", "--json")
    assert ran.status == 0, ran.err
    record = json.loads(ran.out)
    assert (record["rows"], record["width"], record["last"]) == (3, 10, "2021-07-03 06:30:00")
    return made


def test_a_model_reads_the_bank_that_is_given(detlite):
    ran = detlite("detect", "reader", "photos/1.png", "--bank", "memory.npz", "--json")
    assert ran.status == 0, ran.err
    scores = {one["label"]: one["score"] for one in json.loads(ran.out)["images"][0]["ranking"]}
    # the sums over three rows: each box is as wide as its image, and the year is 2021 of 1990 to 2030
    assert (scores["thing 3"], scores["thing 5"]) == (3, pytest.approx(3 * 31 / 40))
    assert "--bank" not in ran.err


def test_a_model_without_its_bank_says_so(detlite):
    ran = detlite("detect", "reader", "photos/1.png")
    assert (ran.status, "reads a bank of 10 features a row, and it is empty: give one with --bank" in ran.err) == (
        0,
        True,
    )


def test_a_device_reads_the_bank_that_is_given(detlite):
    """This machine is the device: the board's program in a process of its own, against a session here."""
    arguments = ("evaluate", "reader", "--images", "photos", "--against", "reader", "--device", "host", "--json")
    ran = detlite(*arguments, "--bank", "memory.npz", "--save-detections", "found.jsonl")
    assert ran.status == 0, ran.err
    (_head, *lines) = (detlite.folder / "found.jsonl").read_text().splitlines()
    scores = [json.loads(line)["scores"] for line in lines]
    assert [(one[3], one[5]) for one in scores] == [(3, pytest.approx(3 * 31 / 40))] * 3
    assert len(json.loads(ran.out)["protocol"]["bank_sha256"]) == 64


def test_the_record_of_an_evaluation_names_the_bank(detlite):
    arguments = ("evaluate", "reader", "--images", "photos", "--against", "reader", "--bank", "memory.npz", "--json")
    ran = detlite(*arguments)
    assert ran.status == 0, ran.err
    assert len(json.loads(ran.out)["protocol"]["bank_sha256"]) == 64


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("detect", "reader", "photos", "--bank", "none.npz"), "none.npz is missing; `detlite context build` writes"),
        (("detect", "embedder", "photos", "--bank", "memory.npz"), "and the model reads none: leave it out"),
        (
            ("context", "build", "--images", "photos", "--model", "embedder", "-o", "memory.npz"),
            "memory.npz already exists; choose another file, or pass --force",
        ),
        (
            ("context", "build", "--images", "photos", "--model", "reader", "-o", "other.npz"),
            "returns no embeddings: convert the Faster R-CNN",
        ),
        (("context", "build", "--images", "none", "--model", "embedder", "-o", "other.npz"), "is not a folder of"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(arguments, text, detlite):
    before = sorted(detlite.folder.iterdir())
    ran = detlite(*arguments)
    assert (ran.status, ran.out, text in ran.err) == (2, "", True), ran.err
    assert len(ran.err.splitlines()) == 1
    assert sorted(detlite.folder.iterdir()) == before
