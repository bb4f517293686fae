"""detlite: trained vision models to the edge: convert, quantize, prove, measure.

::

    import detlite

    model = detlite.read("model.tar.gz")
    int8 = detlite.quantize(model, detlite.images("photos/"))
    int8.save("out/int8")
    for found in detlite.detect(int8, "photos/").images:
        print(found.image, found.above(0.5))

Every name below is loaded when it is first used: `import detlite` itself imports nothing heavy. `detlite.api` says
what each function does; docs/library.md shows them together. The command line is `detlite.cli`.
"""

from __future__ import annotations

from detlite.runtime.version import __version__ as __version__

TYPE_CHECKING = False  # `typing` itself takes half of the time of this import

if TYPE_CHECKING:  # what a type checker and an editor see
    from detlite.api import (
        Accuracy as Accuracy,
    )
    from detlite.api import (
        Agreement as Agreement,
    )
    from detlite.api import (
        Artifact as Artifact,
    )
    from detlite.api import (
        BenchmarkResult as BenchmarkResult,
    )
    from detlite.api import (
        ContractError as ContractError,
    )
    from detlite.api import (
        DatasetFiles as DatasetFiles,
    )
    from detlite.api import (
        DetectRun as DetectRun,
    )
    from detlite.api import (
        DetliteError as DetliteError,
    )
    from detlite.api import (
        Device as Device,
    )
    from detlite.api import (
        DeviceError as DeviceError,
    )
    from detlite.api import (
        FindingError as FindingError,
    )
    from detlite.api import (
        Found as Found,
    )
    from detlite.api import (
        ImageResult as ImageResult,
    )
    from detlite.api import (
        Images as Images,
    )
    from detlite.api import (
        InputError as InputError,
    )
    from detlite.api import (
        Measurement as Measurement,
    )
    from detlite.api import (
        MissingToolError as MissingToolError,
    )
    from detlite.api import (
        Model as Model,
    )
    from detlite.api import (
        ModelComparison as ModelComparison,
    )
    from detlite.api import (
        Prediction as Prediction,
    )
    from detlite.api import (
        Progress as Progress,
    )
    from detlite.api import (
        RunComparison as RunComparison,
    )
    from detlite.api import (
        Session as Session,
    )
    from detlite.api import (
        UnknownNameError as UnknownNameError,
    )
    from detlite.api import (
        agreement as agreement,
    )
    from detlite.api import (
        compare as compare,
    )
    from detlite.api import (
        compare_runs as compare_runs,
    )
    from detlite.api import (
        dataset as dataset,
    )
    from detlite.api import (
        detect as detect,
    )
    from detlite.api import (
        evaluate as evaluate,
    )
    from detlite.api import (
        export as export,
    )
    from detlite.api import (
        images as images,
    )
    from detlite.api import (
        list_devices as list_devices,
    )
    from detlite.api import (
        measure as measure,
    )
    from detlite.api import (
        measure_against as measure_against,
    )
    from detlite.api import (
        measure_on as measure_on,
    )
    from detlite.api import (
        predict_edgetpu as predict_edgetpu,
    )
    from detlite.api import (
        quantize as quantize,
    )
    from detlite.api import (
        read as read,
    )
    from detlite.api import (
        session as session,
    )

__all__ = [  # noqa: RUF022  # in the order of the work
    "__version__",
    # what is done
    "read",
    "images",
    "dataset",
    "quantize",
    "export",
    "evaluate",
    "agreement",
    "measure",
    "measure_against",
    "measure_on",
    "session",
    "detect",
    "compare",
    "compare_runs",
    "predict_edgetpu",
    "list_devices",
    "devices",
    # what is handed on
    "Accuracy",
    "Agreement",
    "Artifact",
    "BenchmarkResult",
    "DatasetFiles",
    "DetectRun",
    "Device",
    "Found",
    "ImageResult",
    "Images",
    "Measurement",
    "Model",
    "ModelComparison",
    "Prediction",
    "Progress",
    "RunComparison",
    "Session",
    # what can go wrong
    "DetliteError",
    "FindingError",
    "InputError",
    "ContractError",
    "UnknownNameError",
    "MissingToolError",
    "DeviceError",
]


def __getattr__(name: str) -> object:
    """Return the public *name*, from `detlite.api` (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'detlite' has no attribute {name!r}; it has: {', '.join(__all__)}")
    from detlite import api

    found: object = getattr(api, name)
    return found


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
