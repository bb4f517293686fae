"""What someone who decodes boxes with code of his own must know of a model with raw heads."""

from __future__ import annotations

from pathlib import Path

from detlite.accuracy.anchors import are_rescaled
from detlite.commands.console import notice
from detlite.runtime.artifact import CONTRACT
from detlite.runtime.contract import read_contract
from detlite.runtime.tasks.detection import has_raw_heads


def tell_rescaled_codes(out: Path) -> None:
    """Say that the artifact *out* has raw heads with rescaled box codes, if it has."""
    contract = read_contract(out / CONTRACT)
    if has_raw_heads(contract) and are_rescaled(contract):
        notice(
            f"box codes were rescaled for int8: decode them with the anchors and the box coder in {out / CONTRACT}, "
            "not with the published ones (detlite quantize --box-codes as-trained keeps these)"
        )
