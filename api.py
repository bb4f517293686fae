"""The public library: what `import detlite` hands on.

Each function does what the command of the same name does. Models are held in memory and saved when asked; work that
needs TensorFlow, and everything that runs an interpreter but a `Session`, happens in a separate process. All errors
that a caller can cause or fix are `DetliteError`s. `progress` is called as `progress(what, done, total)`; *total* is 0
if it is not known, and -1 where the step *what* begins.
"""

from __future__ import annotations

from detlite import devices as devices
from detlite.accuracy.dataset import DatasetFiles as DatasetFiles
from detlite.accuracy.images import Images as Images
from detlite.accuracy.results import Accuracy as Accuracy
from detlite.accuracy.results import Agreement as Agreement
from detlite.convert.model import Model as Model
from detlite.convert.targets.edgetpu.predict import Prediction as Prediction
from detlite.devices.benchmark_result import BenchmarkResult as BenchmarkResult
from detlite.devices.inventory import Device as Device
from detlite.devices.inventory import list_devices as list_devices
from detlite.library.compare import compare as compare
from detlite.library.compare import compare_runs as compare_runs
from detlite.library.inputs import dataset as dataset
from detlite.library.inputs import images as images
from detlite.library.measure import measure as measure
from detlite.library.measure import measure_against as measure_against
from detlite.library.measure import measure_on as measure_on
from detlite.library.models import export as export
from detlite.library.models import predict_edgetpu as predict_edgetpu
from detlite.library.models import quantize as quantize
from detlite.library.models import read as read
from detlite.library.runs import agreement as agreement
from detlite.library.runs import detect as detect
from detlite.library.runs import evaluate as evaluate
from detlite.library.runs import session as session
from detlite.runtime.artifact import Artifact as Artifact
from detlite.runtime.errors import ContractError as ContractError
from detlite.runtime.errors import DetliteError as DetliteError
from detlite.runtime.errors import DeviceError as DeviceError
from detlite.runtime.errors import FindingError as FindingError
from detlite.runtime.errors import InputError as InputError
from detlite.runtime.errors import MissingToolError as MissingToolError
from detlite.runtime.errors import UnknownNameError as UnknownNameError
from detlite.runtime.measure.results import Measurement as Measurement
from detlite.runtime.progress import Progress as Progress
from detlite.runtime.session import Session as Session
from detlite.runtime.task import Found as Found
from detlite.studies.compare.comparison import RunComparison as RunComparison
from detlite.studies.compare.file_comparison import ModelComparison as ModelComparison
from detlite.studies.detect.results import DetectRun as DetectRun
from detlite.studies.detect.results import ImageResult as ImageResult
