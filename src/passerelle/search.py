"""Texts -> results: batches of like length, the compiled search, and what it found put into words."""

import hashlib
import itertools
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np

from passerelle.config import SearchSettings
from passerelle.data.rows import BATCH_SIZES, padded_inputs, padded_width, row_batches
from passerelle.decoding.beam import BeamResult, beam_search, length_penalty
from passerelle.decoding.greedy import LANES, greedy_search, possible
from passerelle.decoding.rules import MinimumLength, NoRepeats, Rule, ruled
from passerelle.decoding.sample import sample
from passerelle.errors import LongTextError, SettingsError
from passerelle.models.compiled import compiled
from passerelle.models.ensemble import Ensemble, Mean
from passerelle.models.footprint import LARGEST, floats_of_row
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.symbols import UNK
from passerelle.text.codec import Codec
from passerelle.text.sentences import Part, cut_text
from passerelle.text.sequences import Sequences

__all__ = ["AT_ONCE", "Lengths", "Result", "Search", "SearchOptions", "rows_at_once"]

AT_ONCE = 2
"""Batches searched at the same time: while one waits for its last rows or is put into words, the other computes."""

Draws = Callable[[int], np.ndarray]
"""How many -> float32 of that length, uniform from 0 to 1."""

SPARE = 8
"""Symbols that a source is taken to be longer where targets are compared with it: short ones have long answers."""


@dataclass(frozen=True)
class Result:
    """One translated text.

    Attributes:
        source: the text as it was given.
        text: its translation; empty for a blank source.
        score: log probability of the translation, in nats: at most 0, and the nearer to 0 the surer; -inf where the
            rules of the search left nothing to write.
        normalized_score: that over the length penalty, the coverage penalty added: by it translations of one text are
            compared.
        ids: the target ids that make up `text`, END left out.
        symbol_scores: log probability of each of them, then of END where it was reached.
        unknown: the distinct symbols of the source that have no id, in order of appearance.
        finished: False where the translation was cut at the length limit.
        parts: how many parts the text was translated in; of more than one, all the rest is put together from them, and
            `symbol_scores` has an END for each.
    """

    source: str
    text: str
    score: float
    normalized_score: float
    ids: tuple[int, ...]
    symbol_scores: tuple[float, ...]
    unknown: tuple[str, ...]
    finished: bool
    parts: int = 1

    @classmethod
    def joined(cls, source: str, parts: Sequence["Result"], blanks: Sequence[str]) -> "Result":
        """The translation of a text from those of its parts, `blanks` after each."""
        return cls(
            source=source,
            text="".join(part.text + blank for part, blank in zip(parts, blanks, strict=True)),
            score=sum(part.score for part in parts),
            normalized_score=sum(part.normalized_score for part in parts),
            ids=tuple(identifier for part in parts for identifier in part.ids),
            symbol_scores=tuple(score for part in parts for score in part.symbol_scores),
            unknown=tuple(dict.fromkeys(symbol for part in parts for symbol in part.unknown)),
            finished=all(part.finished for part in parts),
            parts=len(parts),
        )


class SearchOptions(TypedDict, total=False):
    """What a search may be told; see `SearchSettings`."""

    beam: int
    length_power: float
    coverage: float
    groups: int
    diversity: float
    sample: bool
    temperature: float
    top_k: int
    top_p: float
    seed: int
    no_repeat: int
    min_length: int
    max_length: int | None
    prefix: str
    require: Sequence[str]
    forbid: Sequence[str]
    lexicon: Sequence[str]
    pattern: str | None
    grammar: str | None


