"""Packs for Google Play: an asset pack's module, and an AI pack with a file for each system on a chip."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detlite.devices.packaging.android.naming import MODEL_SUFFIX, Naming
from detlite.devices.packaging.android.variant import CPU, GPU, PLAY_LIMIT_BYTES, Variant
from detlite.runtime.errors import InputError, unknown_name

DELIVERIES = ("install-time", "fast-follow", "on-demand")
SCRIPT = """\
plugins {{
    id("{plugin}")
}}

{block} {{
    packName.set("{name}")
    dynamicDelivery {{
        deliveryType.set("{delivery}")
    }}
}}
"""


def pack_name(naming: Naming) -> str:
    """Return the name of the pack and of its module."""
    return f"{naming.name}_pack"


def asset_pack(naming: Naming, assets: Mapping[str, bytes], delivery: str) -> dict[str, bytes]:
    """Return the files of an asset pack's module, by path, with *assets* in their folder.

    Raises:
        InputError: the assets are too large for a pack.
        UnknownNameError: *delivery* is not one of `DELIVERIES`.
    """
    if delivery not in DELIVERIES:
        raise unknown_name("delivery of an asset pack", delivery, DELIVERIES)
    check_pack_bytes(sum(len(content) for content in assets.values()))
    name = pack_name(naming)
    script = SCRIPT.format(plugin="com.android.asset-pack", block="assetPack", name=name, delivery=delivery)
    return {
        f"{name}/build.gradle.kts": script.encode("ascii"),
        **{f"{name}/{naming.asset_folder}/{file}": content for file, content in assets.items()},
    }


def check_pack_bytes(size_bytes: int) -> None:
    """Refuse a pack over Google Play's size limit."""
    if size_bytes > PLAY_LIMIT_BYTES:
        raise InputError(
            f"the pack has {size_bytes:,} bytes, and Google Play accepts at most {PLAY_LIMIT_BYTES:,}: leave a model "
            "file out"
        )


def ai_pack(naming: Naming, variants: Sequence[Variant], delivery: str) -> dict[str, bytes]:
    """Return the files of an AI pack by path, in the layout of ai-edge-litert's own export.

    Play delivers to each device the file for its system on a chip, or else the CPU file.

    Raises:
        InputError: no variant is compiled for a system on a chip, or they are too large for a pack.
        UnknownNameError: *delivery* is not one of `DELIVERIES`.
    """
    from ai_edge_litert.aot.ai_pack.export_lib import export

    if delivery not in DELIVERIES:
        raise unknown_name("delivery of an AI pack", delivery, DELIVERIES)
    compiled = [variant for variant in variants if variant.use not in (CPU, GPU)]
    if not compiled:
        raise InputError("an AI pack needs models compiled for a system on a chip: give them with --soc")
    check_pack_bytes(sum(len(variant.data) for variant in (variants[0], *compiled)))
    name = pack_name(naming)
    script = SCRIPT.format(plugin="com.android.ai-pack", block="aiPack", name=name, delivery=delivery)
    with tempfile.TemporaryDirectory() as scratch:
        result = _compilation(variants[0], compiled)
        export(result, scratch, name, variants[0].file.removesuffix(MODEL_SUFFIX))
        files = {
            path.relative_to(scratch).as_posix(): path.read_bytes()
            for path in sorted(Path(scratch).rglob("*"))
            if path.is_file()
        }
    return {**files, f"{name}/build.gradle.kts": script.encode("ascii")}


def _compilation(fallback: Variant, compiled: Sequence[Variant]) -> Any:
    """Return what ai-edge-litert's compiler would return for these files."""
    from ai_edge_litert.aot.core.aot_types import CompilationResult, Model
    from ai_edge_litert.aot.vendors.fallback_backend import FallbackBackend

    backends = known_chips()
    models = [(FallbackBackend.create({"backend_id": FallbackBackend.id()}), fallback)]
    models += [(backends[variant.use], variant) for variant in compiled]
    return CompilationResult([(backend, Model.create_from_bytes(variant.data)) for backend, variant in models])


def known_chips() -> dict[str, Any]:
    """Return ai-edge-litert's backend for each system on a chip that it supports, by target name."""
    from ai_edge_litert.aot.vendors.google_tensor.google_tensor_backend import GoogleTensorBackend
    from ai_edge_litert.aot.vendors.mediatek.mediatek_backend import MediaTekBackend
    from ai_edge_litert.aot.vendors.qualcomm.qualcomm_backend import QualcommBackend
    from ai_edge_litert.aot.vendors.samsung.samsung_backend import SamsungBackend

    found = {}
    for kind in (GoogleTensorBackend, MediaTekBackend, QualcommBackend, SamsungBackend):
        for backend in kind.create({"backend_id": kind.id()}).specialize():
            found[str(backend.target_id)] = backend
    return found
