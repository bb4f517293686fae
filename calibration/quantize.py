"""From a float model and representative images to a quantized one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from detlite.accuracy.frame_errors import FrameErrors, frame_errors
from detlite.accuracy.images import Images
from detlite.accuracy.output_error import OutputError, SureOutputs, output_error, sure_outputs
from detlite.accuracy.region_error import RegionError, region_error
from detlite.calibration.material import Material, bank_places, material_of
from detlite.calibration.models import CHANNELS, FloatModel, QuantizedModel
from detlite.calibration.numbers.box_codes import AS_TRAINED, AUTO, RESCALED, has_box_codes, with_rescaled_codes
from detlite.calibration.numbers.number_format import INT8
from detlite.calibration.numbers.scheme import DEFAULT_SCHEME, check_packing, io_of, scheme_called
from detlite.calibration.ranges.ranges import Ranges
from detlite.calibration.recipe import Recipe
from detlite.calibration.video.footage import Footage, states_of, takes_video
from detlite.calibration.weights.method import METHODS, Method
from detlite.calibration.weights.swish_scales import with_scaled_swishes
from detlite.calibration.weights.twin_choice import NONE, TwinRequest, with_twins
from detlite.convert.artifact import step
from detlite.convert.finished import check_float_input
from detlite.convert.load import with_heads
from detlite.convert.model import Model, session_of, tflite_model
from detlite.convert.tflite.boundary import set_boundary
from detlite.convert.tflite.describe import INTEGERS, description_of
from detlite.convert.tflite.float_weights import unpack_weights
from detlite.convert.tflite.heads import canonicalize, input_names, refreshed
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.prune import share_buffers
from detlite.convert.tflite.rounding import remove_rounding
from detlite.convert.tflite.tensors import dtype_name, operator_name
from detlite.runtime.contract import Contract
from detlite.runtime.errors import FindingError, InputError
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress, silent
from detlite.runtime.task import Heads
from detlite.runtime.tasks.detection import crops_regions, has_raw_heads
from detlite.runtime.tasks.instances import Instances

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "CONV_3D")

ERROR_IMAGES = 4
"""Calibration images that the error of every model is measured on: each takes an inference in float and one in int8."""

TWIN_IMAGES = 32
"""Calibration images that decide whether twin channels stay; a few of them show which tensors are worth it."""

NO_TWINS_OF_REGIONS = (
    "--twin-channels is judged by the error of raw outputs, and the regions of a two-stage detector differ from model "
    "to model: leave the option out"
)

QUANTIZED = ("int8", "int16", "explicit int8", "mixed")


@dataclass(frozen=True, eq=False)
class Quantized:
    """A quantized model.

    Attributes:
        model: the model.
        ranges: of its activations, if the method provides them.
        error: of its raw outputs against the float model's, on a few calibration images; None if only weights were
            packed, or if the model crops regions that it finds itself, which differ from model to model.
        by_frame: the same of each frame of a stream.
        region_error: of these regions, likewise; None for any other model.
        reference: the float model of a stream, with raw heads, whose tensors are what the quantized model's stand for:
            it computes the same as the one given, but has scaled channels, see `swish_scales.py`.
    """

    model: Model
    ranges: Ranges | None
    error: OutputError | None = None
    by_frame: FrameErrors | None = None
    region_error: RegionError | None = None
    reference: Model | None = None


def quantize(
    model: Model,
    images: Images | Footage,
    recipe: Recipe,
    *,
    ranges: Ranges | None = None,
    chosen: Material | None = None,
    progress: Progress = silent,
) -> Quantized:
    """Return *model* quantized with *ranges*, or with ranges from *images*, or with only its weights packed.

    Args:
        model: what to quantize.
        images: what to calibrate with.
        recipe: how.
        ranges: of the activations; None for those that *images* give.
        chosen: *images* as the model takes them, where they were chosen already.
        progress: told of the samples.

    Raises:
        InputError: the model is not float32, or takes something else than *images*; an image cannot be read; or the
            scheme does not support an option.
        FindingError: nothing was quantized.
    """
    scheme = scheme_called(recipe.scheme)
    io_of(recipe.scheme, recipe.io)  # refuses what the scheme has not
    if scheme.pack is not None:
        twins = recipe.twin_channels != NONE
        given_options = (("--float", recipe.floating), ("--ranges", ranges), ("--twin-channels", twins))
        asked = [name for name, given in given_options if given]
        check_packing(recipe.scheme, tuple(asked))
        return Quantized(_packed(model, recipe, scheme.pack), None)
    refuse_quantized(model)
    source = with_heads(model, "raw")
    method: Method = load_plugin(METHODS, recipe.method)
    material = chosen or material_of(images, source.contract, progress=progress)
    given = _float_model(source, material, images.digest(), recipe, ranges)
    if crops_regions(source.contract) and recipe.twin_channels != NONE:
        raise InputError(NO_TWINS_OF_REGIONS)
    judge = judge_of(source, material, ERROR_IMAGES if recipe.twin_channels == NONE else TWIN_IMAGES)
    if judge is None or recipe.twin_channels == NONE:
        made = method.quantize(given)
    else:
        asked_twins = TwinRequest(recipe.twin_channels, recipe.max_macs)
        made = with_twins(given, method, asked_twins, judge, progress=progress)
    digest, recipe = given.images_sha256, with_heads_of(model, recipe)
    found = completed(source, made, recipe, images, material=material, judge=judge, images_sha256=digest)
    reference = tflite_model(given.file, source.contract, source.history) if given.states else None
    return replace(found, reference=reference)


def with_heads_of(model: Model, recipe: Recipe) -> Recipe:
    """Return *recipe* with the heads of *model* where it names none."""
    return replace(recipe, heads=recipe.heads or ("raw" if has_raw_heads(model.contract) else "postprocess"))


def completed(
    source: Model,
    made: QuantizedModel,
    recipe: Recipe,
    images: Images | Footage,
    *,
    material: Material,
    judge: ErrorJudge | None,
    images_sha256: str,
) -> Quantized:
    """Return *made* with the heads of *recipe*, with its history and its error.

    Args:
        source: the float model with raw heads.
        made: its int8 form.
        recipe: how it was made, with the heads that the result has.
        images: what it was calibrated with.
        material: the same, as the model takes it.
        judge: `judge_of` *source* and *material*.
        images_sha256: the digest of *images*.

    Raises:
        FindingError: nothing was quantized.
    """
    scheme, io = scheme_called(recipe.scheme), io_of(recipe.scheme, recipe.io)
    outside = io if recipe.heads == "raw" else scheme.io[0]  # the op reads floats: avoid a third dtype in between
    made, coded = _coded(source, made, recipe)
    whole = as_model(coded, made, inputs=io, outputs=outside)
    error, by_frame, region = None, None, None
    if judge is None:
        region = _region_error(source, whole, material)
    else:
        error, by_frame = judge.errors(whole)
    done = step(
        "quantize",
        input_sha256=source.sha256,
        scheme=recipe.scheme,
        method=recipe.method,
        io=io,
        images=images.origin,
        image_count=material.count,
        images_sha256=images_sha256,
        **(images.orientation_facts() if isinstance(images, Images) else {"videos": len(images.paths)}),
        **({"unread_videos": list(material.unread)} if material.unread else {}),
        **made.facts,
        **({} if error is None else {"error": error.to_record()}),
        **({} if by_frame is None else {"error_by_frame": by_frame.to_record()}),
        **({} if region is None else {"region_error": region.to_record()}),
    )
    assert recipe.heads is not None
    return Quantized(with_heads(whole.after(done), recipe.heads), made.ranges, error, by_frame, region)


def _coded(source: Model, made: QuantizedModel, recipe: Recipe) -> tuple[QuantizedModel, Model]:
    """Return *made* with the box codes of *recipe*, which are those of the returned model, *source* or a copy of it.

    Raises:
        InputError: the recipe has other codes than the float model, and *made* cannot have them.
    """
    if recipe.box_codes == AS_TRAINED or (recipe.box_codes == AUTO and recipe.heads == "raw"):
        return made, source
    rescaled = with_rescaled_codes(made, source.contract) if recipe.scheme == DEFAULT_SCHEME else None
    if rescaled is not None:
        return rescaled[0], replace(source, contract=rescaled[1])
    if recipe.box_codes == AUTO:
        return made, source
    raise InputError(
        f"--box-codes {RESCALED} needs the scheme {DEFAULT_SCHEME}, one of detlite's own methods, and boxes that int8 "
        "convolutions code as offsets from anchors, some columns in a narrower range than others: leave the option out"
    )


def float_model(
    source: Model,
    images: Images | Footage,
    recipe: Recipe,
    *,
    ranges: Ranges | None = None,
    progress: Progress = silent,
) -> FloatModel:
    """Return the method's input for the model *source* with raw heads; errors as `quantize`."""
    material = material_of(images, source.contract, progress=progress)
    return _float_model(source, material, images.digest(), recipe, ranges)