@dataclass(frozen=True)
class Lengths:
    """What training showed of lengths, in symbols, END not counted.

    Attributes:
        source: of the longest source.
        target: of the longest target.
        ratio: largest ratio of a target to its source with `SPARE` symbols more.
    """

    source: int
    target: int
    ratio: float

    @classmethod
    def of(cls, sources: np.ndarray, targets: np.ndarray) -> "Lengths":
        """From the lengths of all pairs, int (pairs,) each."""
        return cls(int(sources.max()), int(targets.max()), float((targets / (sources + SPARE)).max()))

    @property
    def whole(self) -> int:
        """The longest source, in symbols, that is translated as one if it can be cut."""
        return 2 * self.source

    def limit(self, source_length: int | np.ndarray) -> Any:
        """Most steps, END included, for a source of this many symbols.

        As long as the longest target, with a tenth to spare, longer sources in proportion; and no longer, beside its
        source, than any target was, with a tenth to spare. So no text runs away.
        """
        length = np.asarray(source_length)
        longest = self.target * np.maximum(1.0, length / self.source)
        return np.ceil(11 * np.minimum(longest, self.ratio * (length + SPARE)) / 10).astype(np.int32) + 2


class Search:
    """Networks asked for the translations of texts.

    Args:
        networks: at least one; several are asked as one, see `Ensemble`.
        codec: texts <-> their ids.
        lengths: seen in training.
        weights: how much each network counts; None for all the same.
        mean: of their probabilities.

    Attributes:
        network: all of them as one.
    """

    def __init__(
        self,
        networks: Sequence[SequenceToSequence],
        codec: Codec,
        lengths: Lengths,
        weights: Sequence[float] | None = None,
        mean: Mean = "arithmetic",
    ):
        self.networks = tuple(networks)
        self.codec = codec
        self.lengths = lengths
        self.network = networks[0] if len(networks) == 1 else Ensemble(networks, weights, mean)
        self._program = compiled(self._run, self.network.variables)

    def results(self, texts: Sequence[str], tags: Sequence[str] | None, settings: SearchSettings) -> list[list[Result]]:
        """The best translations of each text, best first, no two alike: at most `settings.n_best`, at least one.

        Args:
            texts: any strings; blank ones give empty results.
            tags: of each; None where the codec knows none.
            settings: of the search.

        Raises:
            SettingsError: if the networks cannot do what `settings` ask for.
        """
        tables = self._tables(settings)
        if settings.coverage and not self.network.attends:
            raise SettingsError("coverage counts where a network looked, and this one has no attention")
        if not settings.sample or settings.n_best == 1:
            return self._found(texts, tags, settings, [0] * len(texts))
        n = settings.n_best
        drawn = self._found(
            [text for text in texts for _ in range(n)],
            None if tags is None else [tag for tag in tags for _ in range(n)],
            settings.model_copy(update={"n_best": 1}),
            [number for _ in texts for number in range(n)],
        )
        return [
            sorted((result for (result,) in drawn[n * row : n * row + n]), key=lambda one: -one.normalized_score)
            for row in range(len(texts))
        ]

    def _found(
        self, texts: Sequence[str], tags: Sequence[str] | None, settings: SearchSettings, numbers: Sequence[int]
    ) -> list[list[Result]]:
        """See `results`; `numbers` tells draws of one text apart."""
        results = [[Result(text, "", 0.0, 0.0, (), (), (), True)] for text in texts]
        inputs = self.codec.inputs(texts, tags)
        lengths = inputs["source_ids"].lengths
        long = self._cut(texts, lengths)
        for row, joined in self._joined(texts, tags, long, settings, numbers).items():
            results[row] = joined
        # Each row goes back to where it came from.
        rows = [row for row, text in enumerate(texts) if text.strip() and row not in long]
        batches = list(row_batches(rows, lengths, rows_at_once(self.networks, rows, lengths, beam=settings.beam)))

        def translate(batch: np.ndarray) -> None:
            rows: list[int] = batch.tolist()
            own_texts = [texts[row] for row in rows]
            own_tags = None if tags is None else [tags[row] for row in rows]
            draws = None
            if settings.sample:
                own_words = zip(own_texts, own_tags or itertools.repeat(""), rows, strict=False)
                draws = [_draws(settings.seed, text, tag, numbers[row]) for text, tag, row in own_words]
            found = self._batch(inputs, batch, settings, draws)
            unknown = [self._unknown(row, inputs, texts, tags) for row in rows]
            best = self._in_words(found, own_texts, own_tags, unknown, settings.length_power)
            for row, own in zip(rows, best, strict=True):
                results[row] = own

        if len(batches) < 2:
            for rows in batches:
                translate(rows)
        else:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                for _ in pool.map(translate, batches):
                    pass
        return results

    def _cut(self, texts: Sequence[str], lengths: np.ndarray) -> dict[int, list[Part]]:
        """The parts of texts that are too long to translate as one, by row; none of those that cannot be cut."""
        if self.codec.source.level == "symbol":
            return {}
        rows = np.flatnonzero(lengths > self.lengths.whole).tolist()
        read = self.codec.source.read
        cut = {row: cut_text(texts[row], self.lengths.whole, lambda text: len(read(text))) for row in rows}
        return {row: parts for row, parts in cut.items() if len(parts) > 1}

    def _joined(
        self,
        texts: Sequence[str],
        tags: Sequence[str] | None,
        long: dict[int, list[Part]],
        settings: SearchSettings,
        numbers: Sequence[int],
    ) -> dict[int, list[Result]]:
        """The results of texts that were cut: the k-th is made of the k-th of every part, or of its last."""
        parts = [part for pieces in long.values() for part, _ in pieces]
        own = None if tags is None else [tags[row] for row, pieces in long.items() for _ in pieces]
        counts = [numbers[row] for row, pieces in long.items() for _ in pieces]
        try:
            found = iter(self._found(parts, own, settings, counts) if parts else [])
        except LongTextError as error:
            row = [row for row, pieces in long.items() for _ in pieces][error.row]
            raise LongTextError(row, error.reason) from None
        joined = {}
        for row, pieces in long.items():
            ranked = [next(found) for _ in pieces]
            blanks = [blank for _, blank in pieces]
            joined[row] = [
                Result.joined(texts[row], [results[min(rank, len(results) - 1)] for results in ranked], blanks)
                for rank in range(max(map(len, ranked)))
            ]
        return joined

    def _in_words(
        self,
        found: BeamResult,
        texts: list[str],
        tags: list[str] | None,
        unknown: list[tuple[str, ...]],
        length_power: float,
    ) -> list[list[Result]]:
        """For each row of what was found its distinct translations, best first."""
        n = found.ids.shape[1]
        is_symbol = np.arange(found.ids.shape[2]) < found.lengths[..., None]
        ids = Sequences.from_lengths(found.ids[is_symbol], found.lengths.ravel())
        repeated = [text for text in texts for _ in range(n)]
        words = self.codec.texts(ids, repeated, None if tags is None else [tag for tag in tags for _ in range(n)])
        exists = possible(found.scores)
        scores = np.where(exists, found.scores, -np.inf)
        counts = found.lengths + found.finished
        ranked = scores / length_penalty(counts, length_power) + found.bonuses
        results = []
        for row, text in enumerate(texts):
            best: dict[str, Result] = {}  # two ways to write one text are one translation
            for place in range(n):
                if not exists[row, place]:
                    continue
                written = row * n + place
                result = Result(
                    source=text,
                    text=words[written],
                    score=float(scores[row, place]),
                    normalized_score=float(ranked[row, place]),
                    ids=tuple(ids[written].tolist()),
                    symbol_scores=tuple(found.symbol_scores[row, place, : counts[row, place]].tolist()),
                    unknown=unknown[row],
                    finished=bool(found.finished[row, place]),
                )
                best.setdefault(result.text, result)
            nothing = Result(text, "", -math.inf, -math.inf, (), (), unknown[row], False)
            results.append(list(best.values()) or [nothing])
        return results

    def _unknown(
        self, row: int, inputs: dict[str, Sequences], texts: Sequence[str], tags: Sequence[str] | None
    ) -> tuple[str, ...]:
        if not any(UNK in ids[row] for name, ids in inputs.items() if name != "copy_ids"):
            return ()
        return self.codec.unknown(texts[row], tags[row] if tags else "")

    def _batch(
        self, inputs: dict[str, Sequences], rows: np.ndarray, settings: SearchSettings, draws: list[Draws] | None
    ) -> BeamResult:
        """Runs the compiled search on one batch; returns numpy arrays with one row for each of `rows`."""
        arrays = padded_inputs(inputs, rows)
        height, width = arrays["source_ids"].shape
        limits = np.zeros(height, np.int32)  # rows that fill up the batch are closed from the start
        if settings.max_length is None:
            limits[: len(rows)] = self.lengths.limit(inputs["source_ids"].lengths[rows])
            longest = int(self.lengths.limit(width))
        else:
            limits[: len(rows)] = longest = settings.max_length
        options = settings.model_dump(include=_program_options(settings), exclude_defaults=True)
        uniform = None
        if draws is not None:
            uniform = np.zeros((height, longest), np.float32)
            uniform[: len(rows)] = [draw(longest) for draw in draws]
        found = self._program(limits, arrays, uniform, max_length=longest, **options)
        return BeamResult(*(np.asarray(array)[: len(rows)] for array in found))

    def _run(
        self,
        limits: Any,
        inputs: Any,
        draws: Any,
        *,
        max_length: int,
        coverage: float = 0.0,
        no_repeat: int = 0,
        min_length: int = 0,
        beam: int = 1,
        **options: Any,
    ) -> BeamResult:
        step: Any = self.network.step
        state: Any = self.network.begin(inputs, coverage=coverage > 0)
        rules: list[Rule] = []
        if min_length:
            rules.append(MinimumLength(min_length))
        if no_repeat:
            rules.append(NoRepeats(no_repeat, max_length))
        if rules:
            step, state = ruled(step, state, limits, rules)
        if beam > 1:

            def bonus(state: Any) -> Any:
                return coverage * self.network.covered(state["step"] if rules else state)

            options["bonus"] = bonus if coverage else None
            return beam_search(step, state, limits, max_length, beam=beam, **options)
        if draws is not None:
            found = sample(step, state, limits, max_length, draws, **options)
        else:
            found = greedy_search(step, state, limits, max_length)
        return BeamResult(*(values[:, None] for values in found), bonuses=0.0 * found.scores[:, None])


