"""Pairs of texts in the order of their file, their fingerprint, and the references of each source."""

import hashlib
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, islice
from typing import Any, NamedTuple, overload

import numpy as np

from passerelle.data.collector import Collected, Collector, row_size
from passerelle.data.doubts import Doubt
from passerelle.data.outputs import NUMBERS, cell_text
from passerelle.data.storage import BLOCK, Storage
from passerelle.data.stored_texts import StoredRecords, selected
from passerelle.errors import DataError

__all__ = ["Pair", "Pairs", "joined", "references"]


class Pair(NamedTuple):
    """One source text, or sequence of numbers, and one target text; or the value of each of several outputs by name.

    Example:
        >>> pair = passerelle.Pair("He is tired.", "Il est fatigué.")
        >>> pair.target
        'Il est fatigué.'
        >>> source, target = pair
    """

    source: Any
    target: Any


@dataclass(frozen=True)
class Pairs(Sequence[Pair]):
    """Pairs in the order of their file.

    The texts of large pairs lie in files, from which they are read when they are used; the columns are then sequences
    other than lists.

    Attributes:
        sources: source of each pair: a text, or numbers as a tuple with a tuple for each step.
        targets: target text of each pair; with several outputs, the text or the numbers of each output by its name,
            without those that a pair does not have. Numbers are a tuple with a tuple for each step.
        name: where the pairs come from, for messages.
        blank: number of rows skipped because the source or target was empty or only whitespace.
        tags: tags of each pair, one text each; None if pairs have no tags.
        skipped: number of other skipped rows by reason. The reasons are texts for the user: readers set `fuzzy`,
            `obsolete`, `untranslated` (gettext) and `not in both languages` (TMX), and `LengthLimits` sets "longer
            than ..." with the limits.
        doubts: signs that the file was not read as it was meant, see `data.doubts`.
        synthetic: facts about the synthetic pairs among them, as JSON values for the training record; empty if there
            are none.
        outputs: names of several outputs; empty for one output.
        storage: where the texts and their ids lie; None for memory.

    Example:
        >>> pairs = passerelle.read_pairs("pairs.tsv")
        >>> pairs[0].target
        'Il est fatigué.'
        >>> pairs[:2].sources
        ['He is tired.', 'She is young.']
    """

    sources: Sequence[Any]
    targets: Sequence[Any]
    name: str = "pairs"
    blank: int = field(default=0, compare=False)
    tags: Sequence[str] | None = None
    skipped: Mapping[str, int] = field(default_factory=dict, compare=False)
    doubts: Sequence[Doubt] = field(default=(), compare=False)
    synthetic: Mapping[str, Any] = field(default_factory=dict, compare=False)
    outputs: tuple[str, ...] = ()
    storage: Storage | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, collected: Collected, name: str, blank: int = 0, *, outputs: tuple[str, ...] = ()) -> "Pairs":
        """Return pairs with collected columns; see the attributes for the arguments."""
        columns = collected.sources, collected.targets
        return cls(*columns, name, blank, collected.tags, outputs=outputs, storage=collected.storage)

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> "Pairs": ...
    def __getitem__(self, index: int | slice) -> "Pair | Pairs":
        if isinstance(index, slice):
            columns = (None if column is None else column[index] for column in self._columns)
            return self._with_columns(*columns)
        return Pair(self.sources[index], self.targets[index])

    def __iter__(self) -> Iterator[Pair]:
        return map(Pair._make, zip(self.sources, self.targets, strict=True))

    @property
    def has_number_sources(self) -> bool:
        """Whether the sources are sequences of numbers."""
        return len(self.sources) > 0 and not isinstance(self.sources[0], str)

    @cached_property
    def number_outputs(self) -> tuple[str, ...]:
        """The names of the outputs that have numbers."""
        kinds = {name: next((each[name] for each in self.targets if name in each), "") for name in self.outputs}
        return tuple(name for name, value in kinds.items() if not isinstance(value, str))

    @property
    def main_has_texts(self) -> bool:
        """Whether the targets, or those of one of several outputs, are texts."""
        return not self.outputs or bool(self.text_outputs)

    @property
    def text_outputs(self) -> tuple[str, ...]:
        """The names of several outputs that have texts."""
        return tuple(name for name in self.outputs if name not in self.number_outputs)

    @property
    def outputs_to_read(self) -> tuple[str, ...]:
        """The argument `outputs` of `read_pairs` with which another file of the same columns is read."""
        return tuple(name + (NUMBERS if name in self.number_outputs else "") for name in self.outputs)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield source, target and, if pairs have tags, tags of each pair."""
        return zip(*(column for column in self._columns if column is not None), strict=True)

    def flat_rows(self) -> Iterator[tuple[Any, ...]]:
        """Return the rows with one text for each of several outputs instead of a mapping; "" for a missing one."""
        if not self.outputs:
            return self.rows()
        return (
            (source, *(cell_text(targets.get(name, "")) for name in self.outputs), *tags)
            for source, targets, *tags in self.rows()
        )

    def select(self, rows: np.ndarray) -> "Pairs":
        """Return the pairs with these indices, int (n,), in their order; without counts of skipped rows and doubts."""
        return self._with_columns(*(None if column is None else selected(column, rows) for column in self._columns))

    def blocks(self) -> "Iterator[Pairs]":
        """Yield the pairs in memory, at most `BLOCK` at once, in order."""
        columns = [None if column is None else iter(column) for column in self._columns]
        for _ in range(0, len(self), BLOCK):
            yield self._with_columns(*(None if column is None else list(islice(column, BLOCK)) for column in columns))

    def step(self, name: str, total: int | None = None) -> AbstractContextManager[None]:
        """Report a step of the work on these pairs if their texts are in files; pairs in memory have no report.

        Args:
            name: name of the step.
            total: number of texts that the step reads; None if it reads each text once.
        """
        if self.storage is None:
            return nullcontext()
        return self.storage.step(name, len(self) * len(self.columns) if total is None else total)

    @property
    def digest(self) -> str:
        """A text that is the same only for the same texts in the same order; for pairs in files, see `storage`."""
        return " ".join("" if column is None else column.digest for column in self._columns)  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def _columns(self) -> tuple[Any, Any, Any]:
        return self.sources, self.targets, self.tags

    def _with_columns(self, sources: Any, targets: Any, tags: Any) -> "Pairs":
        """Return pairs of the same name with other rows."""
        storage = None if isinstance(sources, list) else self.storage
        return Pairs(sources, targets, self.name, tags=tags, outputs=self.outputs, storage=storage)

    @property
    def columns(self) -> dict[str, Sequence[Any]]:
        """The values by column: `source`, `target` or each of several outputs, and, if pairs have tags, `tags`.

        Texts and numbers that a pair does not have are None.
        """
        columns: dict[str, Sequence[Any]] = {"source": self.sources}
        if self.outputs:
            columns |= _columns_of(self.targets, self.outputs)
        else:
            columns["target"] = self.targets
        return columns if self.tags is None else columns | {"tags": self.tags}

    @property
    def main(self) -> "Pairs":
        """The pairs with their first output of text; without one, those with the first output."""
        return self.of_output((*self.text_outputs, *self.outputs)[0]) if self.outputs else self

    @property
    def by_output(self) -> dict[str, "Pairs"]:
        """The pairs of each output by name, without those that do not have it; one output has the name `target`."""
        return {name: self.of_output(name) for name in self.outputs} if self.outputs else {"target": self}

    def of_output(self, output: str) -> "Pairs":
        """Return the pairs with one of several outputs, without those that do not have it."""
        if isinstance(self.targets, StoredRecords):
            texts = self.targets.columns.get(output)
            if texts is None:
                return replace(self, targets=[""] * len(self), outputs=()).select(np.empty(0, np.int64))
            rows = np.flatnonzero(texts.are_present())
        else:
            texts = [targets.get(output) for targets in self.targets]
            rows = np.flatnonzero([text is not None for text in texts])
        return replace(self, targets=texts, outputs=()).select(rows)

    def with_outputs_of(self, name: str, outputs: Sequence[str], number_outputs: Collection[str]) -> "Pairs":
        """Return these pairs with several outputs, some of which may be missing in all of them.

        Args:
            name: name of the data or the model that has the outputs, for messages.
            outputs: the names of its outputs; none for one output.
            number_outputs: the names of those that have numbers.

        Raises:
            DataError: if the pairs have other outputs.
        """
        if not set(self.outputs) <= set(outputs) or bool(self.outputs) != bool(outputs):
            has, others = (", ".join(names) or "one output" for names in (self.outputs, outputs))
            raise DataError(f"{self.name} has {has}, and {name} has {others}. Both need the same outputs.")
        for output in self.outputs:
            if (output in self.number_outputs) != (output in number_outputs) and len(self.of_output(output)):
                numbers, texts = (self.name, name) if output in self.number_outputs else (name, self.name)
                raise DataError(f"{numbers} has numbers as the output {output!r}, and {texts} has texts.")
        return replace(self, outputs=tuple(outputs))

    def inputs(self) -> list[tuple[Any, str]]:
        """Return (source, tags) of each pair, the inputs of the model; tags are "" if pairs have none."""
        return list(zip(self.sources, self.tags or [""] * len(self), strict=True))

    def fingerprint(self) -> str:
        """Return the SHA-256 of all texts in order; the same data has the same fingerprint."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for block in self.blocks():
            rows = block.flat_rows()
            rows = (map(str, row) for row in rows) if self.has_number_sources else rows
            lines = [*map("\t".join, rows), ""]
            digest.update("\n".join(lines).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def _columns_of(targets: Sequence[Any], outputs: Iterable[str]) -> dict[str, Sequence[Any]]:
    """Return the texts of each of several outputs, None where a pair does not have one."""
    if isinstance(targets, StoredRecords):
        missing = [None] * len(targets)
        return {name: targets.columns.get(name, missing) for name in outputs}
    return {name: [texts.get(name) for texts in targets] for name in outputs}


def joined(pairs: Pairs, rows: Iterable[tuple[Any, ...]], *, copies: int = 1) -> Pairs:
    """Return pairs, as often as `copies` says, and further rows (source, target, tags) after them."""
    tagged = pairs.tags is not None
    with Collector(pairs.storage or Storage(), tagged=tagged, name=pairs.name, files="joined") as collector:
        for source, target, *tags in chain(*(pairs.rows() for _ in range(copies)), rows):
            collector.add(source, target, *tags, size=row_size(source, target))
        collected = collector.finish(pairs.outputs)
    columns: dict[str, Any] = {"sources": collected.sources, "targets": collected.targets, "tags": collected.tags}
    return replace(pairs, **columns, storage=collected.storage)


def references(
    pairs: Pairs,
    *,
    keys: Sequence[Hashable] | None = None,
    normalize: Callable[[str], str] | None = None,
) -> dict[tuple[Any, str], list[str]]:
    """Return the distinct targets of each distinct (source, tags), all in order of first appearance.

    Args:
        pairs: any pairs.
        keys: a value for each pair, which is equal for pairs whose inputs are the same to a model; None compares the
            texts themselves. Of several equal inputs, the first one is returned.
        normalize: target -> the target as a model reads it; None for no change.
    """
    first: dict[Hashable, tuple[Any, str]] = {}
    targets_by_input: dict[tuple[Any, str], dict[str, None]] = {}
    inputs = pairs.inputs()
    for key, own_input, target in zip(keys or inputs, inputs, pairs.targets, strict=True):
        targets = targets_by_input.setdefault(first.setdefault(key, own_input), {})
        targets[target if normalize is None else normalize(target)] = None
    return {own_input: list(targets) for own_input, targets in targets_by_input.items()}
