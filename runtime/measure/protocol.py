"""What is measured, and how: everything that two runs must share to be comparable."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.load import Load
from detlite.runtime.measure.presets import Preset
from detlite.runtime.runners.backend import Settings

LONGEST = 20  # times the minimum duration; then a process ends, even if queries are missing


@dataclass(frozen=True)
class Protocol:
    """How a measurement was made: what two runs must share to be comparable; see `Preset` and `Setup` for the fields.

    Attributes:
        input: `images`, or `noise`.
        images_given: number of images to choose from.
        queries: the minimum over all processes.
        models_in_turn: number of models measured in turn, with alternating queries.
    """

    scenario: Optional[str] = None
    preset: Optional[str] = None
    backend: Optional[str] = None
    threads: Optional[int] = None
    xnnpack: Optional[bool] = None
    delegates: Tuple[str, ...] = ()
    input: Optional[str] = None
    images_given: int = 0
    processes: Optional[int] = None
    sample_count: Optional[int] = None
    queries: Optional[int] = None
    min_duration_s: Optional[float] = None
    offline_samples: Optional[int] = None
    interval_ms: Optional[float] = None
    server_ms: Optional[float] = None
    quality_map: Optional[float] = None
    warm_up_s: Optional[float] = None
    end_to_end: bool = False
    streams: Optional[int] = None
    per_second: Optional[float] = None
    models_in_turn: int = 1


@dataclass(frozen=True, eq=False)
class Setup:
    """One measurement.

    Attributes:
        model: the model file.
        contract: how to use it; None for a file whose input alone is known.
        backend: the name of the back end.
        settings: the back end's settings.
        scenario: its name.
        preset_name: the preset's name.
        preset: the counts and the limits.
        images: the images, sorted by name; empty for noise.
        decode_ns: how long each image took to decode, if they were frames of a video; empty: it is measured here.
        streams: samples per query of MultiStream (default: 1).
        per_second: Server's queries per second.
        end_to_end: whether Offline's time includes reading the images; they are read while others are run.
        accuracy: whether every image is run once more, for `mlperf_log_accuracy.json`.
        profile: whether each operator is timed as well.
    """

    model: Path
    contract: Optional[Contract]
    backend: str
    settings: Settings
    scenario: str
    preset_name: str
    preset: Preset
    images: Tuple[Path, ...] = ()
    decode_ns: Tuple[int, ...] = ()
    streams: int = 1
    per_second: float = 10.0
    end_to_end: bool = False
    accuracy: bool = False
    profile: bool = False

    def __post_init__(self) -> None:
        if self.end_to_end and (self.scenario != "offline" or not self.images):
            raise InputError("--end-to-end needs --scenario offline and --images: it includes reading them")
        if self.accuracy and not (self.images and self.contract):
            raise InputError("--accuracy needs --images and a model with a contract: it runs every image")
        if self.batch > 1 and self.scenario != "single-stream":
            raise InputError(
                f"the model takes {counted(self.batch, 'image')} in one run: measure it with --scenario single-stream, "
                f"where a query is such a run; {self.scenario} counts single images"
            )

    @property
    def batch(self) -> int:
        """Number of images in one run, which is one query."""
        return 1 if self.contract is None else self.contract.image.batch

    def load(self) -> Load:
        """Return the load of each process."""
        preset, share = self.preset, self.preset.processes
        if self.scenario not in preset.queries:
            raise InputError(f"the preset {self.preset_name} has no settings for {self.scenario}")
        least_ns = int(preset.min_duration_s * 1e9 / share)
        return Load(
            queries=-(-preset.queries[self.scenario] // share),
            min_duration_ns=least_ns,
            max_duration_ns=max(LONGEST * least_ns, 600_000_000_000),
            samples=1,
            offline_samples=-(-preset.offline_samples // share),
            streams=self.streams,
            interval_ns=int(preset.interval_ms * 1e6),
            per_second=self.per_second,
            limit_ns=int(preset.server_ms * 1e6),
        )

    def request(self, folder: Path) -> Dict[str, Any]:
        """Return the request for the process that writes to *folder*."""
        return {
            "model": str(self.model.absolute()),
            "contract": None if self.contract is None else self.contract.to_json(),
            "backend": self.backend,
            "threads": self.settings.threads,
            "xnnpack": self.settings.xnnpack,
            "delegates": list(self.settings.delegates),
            "scenario": self.scenario,
            "sample_count": self.preset.sample_count,
            "end_to_end": self.end_to_end,
            "images": [str(path.absolute()) for path in self.images],
            "decode_ns": list(self.decode_ns),
            "warm_up_s": self.preset.warm_up_s,
            "load": asdict(self.load()),
            "folder": str(folder.absolute()),
        }

    def protocol(self) -> Protocol:
        """Return what two runs must share to be comparable."""
        preset = self.preset
        return Protocol(
            scenario=self.scenario,
            preset=self.preset_name,
            backend=self.backend,
            threads=self.settings.threads,
            xnnpack=self.settings.xnnpack,
            delegates=self.settings.delegates,
            input="images" if self.images else "noise",
            images_given=len(self.images),
            processes=preset.processes,
            sample_count=preset.sample_count,
            queries=preset.queries[self.scenario],
            min_duration_s=preset.min_duration_s,
            offline_samples=preset.offline_samples,
            interval_ms=preset.interval_ms,
            server_ms=preset.server_ms,
            quality_map=preset.quality_map,
            warm_up_s=preset.warm_up_s,
            end_to_end=self.end_to_end,
            streams=self.streams if self.scenario == "multi-stream" else None,
            per_second=self.per_second if self.scenario == "server" else None,
        )
