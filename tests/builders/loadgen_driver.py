"""Has the official LoadGen drive the runner that a script makes: `loadgen_driver.py SCRIPT SCENARIO OUT`.

Writes to stdout, as JSON, what LoadGen logged, and the samples in the order in which it asked for them.
"""

import json
import queue
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from detlite.runtime.runners.backend import Runner, Settings
from detlite.runtime.runners.script import ScriptedRunner, read_script

SAMPLES = 16
QUERIES = {"SingleStream": 120, "Offline": 1, "Server": 120}
RATE = 20


def settings_of(lg: Any, scenario: str) -> Any:
    """The settings of LoadGen for *scenario*, with the seeds of detlite."""
    from detlite.runtime.measure.presets import QSL_SEED, SAMPLE_SEED, SCHEDULE_SEED

    made = lg.TestSettings()
    made.scenario = getattr(lg.TestScenario, scenario)
    made.mode = lg.TestMode.PerformanceOnly
    made.qsl_rng_seed, made.sample_index_rng_seed, made.schedule_rng_seed = QSL_SEED, SAMPLE_SEED, SCHEDULE_SEED
    made.min_duration_ms, made.min_query_count, made.max_query_count = 0, QUERIES[scenario], QUERIES[scenario]
    made.server_target_qps, made.server_target_latency_ns = RATE, 10**8
    made.offline_expected_qps = 120
    return made


def drive(lg: Any, runner: Runner, scenario: str, out: str) -> tuple[list[int], list[int]]:
    """Have LoadGen drive *runner*; return the samples that it loaded and those that it asked for."""
    waiting: queue.Queue[Any] = queue.Queue()
    asked: list[int] = []

    def answer() -> None:
        while (sample := waiting.get()) is not None:
            runner.invoke()
            lg.QuerySamplesComplete([lg.QuerySampleResponse(sample.id, 0, 0)])

    def issue(samples: Sequence[Any]) -> None:
        asked.extend(sample.index for sample in samples)
        for sample in samples:
            waiting.put(sample)

    worker = threading.Thread(target=answer)
    worker.start()
    sut = lg.ConstructSUT(issue, lambda: None)
    loaded: list[int] = []
    qsl = lg.ConstructQSL(SAMPLES, SAMPLES, loaded.extend, lambda _ids: None)
    log, output = lg.LogSettings(), lg.LogOutputSettings()
    output.outdir, output.copy_summary_to_stdout = str(out), False
    log.log_output, log.enable_trace = output, False
    lg.StartTestWithLogSettings(sut, qsl, settings_of(lg, scenario), log)
    waiting.put(None)
    worker.join()
    lg.DestroyQSL(qsl)
    lg.DestroySUT(sut)
    return loaded, asked


def main() -> None:
    """Drive the runner that the command line names."""
    script, scenario, out = sys.argv[1:]
    import mlperf_loadgen as lg

    runner = ScriptedRunner(read_script(Path(script)), Settings(), None)
    loaded, asked = drive(lg, runner, scenario, out)
    lines = (Path(out) / "mlperf_log_detail.txt").read_text().splitlines()
    logged = {entry["key"]: entry["value"] for entry in (json.loads(line[9:]) for line in lines)}
    print(json.dumps({"loaded": loaded, "asked": asked, "logged": logged}))


if __name__ == "__main__":
    main()