def rows_at_once(
    networks: Sequence[SequenceToSequence],
    rows: Sequence[int],
    lengths: np.ndarray,
    *,
    beam: int = 1,
    steps: int = 1,
    growing: int = LANES,
) -> Callable[[int], int]:
    """How many rows of a width go into one call, of which so many grow at once, by so many steps.

    Raises:
        LongTextError: if there is no room for one of `rows`.
    """

    def floats(width: int) -> int:
        return beam * sum(floats_of_row(one.settings, one.target_size, width, min(width, steps)) for one in networks)

    row = max(rows, key=lambda row: lengths[row], default=None)
    if row is not None and (needed := floats(padded_width(int(lengths[row])))) > LARGEST:
        raise LongTextError(
            row,
            f"is too long: its {lengths[row]:,} symbols, which cannot be cut at a blank, need about "
            f"{needed / 2**28:,.1f} GB at once, and 1 GB is the bound. Cut it.",
        )
    return lambda width: most if (most := LARGEST // floats(width)) < growing else BATCH_SIZES[-1]


def _program_options(settings: SearchSettings) -> set[str]:
    """The settings that select a program; others do not matter to this search."""
    rules = {"no_repeat", "min_length"}
    if settings.sample:
        return rules | {"temperature", "top_k", "top_p"}
    if settings.beam > 1:
        return rules | {"beam", "n_best", "length_power", "coverage", "groups", "diversity"}
    return rules


def _draws(seed: int, text: str, tags: str, number: int) -> Draws:
    """Numbers for one draw: the same for the same text, wherever it stands."""
    words = "\0".join((str(seed), str(number), text, tags)).encode("utf-8", "surrogatepass")
    key = int.from_bytes(hashlib.blake2b(words, digest_size=16).digest())
    return lambda count: np.random.Generator(np.random.Philox(key=key)).random(count, np.float32)