def _float_model(source: Model, material: Material, digest: str, recipe: Recipe, ranges: Ranges | None) -> FloatModel:
    _refuse_peaks_in_the_network(source.contract)
    file, states = _float_file(source), states_of(source.contract)
    remove_rounding(file)
    if takes_video(source.contract) and scheme_called(recipe.scheme).numbers is INT8:
        given = file
        file = with_scaled_swishes(given, states, lambda: material.samples(given, source.contract, CHANNELS))
    return FloatModel(
        file=file,
        image=source.contract.image,
        samples=lambda: material.samples(file, source.contract),
        images_sha256=digest,
        estimator=recipe.estimator,
        floating=recipe.floating,
        float_outputs=_has_float_ends(source.contract),
        ranges=ranges,
        scheme=recipe.scheme,
        states=states,
        banks=bank_places(source.contract),
        box_codes=source.contract.output("box_encodings").index if has_box_codes(source.contract) else None,
        sample_count=None if states else material.count,
    )


def as_model(source: Model, made: QuantizedModel, *, inputs: str = "int8", outputs: str = "int8") -> Model:
    """Return a method's result for *source* as a model with a contract, and with *source*'s history.

    *inputs* and *outputs* are the dtypes of its input and heads; the heads of a two-stage detector stay float.

    Raises:
        FindingError: nothing was quantized.
    """
    file = made.file.copy()
    names = source.contract.output_names
    canonicalize(file, outputs=names, inputs=input_names(source.contract))
    if description_of(file.model).quantization not in QUANTIZED:
        raise FindingError("nothing was quantized: the model is still float")
    ends = "float32" if _has_float_ends(source.contract) else outputs
    set_boundary(file, inputs=inputs, outputs=ends, names=names)
    share_buffers(file.edit())
    contract = refreshed(source.contract.with_image(made.image), file)
    return tflite_model(file, contract, source.history)


