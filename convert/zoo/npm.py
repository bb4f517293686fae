"""Taking a package from the npm registry with npm itself; no script of the package is run."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from detlite.convert.zoo.catalogue import Package
from detlite.runtime.errors import InputError, MissingToolError

TIMEOUT_S = 180.0
ARGUMENTS = ("--json", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=30000")


def npm_pack(package: Package, to: Path) -> None:
    """Write the tarball of *package* to the file *to*, its integrity checked.

    Raises:
        MissingToolError: npm is missing, fails, or takes over `TIMEOUT_S` seconds.
        InputError: the tarball is not the one that the catalogue names.
    """
    program = shutil.which("npm")
    if program is None:
        raise MissingToolError("npm is not on the path: install Node.js, which brings it")
    wanted = f"{package.name}@{package.version}"
    for left_over in to.parent.glob(f".{to.name}.*.npm"):  # of a run that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f".{to.name}.", suffix=".npm", dir=to.absolute().parent) as folder:
        stated = _run([program, "pack", *ARGUMENTS, "--pack-destination", folder, wanted], folder)
        tarballs = list(Path(folder).glob("*.tgz"))
        if len(tarballs) != 1:
            raise MissingToolError(f"npm pack {wanted} wrote {len(tarballs)} tarballs, and one is wanted")
        for said_by, integrity in (("the registry", stated), ("the catalogue", package.integrity)):
            found = _sha512(tarballs[0])
            if found != integrity:
                raise InputError(f"npm's {wanted} is not what {said_by} says: {found}, and {integrity} is wanted")
        tarballs[0].replace(to)


def _run(command: list[str], folder: str) -> str:
    """Run `npm pack --json` and return the integrity that it states."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MissingToolError(f"npm pack took over {TIMEOUT_S:.0f} seconds") from error
    except OSError as error:
        raise MissingToolError(f"npm cannot be run: {error}") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        raise MissingToolError(f"npm pack failed ({done.returncode}): {' '.join(lines[:2]) or done.stderr[-200:]}")
    try:
        return str(json.loads(done.stdout)[0]["integrity"])
    except (ValueError, LookupError, TypeError) as error:
        raise MissingToolError("npm pack states no integrity of the package: npm 7 or newer is wanted") from error


def _sha512(file: Path) -> str:
    with file.open("rb") as data:
        return "sha512-" + base64.b64encode(hashlib.file_digest(data, "sha512").digest()).decode("ascii")
