"""Texts -> results: batches of like length, the compiled search, and what it found put into words."""

import hashlib
import itertools
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from passerelle.data.lengths import Lengths
from passerelle.data.rows import padded_inputs, row_batches
from passerelle.decoding.beam import BeamResult, length_normalizer
from passerelle.decoding.greedy import possible
from passerelle.decoding.processors import Tables
from passerelle.errors import LongTextError, SettingsError
from passerelle.models.ensemble import Ensemble, Mean
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.ragged import Ragged
from passerelle.search.memory_limits import rows_at_once
from passerelle.search.program import Program, tables_of
from passerelle.search.results import Result
from passerelle.settings import SearchSettings
from passerelle.special_tokens import UNK
from passerelle.text.codec import Codec
from passerelle.text.constraints import constraint_of
from passerelle.text.sentences import Part, cut_text

__all__ = ["AT_ONCE", "Search"]

AT_ONCE = 2
"""Batches searched at the same time: while one waits for its last rows or is put into words, the other computes."""

Draws = Callable[[int], np.ndarray]
"""How many -> float32 of that length, uniform from 0 to 1."""


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
        self._program = Program(self.network)
        self._made: tuple[tuple[object, ...], Tables | None] | None = None

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
        if settings.coverage_penalty and not self.network.attends:
            raise SettingsError("coverage_penalty counts where a network looked, and this one has no attention")
        if not settings.sample or settings.n_best == 1:
            return self._found(texts, tags, settings, tables, [0] * len(texts))
        n = settings.n_best
        try:
            drawn = self._found(
                [text for text in texts for _ in range(n)],
                None if tags is None else [tag for tag in tags for _ in range(n)],
                settings.model_copy(update={"n_best": 1}),
                tables,
                [number for _ in texts for number in range(n)],
            )
        except LongTextError as error:
            raise LongTextError(error.row // n, error.reason) from None
        return [
            sorted((result for (result,) in drawn[n * row : n * row + n]), key=lambda one: -one.normalized_score)
            for row in range(len(texts))
        ]

    def _found(
        self,
        texts: Sequence[str],
        tags: Sequence[str] | None,
        settings: SearchSettings,
        tables: Tables | None,
        numbers: Sequence[int],
    ) -> list[list[Result]]:
        """See `results`; `numbers` tells draws of one text apart."""
        results = [[Result(text, "", 0.0, 0.0, (), (), (), True)] for text in texts]
        inputs = self.codec.inputs(texts, tags)
        lengths = inputs["source"].lengths
        # What a translation has to be as a whole, its parts cannot be.
        long = self._cut(texts, lengths) if tables is None else {}
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
            found = self._batch(inputs, batch, settings, tables, draws)
            unknown = [self._unknown(row, inputs, texts, tags) for row in rows]
            best = self._in_words(found, own_texts, own_tags, unknown, settings.length_penalty)
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
        if self.codec.source.level == "pretokenized":
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
            found = iter(self._found(parts, own, settings, None, counts) if parts else [])
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
        length_penalty: float,
    ) -> list[list[Result]]:
        """For each row of what was found its distinct translations, best first."""
        n = found.values.shape[1]
        is_token = np.arange(found.values.shape[2]) < found.lengths[..., None]
        ids = Ragged.from_lengths(found.values[is_token], found.lengths.ravel())
        repeated = [text for text in texts for _ in range(n)]
        words = self.codec.texts(ids, repeated, None if tags is None else [tag for tag in tags for _ in range(n)])
        exists = possible(found.scores)
        scores = np.where(exists, found.scores, -np.inf)
        counts = found.lengths + found.finished
        ranked = scores / length_normalizer(counts, length_penalty) + found.bonuses
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
                    token_scores=tuple(found.token_scores[row, place, : counts[row, place]].tolist()),
                    unknown=unknown[row],
                    finished=bool(found.finished[row, place]),
                )
                best.setdefault(result.text, result)
            nothing = Result(text, "", -math.inf, -math.inf, (), (), unknown[row], False)
            results.append(list(best.values()) or [nothing])
        return results

    def _unknown(
        self, row: int, inputs: dict[str, Ragged], texts: Sequence[str], tags: Sequence[str] | None
    ) -> tuple[str, ...]:
        if not any(UNK in ids[row] for name, ids in inputs.items() if name != "target_copies"):
            return ()
        return self.codec.unknown(texts[row], tags[row] if tags else "")

    def _batch(
        self,
        inputs: dict[str, Ragged],
        rows: np.ndarray,
        settings: SearchSettings,
        tables: Tables | None,
        draws: list[Draws] | None,
    ) -> BeamResult:
        """Runs the compiled search on one batch; returns numpy arrays with one row for each of `rows`."""
        arrays = padded_inputs(inputs, rows)
        height, width = arrays["source"].shape
        limits = np.zeros(height, np.int32)  # rows that fill up the batch are closed from the start
        if settings.max_length is None:
            limits[: len(rows)] = self.lengths.limit(inputs["source"].lengths[rows])
            longest = int(self.lengths.limit(width))
        else:
            limits[: len(rows)] = longest = settings.max_length
        uniform = None
        if draws is not None:
            uniform = np.zeros((height, longest), np.float32)
            uniform[: len(rows)] = [draw(longest) for draw in draws]
        found = self._program(arrays, limits, settings, max_length=longest, draws=uniform, tables=tables)
        return BeamResult(*(array[: len(rows)] for array in found))

    def _tables(self, settings: SearchSettings) -> Tables | None:
        """Those of the settings' constraint, made once; None where there is none."""
        asked = (settings.beam, settings.constraints)
        made = self._made
        if made is None or made[0] != asked:
            constraint = constraint_of(settings, self.codec.target)
            self._made = made = asked, None if constraint is None else tables_of(constraint, settings.beam)
        return made[1]


def _draws(seed: int, text: str, tags: str, number: int) -> Draws:
    """Numbers for one draw: the same for the same text, wherever it stands."""
    words = "\0".join((str(seed), str(number), text, tags)).encode("utf-8", "surrogatepass")
    key = int.from_bytes(hashlib.blake2b(words, digest_size=16).digest())
    return lambda count: np.random.Generator(np.random.Philox(key=key)).random(count, np.float32)
