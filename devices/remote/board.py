"""The board's program run as the job of a held device, and its run's folder brought here."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from detlite.devices.deploy.device_lock import Hold
from detlite.devices.deploy.job import JobError, job_lines
from detlite.devices.inventory import Device
from detlite.devices.remote.board_errors import board_errors
from detlite.devices.transport.run import run
from detlite.devices.transport.transport import LostError
from detlite.runtime.errors import DeviceError, InputError
from detlite.runtime.measure.results import Measurement
from detlite.runtime.measure.run_folder import MEASUREMENT, PROTOCOL, refuse_strangers, write_json
from detlite.runtime.strict_json import parse_json

LONGEST_S = 6 * 3600.0
FETCH_S = 300.0


def board_measurement(
    held: Hold, device: Device, program: Sequence[str], folder: str, words: Sequence[str]
) -> Measurement:
    """Return what `measure` of the board's *program* measures, called with *words*; its run stays in *folder* there.

    *program* is the words that start it, Python's and those before that among them.

    Raises:
        DetliteError: as the program does.
        LostError: the device was lost; finished processes are kept there.
    """
    command = [*program, "measure", *words, "--json", "-o", folder]
    lines: list[bytes] = []
    try:
        with board_errors(device):
            lines.extend(job_lines(held, command, timeout_s=LONGEST_S))
    except LostError as error:
        raise LostError(f"{error}; finished processes are kept on the device: measure again to go on") from error
    except DeviceError as error:
        if not isinstance(error.__cause__, JobError) or not lines:
            raise  # with lines there is a record, which says what failed
    try:
        return Measurement.from_record(dict(parse_json(b"".join(lines))))
    except (ValueError, TypeError, InputError) as error:
        raise DeviceError(f"{device.name}: the board's program wrote no record: {b''.join(lines)[:100]!r}") from error


def prepare_run_folder(out: Path, *, force: bool) -> None:
    """Check that a run can be written to the folder *out*.

    Raises:
        InputError: it holds something, and *force* is false or that is no run, or not a run alone.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not out.is_dir() or not (out / PROTOCOL).is_file():
        raise InputError(f"{out} holds something that is no run: choose another folder")
    if not force:
        raise InputError(f"{out} already holds a run: choose another folder, or pass --force to replace it")
    refuse_strangers(out)


def bring(held: Hold, folder: str, out: Path | None) -> None:
    """Copy the run's folder from the device to *out*, and remove it there."""
    if out is not None:
        done = run(held.transport, ["tar", "-c", "-f", "-", "-C", folder, "."], timeout_s=FETCH_S)
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.absolute().parent))
        try:
            with tarfile.open(fileobj=io.BytesIO(done.out), mode="r:") as archive:
                archive.extractall(part, filter="data")
        except (tarfile.TarError, OSError) as error:
            shutil.rmtree(part, ignore_errors=True)
            raise DeviceError(f"{held.transport.name}: the run did not arrive whole: {error}") from error
        part.chmod(0o755)
        if out.exists():
            refuse_strangers(out)
            shutil.rmtree(out)
        part.replace(out)
    run(held.transport, ["rm", "-rf", folder], timeout_s=FETCH_S)


def finish_run(out: Path, found: Measurement) -> None:
    """Write *found* as it is handed on; an emulated device's logs for MLPerf would claim what nobody measured."""
    write_json(out / MEASUREMENT, found.to_record())
    if found.emulated:
        for path in out.glob("mlperf_log_*"):
            path.unlink()
