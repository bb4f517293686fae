"""The report: one file, whole, escaped, and the same for the same facts."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from detlite.runtime.errors import InputError
from detlite.studies.report.headline import headline, megabytes, milliseconds, percent
from detlite.studies.report.html import to_html
from detlite.studies.report.markdown import escape, to_markdown
from detlite.studies.report.pictures import draw
from detlite.studies.report.plot import latency_plot
from detlite.studies.report.report import (
    AccuracyRow,
    GateRow,
    Latencies,
    ModelFile,
    Picture,
    PictureSide,
    Report,
    Shown,
    Speed,
    Step,
)
from detlite.studies.report.write import to_json, write_report

HOSTILE = '<script>alert("x")</script>'
FLOAT = ModelFile("float32", "a.tflite", "ab" * 32, 18_000_000, 114, 114, "none")
INT8 = ModelFile("int8", "b.tflite", "cd" * 32, 6_000_000, 118, 0, "int8")


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "dog.png"
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return Picture(path, (PictureSide("float32", (Shown((0.1, 0.2, 0.5, 0.6), "dog", 0.9),)), PictureSide("int8", ())))


def report(**changes):
    whole = {
        "title": "SSD",
        "verdict": "It is good.",
        "status": "pass",
        "models": (FLOAT, INT8),
        "accuracy": (AccuracyRow("int8", "COCO mAP", 22.5, 150, 20.1, 24.9, "val2017"),),
        "latencies": (Latencies("float32", (20.0, 20.0, 21.0), "1 thread"), Latencies("int8", (10.0, 10.0, 11.0))),
        "steps": (Step("convert", "from a graph"),),
        "repairs": ("10 AddN",),
        "notes": ("few images",),
        "machine": (("cores", "2"),),
    }
    return Report(**{"speed": Speed(0.5, 0.48, 0.52), **whole, **changes})


def test_the_verdict_comes_before_every_figure():
    html = to_html(report())
    assert html.index("It is good.") < html.index("3.00×") < html.index("<h2>Models</h2>")


def test_the_date_is_under_the_title():
    made = report(date="2026-11-29 14:21 UTC")
    assert re.search(r"<h1>SSD</h1>\s*<p class=\"soft\">2026-11-29 14:21 UTC</p>", to_html(made))
    assert to_markdown(made).startswith("# SSD\n\n2026-11-29 14:21 UTC\n\n")


def test_the_figures_are_of_the_last_model_against_the_first():
    assert [(f.label, f.value) for f in headline(report())] == [
        ("Smaller", "3.00×"),
        ("Faster", "2.00×"),
        ("COCO mAP", "22.50 %"),
    ]


def test_a_model_that_became_worse_is_said_to_be():
    times = (Latencies("a", (1.0,)), Latencies("b", (2.0,)))
    worse = report(models=(INT8, FLOAT), latencies=times, speed=Speed(2.0, 1.9, 2.1))
    assert [(f.label, f.value) for f in headline(worse)][:2] == [("Larger", "3.00×"), ("Slower", "2.00×")]


@pytest.mark.parametrize(
    ("speed", "label", "value", "detail"),
    [
        (Speed(0.5, 0.48, 0.52), "Faster", "2.00×", "95 %: 1.92 to 2.08, median 20.0 ms → 10.0 ms"),
        (Speed(1.0, 0.9, 1.1), "Speed", "no difference", "95 %: 0.90 to 1.10, median 20.0 ms → 10.0 ms"),
        (None, "Speed", "not judged", "median 20.0 ms → 10.0 ms"),
    ],
)
def test_a_speed_is_told_with_its_interval_or_not_judged(speed, label, value, detail):
    figure = headline(report(speed=speed))[1]
    assert (figure.label, figure.value, figure.detail) == (label, value, detail)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (2.0, 1.0), (1.0, float("nan"))])
def test_an_interval_that_cannot_be_is_refused(low, high):
    with pytest.raises(InputError, match="a ratio of times from"):
        Speed(1.0, low, high)


def test_the_gates_say_what_was_asked_and_reached():
    whole = report(gates=(GateRow("fidelity", "at least 90 %", "86.00 % [84.00, 88.00]", False),), status="fail")
    row = "| fidelity | at least 90 % | 86.00 % \\[84.00, 88.00\\] | no |"
    assert row in to_markdown(whole)
    assert "<td>at least 90 %</td><td>86.00 % [84.00, 88.00]</td>" in to_html(whole)


def test_every_caution_is_on_the_page_before_the_figures():
    whole = report(status="caution", cautions=("the machine is busy",))
    assert to_html(whole).index("<li>the machine is busy</li>") < to_html(whole).index("3.00×")
    assert "- the machine is busy" in to_markdown(whole)


def test_a_report_that_passes_has_no_caution():
    with pytest.raises(InputError, match="a report that passes has 1 caution: its status must be caution"):
        report(cautions=("few images",))


def test_html_loads_nothing(picture):
    html = to_html(report(pictures=(picture,)))
    assert not re.search(r"https?:", html)
    assert not re.search(r"<(script|link|iframe|img|object|embed)\b", html)
    sources = re.findall(r"""(?:href|src|url)\s*[=(]\s*["']?([^"')\s>]{0,20})""", html)
    assert len(sources) == 2
    assert all(source.startswith(("data:image/jpeg", "#picture-")) for source in sources)


def test_hostile_texts_are_escaped_everywhere(picture):
    shown = PictureSide(HOSTILE, (Shown((0.1, 0.1, 0.5, 0.5), HOSTILE, 0.9),))
    hostile = report(
        title=HOSTILE,
        verdict=HOSTILE,
        models=(replace(FLOAT, name=HOSTILE, file=HOSTILE, quantization=HOSTILE, sha256=HOSTILE),),
        accuracy=(AccuracyRow(HOSTILE, HOSTILE, 1.0, 2, note=HOSTILE),),
        latencies=(Latencies(HOSTILE, (1.0,), HOSTILE),),
        pictures=(replace(picture, sides=(shown,)),),
        steps=(Step(HOSTILE, HOSTILE),),
        repairs=(HOSTILE,),
        notes=(HOSTILE,),
        machine=((HOSTILE, HOSTILE),),
    )
    assert "<script" not in to_html(hostile)
    assert to_html(hostile).count("&lt;script&gt;") > 15
    assert "<script" not in to_markdown(hostile).replace("\\<", "")


def test_a_report_with_twelve_pictures_of_noise_is_under_3_mb(picture):
    assert len(to_html(report(pictures=(picture,) * 12)).encode()) < 3_000_000


def test_more_pictures_than_that_are_refused(picture):
    with pytest.raises(InputError, match="13 pictures in a report: at most 12"):
        report(pictures=(picture,) * 13)


def test_the_same_facts_give_the_same_bytes(picture):
    first, second = (to_html(report(pictures=(picture,))) for _ in range(2))
    assert first == second


def test_a_report_of_one_model_alone_is_written():
    bare = Report(title="t", verdict="v", status="info", models=(FLOAT,))
    assert "<h2>Latency</h2>" not in to_html(bare)
    assert to_markdown(bare).startswith("# t\n\n**Result.** v\n")


@pytest.mark.parametrize(
    ("status", "word"),
    [("pass", "Passed."), ("caution", "Passed, with cautions."), ("fail", "Failed."), ("info", "Result.")],
)
def test_the_status_is_said_in_a_word(status, word):
    assert f"<b>{word}</b>" in to_html(report(status=status))


def test_an_unknown_status_is_refused():
    with pytest.raises(InputError, match="status is 'ok'; it must be one of pass, caution, fail, info"):
        report(status="ok")


def test_markdown_tables_keep_their_columns_whatever_the_text():
    line = next(row for row in to_markdown(report(notes=(), machine=(("a|b", "c\nd"),))).splitlines() if "a\\|b" in row)
    assert line == "| a\\|b | c d |"


def test_markdown_shows_what_it_is_given():
    assert escape("<b> *x* #1 [y](z)") == "\\<b\\> \\*x\\* \\#1 \\[y\\](z)"


def test_json_has_a_schema_every_sample_and_no_path(picture):
    record = json.loads(to_json(report(pictures=(picture,))))
    assert (record["schema"], record["schema_version"]) == ("detlite.report", 1)
    assert record["latencies"][0]["samples_ms"] == [20.0, 20.0, 21.0]
    assert record["pictures"][0]["path"] == "dog.png"


def test_three_files_are_written_and_nothing_else(tmp_path):
    paths = write_report(report(), tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["report.html", "report.json", "report.md"]
    assert [p.read_text(encoding="utf-8")[:2] for p in paths] == ["<!", "# ", "{\n"]


def test_a_file_that_is_no_picture_is_named(tmp_path):
    (tmp_path / "x.jpg").write_bytes(b"\xff\xd8 no")
    with pytest.raises(InputError, match=r"x\.jpg is no image, or is damaged"):
        draw(Picture(tmp_path / "x.jpg", ()))


def test_boxes_are_in_pixels_of_the_thumbnail(picture):
    drawn = draw(picture)
    box = drawn.sides[0].boxes[0]
    assert (drawn.width, drawn.height) == (520, 390)
    assert (box.x, box.y, box.width, box.height, box.text) == (104, 39, 208, 156, "dog 0.90")


def test_labels_of_the_same_box_do_not_cover_each_other(picture):
    twice = (Shown((0.2, 0.2, 0.8, 0.8), "dog", 0.9), Shown((0.2, 0.2, 0.8, 0.8), "cat", 0.8))
    first, second = draw(replace(picture, sides=(PictureSide("a", twice),))).sides[0].boxes
    apart = abs(first.label_y - second.label_y) >= 17 or abs(first.label_x - second.label_x) >= first.label_width
    assert apart


def test_labels_stay_in_the_picture(picture):
    corner = Shown((0.0, 0.97, 1.0, 1.0), "a very long name of a class", 0.5)
    drawn = draw(replace(picture, sides=(PictureSide("a", (corner,)),)))
    box = drawn.sides[0].boxes[0]
    assert box.label_x >= 0
    assert box.label_x + box.label_width <= drawn.width + 0.1
    assert 0 <= box.label_y <= drawn.height


def test_the_plot_counts_what_it_does_not_show():
    plot = latency_plot((Latencies("a", (*([10.0] * 999), 5000.0)),))
    assert plot.lines[0].beyond == 1
    assert float(plot.x_ticks[-1].text) < 100


def test_the_lines_of_a_plot_end_at_its_top():
    plot = latency_plot((Latencies("a", tuple(np.linspace(5, 9, 5000).tolist())),))
    points = [tuple(map(float, point.split(","))) for point in plot.lines[0].points.split()]
    assert points[-1][1] == plot.top
    assert points[0][1] == plot.bottom
    assert points == sorted(points, key=lambda p: (p[0], -p[1]))


@pytest.mark.parametrize("samples", [(), (0.0,), (-1.0,), (float("nan"),), (float("inf"),)])
def test_latencies_that_cannot_be_are_refused(samples):
    with pytest.raises(InputError, match="the latencies of a: want at least one, and each over 0 ms"):
        Latencies("a", samples)


def test_figures_are_written_with_the_digits_that_count():
    assert [milliseconds(v) for v in (0.1234, 7.41, 17.14, 1234.5)] == ["0.123 ms", "7.41 ms", "17.1 ms", "1234 ms"]
    assert [megabytes(v) for v in (5_340_000, 1_234)] == ["5.34 MB", "1.2 kB"]
    assert percent(AccuracyRow("a", "difference", -0.22, 9, -0.5, 0.1)) == "−0.22 % [−0.50, 0.10]"
