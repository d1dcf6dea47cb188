"""Search: requests -> encoded arrays -> batches -> compiled program -> results."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from passerelle.data.rows import padded_inputs, row_batches
from passerelle.decoding.beam import BeamResult
from passerelle.decoding.processors import Tables
from passerelle.errors import LongTextError, SettingsError
from passerelle.inference.collect import join_results, make_results
from passerelle.inference.constraint_tables import ConstraintTables
from passerelle.inference.memory_limits import rows_at_once
from passerelle.inference.minimum_bayes_risk import rank_by_utility, with_mean_utility
from passerelle.inference.model import InferenceModel
from passerelle.inference.parts import Part, can_be_split, split_requests, unsplit
from passerelle.inference.program import Program
from passerelle.inference.request import Request, encode_requests, unknown_tokens
from passerelle.inference.result import Result
from passerelle.ragged import Ragged
from passerelle.settings import SearchSettings, SplitMode

__all__ = ["CONCURRENT_BATCHES", "Search"]

CONCURRENT_BATCHES = 2
"""Number of batches searched at the same time: while one finishes or is decoded to text, the other computes."""


class Search:
    """Translates requests. Compiled programs and constraints are cached for later calls.

    Args:
        model: the model to translate with.
    """

    def __init__(self, model: InferenceModel):
        self.model = model
        self._program = Program(model.network)
        self._tables = ConstraintTables(model.signature.target.tokenizer)

    def __call__(self, requests: Sequence[Request], settings: SearchSettings) -> list[list[Result]]:
        """Return the best translations of each request, best first: at least one, at most `settings.n_best`.

        The translations of a request are distinct, unless they are samples. Blank texts have empty results. Texts
        that are too long, or have more sentences than `settings.split_sentences` allows, are split, and their parts
        are translated separately; see `split_requests`. Constraints apply to the complete output, so constrained texts
        are not split.

        Raises:
            LongTextError: if a text that cannot be split requires more memory than the limit.
            SettingsError: if the model does not support the settings.
        """
        if settings.coverage_penalty and not self.model.network.attends:
            raise SettingsError(
                "coverage_penalty requires attention, and this translator has no attention. Set coverage_penalty to 0."
            )
        if settings.split_sentences == "always" and not can_be_split(self.model.signature):
            raise SettingsError(
                "split_sentences 'always' requires a text that is not pretokenized. Set split_sentences to 'auto'."
            )
        tables = self._tables(settings.constraints, settings.beam)
        wanted = settings
        samples = settings.mbr or (settings.n_best if settings.sample else 1)
        if settings.sample or settings.mbr:
            settings = settings.model_copy(update={"sample": True, "n_best": 1})
        parts, inputs = self._split(requests, settings.split_sentences, constrained=tables is not None)
        lengths = np.repeat(
            inputs[self.model.signature.source.name].lengths, samples
        )  # one for each sample of each part
        non_blank = [unit for unit in range(len(lengths)) if not parts[unit // samples].request.is_blank]
        try:
            max_rows = rows_at_once(
                self.model.steppers,
                non_blank,
                lengths,
                beam=settings.beam,
                max_steps=lambda width: self._max_steps(settings, width),
            )
        except LongTextError as error:
            raise LongTextError(parts[error.row // samples].row, error.reason) from None
        found = [[[Result.for_blank(part.request.text)] for _ in range(samples)] for part in parts]

        def search(batch: np.ndarray) -> None:
            rows, numbers = np.divmod(batch, samples)
            batch_requests = [parts[row].request for row in rows.tolist()]
            arrays = self._run(inputs, rows, batch_requests, numbers, settings, tables)
            unknown = [
                unknown_tokens(request, inputs, row, self.model.signature)
                for request, row in zip(batch_requests, rows.tolist(), strict=True)
            ]
            best = make_results(arrays, batch_requests, unknown, settings.length_penalty, self.model.signature)
            for row, number, results in zip(rows.tolist(), numbers.tolist(), best, strict=True):
                found[row][number] = results

        batches = list(row_batches(non_blank, lengths, max_rows))
        if len(batches) < 2:
            for batch in batches:
                search(batch)
        else:
            with ThreadPoolExecutor(CONCURRENT_BATCHES) as pool:
                for _ in pool.map(search, batches):
                    pass
        if not wanted.mbr:
            return join_results(requests, parts, found)
        tokenizer = self.model.signature.target.tokenizer
        ranked = [
            [rank_by_utility([best for best, *_ in own], wanted.mbr_utility, tokenizer)[: wanted.n_best]]
            if not part.request.is_blank
            else own[:1]
            for part, own in zip(parts, found, strict=True)
        ]
        joined = join_results(requests, parts, ranked)
        return [[with_mean_utility(result) for result in results] for results in joined]

    def _max_steps(self, settings: SearchSettings, length: Any) -> Any:
        """Return the maximum number of steps for sources of this length in tokens, an int or an array of them."""
        return self.model.lengths.max_steps(length) if settings.max_length is None else settings.max_length

    def _split(
        self, requests: Sequence[Request], mode: SplitMode, *, constrained: bool
    ) -> tuple[list[Part], dict[str, Ragged]]:
        """Return the parts of all texts, and their encoded inputs."""
        signature = self.model.signature
        inputs = encode_requests(requests, signature)
        if constrained:
            return unsplit(requests), inputs
        parts = split_requests(requests, inputs[signature.source.name].lengths, self.model.lengths, signature, mode)
        if len(parts) > len(requests):
            inputs = encode_requests([part.request for part in parts], signature)
        return parts, inputs

    def _run(
        self,
        inputs: dict[str, Ragged],
        rows: np.ndarray,
        requests: Sequence[Request],
        numbers: np.ndarray,
        settings: SearchSettings,
        tables: Tables | None,
    ) -> BeamResult:
        """Run the compiled search on one batch.

        Args:
            inputs: the encoded inputs of all parts.
            rows: int (n,), the indices of the parts of the batch.
            requests: the request of each part.
            numbers: int (n,), the number of the sample of each part, from 0.
            settings: the search settings.
            tables: the arrays of the constraint; None for no constraint.

        Returns:
            The result as NumPy arrays, leading axis n.
        """
        arrays = padded_inputs(inputs, rows)
        height, width = arrays[self.model.signature.source.name].shape[:2]
        limits = np.zeros(height, np.int32)  # padding rows make no step
        limits[: len(rows)] = self._max_steps(settings, inputs[self.model.signature.source.name].lengths[rows])
        longest = int(self._max_steps(settings, width))
        uniform = None
        if settings.sample:
            uniform = np.zeros((height, longest), np.float32)
            for row, (request, number) in enumerate(zip(requests, numbers.tolist(), strict=True)):
                uniform[row] = _uniform(settings.seed, request, number, longest)
        found = self._program(arrays, limits, settings, max_length=longest, uniform=uniform, tables=tables)
        return BeamResult(*(array[: len(rows)] for array in found))


def _uniform(seed: int, request: Request, number: int, count: int) -> np.ndarray:
    """Return uniform numbers from 0 to 1, float32 (count,), that depend only on seed, request and sample."""
    content = "\0".join((str(seed), str(number), request.key, request.tags or "")).encode("utf-8", "surrogatepass")
    key = int.from_bytes(hashlib.blake2b(content, digest_size=16).digest())
    return np.random.Generator(np.random.Philox(key=key)).random(count, np.float32)