class ErrorJudge:
    """A few images, and what the float model's raw outputs are in them; for a stream, the frames of a few scenes."""

    def __init__(self, source: Model, material: Material, count: int) -> None:
        """Begin to run the float model *source* on the first *count* images of *material*, in a thread of its own."""
        self._source, self._material, self._count = source, material, count
        self._is_stream = bool(states_of(source.contract))
        pool = ThreadPoolExecutor(1)
        self._reference = pool.submit(self._run)
        pool.shutdown(wait=False)

    def _run(self) -> tuple[list[SureOutputs], list[tuple[int, Heads]]]:
        """Return what counts in each image, and of a stream each frame: a detector's outputs take 20 MB an image."""
        sure, frames = list[SureOutputs](), list[tuple[int, Heads]]()
        for number, heads in self._material.heads(session_of(self._source), self._count):
            sure.append(sure_outputs(self._source.contract, heads))
            if self._is_stream:
                frames.append((number, heads))
        return sure, frames

    def is_worse(self, made: QuantizedModel, plain: QuantizedModel) -> bool:
        """Return whether the raw outputs of *made* surely have more error than *plain*'s, image by image.

        A few images tell a large loss from chance, but not a small gain.
        """
        ours, theirs = (self.error(as_model(self._source, one)) for one in (made, plain))
        return ours.gain_db(theirs).high < 0

    def of_file(self, file: TfliteFile) -> float:
        """Return noise over signal of an edited copy of the float model, on a few of the images: it is alike in all."""
        return self.error(tflite_model(file, self._source.contract, ()), count=ERROR_IMAGES).power

    def error(self, made: Model, *, count: int | None = None) -> OutputError:
        """Return the error of the raw outputs of *made* in the images, or in the first *count* of them."""
        return self._error(self._heads(made, count), made.contract)

    def errors(self, made: Model) -> tuple[OutputError, FrameErrors | None]:
        """Return `error` on the first `ERROR_IMAGES`, with the error of each frame if the model is a stream."""
        if not self._is_stream:
            return self.error(made, count=ERROR_IMAGES), None
        found = list(self._heads(made))
        numbers, wanted = zip(*self._reference.result()[1], strict=True)
        return self._error(found, made.contract), frame_errors(numbers, zip(wanted, found, strict=True))

    def _heads(self, made: Model, count: int | None = None) -> Iterator[Heads]:
        session, _wait = session_of(made), self._reference.result()  # both read the same images
        for _number, heads in self._material.heads(session, count or self._count):
            yield heads

    def _error(self, found: Iterable[Heads], contract: Contract) -> OutputError:
        pairs = zip(self._reference.result()[0], found, strict=False)
        return output_error([sure.errors(heads, contract) for sure, heads in pairs])


