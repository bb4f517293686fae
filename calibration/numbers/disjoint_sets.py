"""Sets of tensors, by index, that can only grow together: a union-find."""

from __future__ import annotations


class DisjointSets:
    """Each number is alone until it is joined; the root of a set stands for it."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}

    def root(self, index: int) -> int:
        """Return the root of the set of *index*."""
        while (parent := self._parents.get(index, index)) != index:
            index = parent
        return index

    def join(self, one: int, other: int) -> None:
        """Put the set of *other* into that of *one*, whose root stays."""
        kept, gone = self.root(one), self.root(other)
        if kept != gone:
            self._parents[gone] = kept

    def joined(self) -> dict[int, frozenset[int]]:
        """Return the sets of more than one, by root."""
        members: dict[int, set[int]] = {}
        for index in self._parents:
            root = self.root(index)
            members.setdefault(root, {root}).add(index)
        return {root: frozenset(found) for root, found in members.items()}
