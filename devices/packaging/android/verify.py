"""Checking a built app: does it contain the model as it was packaged, and can the model be mapped?"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detlite.convert.model import digest
from detlite.devices.packaging.android.app_file import AAB, AppFile, open_app
from detlite.devices.packaging.android.bundle_config import BundleCompression, read_compression
from detlite.devices.packaging.android.manifest import MANIFEST, SCHEMA, SCHEMA_VERSION
from detlite.devices.packaging.android.render import fingerprint
from detlite.devices.packaging.android.variant import CPU, GPU
from detlite.runtime.errors import InputError
from detlite.runtime.strict_json import parse_json

PAGE_BYTES = 16384
"""The largest page size of Android phones: a file aligned to it is mapped without a copy."""

TOOLS_BYTES = 4
"""What Android's own tools align stored files to."""

NO_COMPRESS = 'android { androidResources { noCompress += "tflite" } }'
MAX_MANIFEST_BYTES, MAX_CODE_BYTES, MAX_CONFIG_BYTES = 1 << 24, 1 << 27, 1 << 20
WHERE = re.compile(r"(?P<root>(?:(?P<module>[^/]+)/)?assets/)(?P<name>[a-z][a-z0-9_]*)/" + re.escape(MANIFEST))
CODE = re.compile(r"(?:[^/]+/dex/)?classes\d*\.dex")
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Placed:
    """A file of a package inside an app.

    Attributes:
        path: its path in the app.
        size_bytes: its uncompressed size.
        is_stored: whether it is or will be uncompressed in the installed app.
        offset: where its content begins in an APK; None in a bundle, from which Play builds APKs.
    """

    path: str
    size_bytes: int
    is_stored: bool
    offset: int | None


@dataclass(frozen=True)
class Verification:
    """The result of checking an app.

    Attributes:
        kind: `APK` or `AAB`.
        packages: the names of its detlite packages.
        models: their model files.
        findings: what is wrong, one sentence each with its cure.
        notes: what could not be checked.
    """

    kind: str
    packages: tuple[str, ...]
    models: tuple[Placed, ...]
    findings: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, eq=False)
class _InApp:
    """One package in an app: its location, its manifest, and the manifest's bytes."""

    root: str
    module: str
    name: str
    record: dict[str, Any]
    raw: bytes


def verify_app(path: Path, *, package: Path | None = None, alignment: int | None = None) -> Verification:
    """Check detlite's packages in the app at *path*.

    Args:
        path: an APK or an AAB.
        package: the folder that `detlite package` wrote, to compare with too.
        alignment: the alignment that a model must have in an APK, in bytes; None for `TOOLS_BYTES`, with a note on a
            model that is not aligned to `PAGE_BYTES`.

    Raises:
        InputError: *path* is not an app or holds no detlite package, or *package* is not one.
    """
    with open_app(path) as app:
        packages = list(_packages(app))
        if not packages:
            raise InputError(
                f"{path} holds no detlite package: it has no assets/NAME/{MANIFEST} with the schema {SCHEMA}; copy the "
                "package's src folder over the app module's"
            )
        compression = BundleCompression()
        if app.kind == AAB:
            compression = read_compression(app.read("BundleConfig.pb", MAX_CONFIG_BYTES))
        findings: list[str] = []
        models: list[Placed] = []
        for one in packages:
            for said, placed in _files(app, one, compression, alignment or TOOLS_BYTES):
                findings += said
                models += placed
        code, notes = _of_code(app, packages)
        if alignment is None:
            notes += [_page_note(placed) for placed in models if (placed.offset or 0) % PAGE_BYTES]
        findings += [*code, *_other_package(packages, package)]
        names = tuple(one.name for one in packages)
        return Verification(app.kind, names, tuple(models), tuple(findings), tuple(notes))


def _packages(app: AppFile) -> Iterator[_InApp]:
    for path in sorted(app.entries):
        match = WHERE.fullmatch(path)
        if match is None or (app.kind == AAB) is not (match["module"] is not None):
            continue
        raw = app.read(path, MAX_MANIFEST_BYTES)
        record = _manifest(raw, path)
        if record is not None:
            yield _InApp(match["root"], match["module"] or "", match["name"], record, raw)


def _manifest(raw: bytes, path: str) -> dict[str, Any] | None:
    """Return the manifest *raw*, checked as far as it is used; None if it is not detlite's."""
    try:
        record = parse_json(raw)
    except InputError:
        return None
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        return None
    if record.get("schema_version") != SCHEMA_VERSION:
        raise InputError(f"{path} is of version {record.get('schema_version')!r:.20}; this detlite reads 1: update it")
    if not isinstance(record.get("files"), list) or not record["files"]:
        raise InputError(f"{path} is damaged: it lists no model file; package the model again")
    labels = record.get("labels")
    for item in (*record["files"], labels | {"size_bytes": 0} if isinstance(labels, dict) else labels):
        if not _is_file(item):
            raise InputError(f"{path} is damaged: {item!r:.60} is not a file with its sha256; package the model again")
    return record