def judge_of(source: Model, material: Material, count: int) -> ErrorJudge | None:
    """Return a judge on *count* images; None if regions are found in the model, which differ from model to model."""
    return None if crops_regions(source.contract) else ErrorJudge(source, material, count)


def _region_error(source: Model, made: Model, material: Material) -> RegionError:
    """Return the error of the regions of *made* against those of *source*, on a few images of *material*."""
    ours, theirs = (material.heads(session_of(model), ERROR_IMAGES) for model in (source, made))
    pairs = zip(ours, theirs, strict=True)
    return region_error(source.contract, ((want, found) for (_at, want), (_same, found) in pairs))


def _has_float_ends(contract: Contract) -> bool:
    """Return whether the outputs stay float: of regions, or of a bank, which is empty while ranges are observed."""
    return crops_regions(contract) or bool(bank_places(contract))


def _packed(model: Model, recipe: Recipe, pack: Callable[[TfliteFile], None]) -> Model:
    heads = recipe.heads or ("raw" if has_raw_heads(model.contract) else "postprocess")
    source = with_heads(model, "raw")
    file = _float_file(source)
    pack(file)
    canonicalize(file, outputs=source.contract.output_names, inputs=input_names(source.contract))
    done = step("quantize", input_sha256=source.sha256, scheme=recipe.scheme)
    made = tflite_model(file, refreshed(source.contract, file), (*source.history, done))
    return with_heads(made, heads)


def refuse_quantized(model: Model) -> None:
    """Raise `InputError` if convolutions of *model* compute with integers: its inputs and outputs may be floats."""
    tensors = model.file.subgraph.tensors
    for one in model.file.subgraph.operators:
        if operator_name(model.file.model, one) not in CONVOLUTIONS or not len(one.inputs):
            continue
        dtype = dtype_name(tensors[int(one.inputs[0])])
        if dtype in INTEGERS:
            raise InputError(
                f"the model is quantized already: its {operator_name(model.file.model, one)} reads {dtype}; give the "
                "float32 model, or what it was converted from"
            )


def _float_file(source: Model) -> TfliteFile:
    """Return a copy of the file of *source* with float32 weights; errors as `quantize`."""
    check_float_input(source.contract.image.dtype)
    file = source.file.copy()
    unpack_weights(file)
    return file


def _refuse_peaks_in_the_network(contract: Contract) -> None:
    """Raise `InputError` for a DeepMAC: it counts cells and classes in numbers that 8 bits cannot tell apart."""
    if isinstance(contract.task, Instances) and contract.task.detection.nms.kind == "peaks" and crops_regions(contract):
        raise InputError(
            "the model finds peaks and crops their regions in the network, which has no int8 form (a DeepMAC): use "
            "--scheme float16 or dynamic"
        )
