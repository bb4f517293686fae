"""Applying fixes by name, one after another, each with its proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detlite.convert.targets.edgetpu.fix import FOLDER, FixInput, offered
from detlite.convert.targets.edgetpu.graph import read_graph
from detlite.convert.targets.edgetpu.prove import Proof, prove
from detlite.convert.targets.edgetpu.rewrite import with_unique_names
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.plugins import load_plugin, load_plugins, plugin_names
from detlite.runtime.progress import Progress, silent

ALL_LOSSLESS = "all-lossless"
MOST_ROUNDS = 64  # a fix may expose further places for itself


@dataclass(frozen=True)
class Applied:
    """What one fix did: its name and title, the number of places, and its proof."""

    name: str
    title: str
    fidelity: str
    count: int
    proof: Proof


def fix_names() -> tuple[str, ...]:
    """Return the names that `--fix` accepts."""
    return (ALL_LOSSLESS, *plugin_names(FOLDER))


def repair(
    model: FixInput, names: Sequence[str], *, progress: Progress = silent
) -> tuple[FixInput, tuple[Applied, ...]]:
    """Return *model* with the fixes *names*, and what each did; `all-lossless` means all but the `changed` ones.

    Raises:
        InputError: a name is not a fix, or its fix finds nothing in the model.
        FindingError: a fix is not proven.
    """
    applied: list[Applied] = []
    wanted = _resolved(names)
    if wanted:
        model = FixInput(with_unique_names(model.data), model.contract)
    for name in wanted:
        model, done = _apply(model, name, progress)
        if done is not None:
            applied.append(done)
        elif name in names:
            offers = [offer.name for offer in offered(read_graph(model.data, "the model"))]
            said = f"these would: {', '.join(offers)}" if offers else "neither does any other fix"
            raise InputError(f"--fix {name} finds nothing to change in the model; {said}")
    return model, tuple(applied)


def _resolved(names: Sequence[str]) -> list[str]:
    plugins = load_plugins(FOLDER)
    wanted: list[str] = []
    for name in names:
        if name == ALL_LOSSLESS:
            wanted += [key for key, fix in plugins.items() if fix.fidelity != "changed"]
        elif name in plugins:
            wanted.append(name)
        else:
            raise unknown_name("fix", name, (*plugins, ALL_LOSSLESS))
    return list(dict.fromkeys(wanted))


def _apply(model: FixInput, name: str, progress: Progress) -> tuple[FixInput, Applied | None]:
    fix = load_plugin(FOLDER, name)
    count, proofs = 0, []
    for _round in range(MOST_ROUNDS):
        places = fix.find(read_graph(model.data, "the model"))
        if not places:
            break
        after = fix.apply(model, places)
        proofs.append(prove(name, fix, (model, after), places, progress=progress))
        count, model = count + len(places), after
    return model, Applied(name, fix.title, fix.fidelity, count, _worst(proofs)) if proofs else None


def _worst(proofs: Sequence[Proof]) -> Proof:
    differences = [p.output_difference for p in proofs if p.output_difference is not None]
    steps = [p.output_steps for p in proofs if p.output_steps is not None]
    return Proof(
        places=sum(p.places for p in proofs),
        place_steps=max(p.place_steps for p in proofs),
        output_difference=sum(differences) if len(differences) == len(proofs) else None,
        output_steps=sum(steps) if len(steps) == len(proofs) else None,
    )