def _is_file(item: object) -> bool:
    """Return whether *item* of a manifest states a file's path, sha256 and size."""
    if not isinstance(item, dict) or not isinstance(item.get("path"), str) or not isinstance(item.get("sha256"), str):
        return False
    size = item.get("size_bytes")
    return SHA256.fullmatch(item["sha256"]) is not None and isinstance(size, int) and size >= 0


def _files(
    app: AppFile, one: _InApp, compression: BundleCompression, alignment: int
) -> Iterator[tuple[list[str], list[Placed]]]:
    """Yield the findings on each file of a package, and its placement if it is a model."""
    for item in one.record["files"]:
        path = one.root + item["path"]
        entry = app.entries.get(path)
        if entry is None:
            # a file compiled for one chip may be in an AI pack instead
            wanted = item.get("for") in (CPU, GPU)
            yield ([f"{path} is not in the app: copy the package's src/main/assets again, whole"] if wanted else []), []
            continue
        placed = _placed(app, one, path, compression)
        yield [*_mapping_findings(placed, entry, alignment, app.kind), *_byte_findings(app, path, item)], [placed]
    labels = one.root + one.record["labels"]["path"]
    if labels not in app.entries:
        yield [f"{labels} is not in the app: copy the package's src/main/assets again, whole"], []
    else:
        yield _byte_findings(app, labels, one.record["labels"] | {"size_bytes": MAX_MANIFEST_BYTES}), []


def _placed(app: AppFile, one: _InApp, path: str, compression: BundleCompression) -> Placed:
    entry = app.entries[path]
    if app.kind == AAB:
        in_apk = path.removeprefix(f"{one.module}/")
        return Placed(path, entry.file_size, compression.stores(in_apk, in_pack=_is_pack(app, one.module)), None)
    return Placed(path, entry.file_size, entry.compress_type == zipfile.ZIP_STORED, app.data_offset(path))


def _is_pack(app: AppFile, module: str) -> bool:
    """Return whether *module* of a bundle is an asset pack: it has assets, but neither code nor resources."""
    return not any(name.startswith((f"{module}/dex/", f"{module}/resources.pb")) for name in app.entries)


def _mapping_findings(placed: Placed, entry: zipfile.ZipInfo, alignment: int, kind: str) -> list[str]:
    if not placed.is_stored:
        how = f"compressed, {entry.file_size:,} to {entry.compress_size:,} bytes" if kind != AAB else "to be compressed"
        return [f"{placed.path} is {how}: an app cannot map it; add to the app's build.gradle.kts: {NO_COMPRESS}"]
    if placed.offset is not None and placed.offset % alignment:
        return [
            f"{placed.path} is not aligned to {alignment} bytes (it begins at byte {placed.offset}): run "
            f"zipalign -f {alignment} IN.apk OUT.apk, then apksigner sign OUT.apk"
        ]
    return []


def _page_note(placed: Placed) -> str:
    return (
        f"{placed.path} is not aligned to {PAGE_BYTES} bytes, so that a phone with such pages copies it: run zipalign "
        f"-f {PAGE_BYTES} IN.apk OUT.apk, then apksigner sign OUT.apk; pass --alignment {PAGE_BYTES} to insist"
    )


def _byte_findings(app: AppFile, path: str, item: dict[str, Any]) -> list[str]:
    found = app.sha256(path, item["size_bytes"])
    if found == item["sha256"]:
        return []
    return [
        f"{path} does not match its manifest (sha256 {found[:12]}, not {item['sha256'][:12]}): copy the "
        "package's src/main/assets again, whole"
    ]


def _of_code(app: AppFile, packages: list[_InApp]) -> tuple[list[str], list[str]]:
    """Return the findings on the constants in the app's code, and what could not be compared."""
    code = [app.read(name, MAX_CODE_BYTES) for name in sorted(app.entries) if CODE.fullmatch(name)]
    findings, notes = [], []
    for one in packages:
        want, constant = fingerprint(one.name, one.raw), re.compile(rb"detlite/%b/[0-9a-f]{64}" % one.name.encode())
        stated = {match.decode() for dex in code for match in constant.findall(dex)}
        if not stated:
            notes.append(f"no constants of {one.name} in the app's code: nothing to compare its manifest with")
        elif stated != {want}:
            other = min(stated - {want})
            findings.append(
                f"the app's code is from another package of {one.name} (manifest {other[-64:][:12]}) than its assets "
                f"({want[-64:][:12]}): copy the package's src again, whole"
            )
    return findings, notes


def _other_package(packages: list[_InApp], folder: Path | None) -> list[str]:
    """Return a finding for each package in the app whose manifest differs from that in *folder*."""
    if folder is None:
        return []
    found = sorted(folder.glob(f"src/main/assets/*/{MANIFEST}"))
    if len(found) != 1:
        raise InputError(
            f"{folder} was not written by detlite package --android: it has no src/main/assets/NAME/{MANIFEST}"
        )
    name, want = found[0].parent.name, digest(found[0].read_bytes())
    there = {one.name: digest(one.raw) for one in packages}
    if there.get(name) == want:
        return []
    state = "is a different one" if name in there else "is missing"
    return [f"the package {name} of {folder} {state} in the app: copy its src again, whole"]
