"""What is measured on a device: the model, how, and where the run is kept."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from detlite.convert.artifact import open_artifact
from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import InputError
from detlite.runtime.measure.options import SCENARIO, MeasureOptions

ONNX = ".onnx"
ENGINES = (".engine", ".plan")
"""Suffixes of TensorRT's engines."""

FLAGS = {"per_second": "target-qps", "delegates": "delegate"}
"""What the command line calls a field that has another name there."""


def model_to_measure(path: Path) -> Artifact | Path:
    """Return the .onnx file at *path*, of which a Jetson builds an engine, the engine, or the artifact there.

    Raises:
        InputError: nothing is there that a device can measure.
    """
    return path if path.suffix in (ONNX, *ENGINES) and path.is_file() else open_artifact(path)


@dataclass(frozen=True)
class MeasureRequest:
    """One measurement on a device.

    Attributes:
        model: an artifact, an .onnx file, of which a Jetson builds an engine, or an engine.
        options: how it is measured.
        images: what it runs on; noise where there are none.
        affinity: the cores to keep to: little, mid, big, or a mask; None for any.
        benchmark_model: TFLite's program for the device; None: the inventory's, or Python.
        precision: what the engine of an .onnx may compute in; None: fp16, or as the .onnx states from TensorRT 11 on.
        out: where to keep the run; None for nowhere.
        force: replace the run that is there.
    """

    model: Artifact | Path
    options: MeasureOptions
    images: tuple[Path, ...] = ()
    affinity: str | None = None
    benchmark_model: Path | None = None
    precision: str | None = None
    out: Path | None = None
    force: bool = False

    def __post_init__(self) -> None:
        is_onnx = isinstance(self.model, Path) and self.model.suffix == ONNX
        if self.precision is not None and not is_onnx:
            raise InputError(
                f"a precision of {self.precision} needs an .onnx model and a jetson, where TensorRT builds an engine"
            )

    @property
    def artifact(self) -> Artifact:
        """The model with its contract.

        Raises:
            InputError: it is an .onnx file or an engine.
        """
        if isinstance(self.model, Artifact):
            return self.model
        raise InputError(f"{self.model} is an {self.model.suffix}: it is measured on a jetson by TensorRT")

    def refuse_options(self, program: str, cure: str = "", *, also: tuple[str, ...] = ()) -> None:
        """Check that nothing is asked that a program with a protocol of its own does not do.

        Args:
            program: what measures, and how, for the message.
            cure: what else to do than to leave the option out.
            also: further fields, of the options or of this request, that it does not take.

        Raises:
            InputError: an option is given that it does not take.
        """
        names = ("preset", "images", "streams", "per_second", "fps", "end_to_end", "accuracy", *also)
        usual = {one.name: one.default for kind in (MeasureOptions, MeasureRequest) for one in fields(kind)}
        asked = {**vars(self.options), **vars(self)}
        given = [name for name in names if asked[name] != usual[name]]
        if not given and self.options.scenario in (None, SCENARIO):
            return
        option = f"--{FLAGS.get(given[0], given[0].replace('_', '-'))}" if given else None
        raise InputError(f"{program}: leave out {option or f'--scenario {self.options.scenario}'}{cure}")
