"""The translator: a trained model as people use it; every call goes to a module of `inference`."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, overload

import numpy as np

from passerelle.bundle.bundle import Bundle, load_bundle, save_bundle
from passerelle.data.lengths import Lengths
from passerelle.errors import OutputError, SettingsError, did_you_mean
from passerelle.evaluation.metrics import Report
from passerelle.fields.signature import Signature
from passerelle.inference.alignment import Aligner, Alignment, replace_unknown
from passerelle.inference.encoding import TextEncoder
from passerelle.inference.evaluating import evaluate
from passerelle.inference.model import InferenceModel, ensemble_of
from passerelle.inference.request import requests_of
from passerelle.inference.result import Result
from passerelle.inference.scoring import PairScore, Scorer, requests_and_targets
from passerelle.inference.search import Search
from passerelle.models.ensemble import Mean
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.settings import SearchSettings, Settings, accepts_options, validated
from passerelle.text.tokenizer import Tokenizer

__all__ = ["Translator"]


class Translator:
    """Translates texts, and explains, scores and evaluates translations.

    Args:
        bundle: the network, its signature, settings, lengths and training record.
        model: of an ensemble, whose first network is the bundle's; None for the bundle's network only.
        output: the output that is written; None for the first one.

    Example:
        >>> translator = passerelle.load("model.keras")
        >>> translator.translate("She is young.")
        'Elle est jeune.'
        >>> translator.settings.network.attention
        'general'
    """

    def __init__(self, bundle: Bundle, model: InferenceModel | None = None, output: str | None = None):
        self.bundle = bundle
        self.record: dict[str, Any] = dict(bundle.record)
        steppers = bundle.network.steppers
        name = next(iter(steppers)) if output is None else output
        if name not in steppers:
            raise SettingsError(f"unknown output {name!r}.{did_you_mean(name, steppers)}")
        self.model = model or InferenceModel([steppers[name]], bundle.signature, bundle.lengths)

    def for_output(self, output: str) -> "Translator":
        """Return a translator of the same network that writes another of its outputs.

        Raises:
            SettingsError: if there is no such output, or this translator is an ensemble.
        """
        if len(self.model.steppers) > 1:
            raise SettingsError("an ensemble writes one output; choose it with for_output before ensemble_with.")
        return Translator(replace(self.bundle, record=self.record), output=output)

    @property
    def network(self) -> SequenceToSequence:
        """The training model, which holds the inference models."""
        return self.bundle.network

    @property
    def signature(self) -> Signature:
        """The inputs, and the output that is written."""
        return self.model.signature

    @property
    def settings(self) -> Settings:
        """Of the training."""
        return self.bundle.settings

    @property
    def lengths(self) -> Lengths:
        """Of the texts in training."""
        return self.model.lengths

    @property
    def source(self) -> Tokenizer:
        """Text <-> source ids."""
        return self.signature.source.tokenizer

    @property
    def target(self) -> Tokenizer:
        """Text <-> target ids."""
        return self.signature.target.tokenizer

    @property
    def training_model(self) -> Any:
        """Keras model: `source` (batch, S) and `target` (batch, T) -> logits (batch, T, columns)."""
        return self.network

    @property
    def inference_encoder(self) -> Any:
        """Keras model: inputs by name -> the decoder's initial states and the memory, by name."""
        return self.model.steppers[0].encoder

    @property
    def inference_decoder(self) -> Any:
        """Keras model: `target` (batch, T), states and memory by name -> `logits` and states, by name."""
        return self.model.steppers[0].decoder

    @overload  # a str is a Sequence[str] too, so the order matters
    def translate(  # pyright: ignore[reportOverlappingOverload]
        self, texts: str, *, tags: str | None = None, **options: Any
    ) -> str: ...
    @overload
    def translate(
        self, texts: Sequence[str], *, tags: str | Sequence[str] | None = None, **options: Any
    ) -> list[str]: ...
    @accepts_options(SearchSettings)
    def translate(
        self,
        texts: str | Sequence[str],
        *,
        tags: str | Sequence[str] | None = None,
        **options: Any,
    ) -> str | list[str]:
        """Translate each text; one string gives one string. `search` returns more about each.

        Example:
            >>> translator.translate(["He is tired.", "She is young."], beam=5)
            ['Il est fatigué.', 'Elle est jeune.']
        """
        one = isinstance(texts, str)
        results = self.search([texts] if one else texts, tags=tags, **options)
        return results[0].text if one else [result.text for result in results]

    @accepts_options(SearchSettings)
    def search(
        self,
        texts: Sequence[str],
        *,
        tags: str | Sequence[str] | None = None,
        inputs: Mapping[str, Sequence[Any]] | None = None,
        **options: Any,
    ) -> list[Result]:
        """Translate each text and return its score, tokens and more.

        A text of more than twice as many tokens as the longest source in training is split into sentences, and longer
        sentences into runs of whole words. Constrained and pretokenized texts are not split.

        Args:
            texts: any strings, of any length; blank ones give empty results.
            tags: the tags of each text, or one string for all; for a translator that was trained with tags.
            inputs: the values of further input fields by name, one for each text; for a translator that has some.
            **options: see `SearchSettings`.

        Returns:
            One result per text, in the same order; none depends on the other texts.

        Raises:
            DataError: if `texts` is not a sequence of strings, or `tags` does not fit them or this translator.
            LongTextError: if a text that cannot be split would need more than a gigabyte (`models.footprint`).
            SettingsError: if an option is unknown or out of range.

        Example:
            >>> (result,) = translator.search(["He is tired."])
            >>> result.text, result.finished
            ('Il est fatigué.', True)
        """
        settings = validated(SearchSettings, options)
        return [best for (best,) in self._search(requests_of(texts, tags, self.signature, inputs), settings)]

    @accepts_options(SearchSettings)
    def n_best(
        self, texts: Sequence[str], n: int, *, tags: str | Sequence[str] | None = None, **options: Any
    ) -> list[list[Result]]:
        """Return the best `n` translations of each text, best first; fewer where there are fewer. See `search`.

        The beam size is `n` unless `options` name a larger one; with `sample` they are `n` samples.

        Example:
            >>> (results,) = translator.n_best(["He is tired."], 3)
            >>> results[0].text
            'Il est fatigué.'
            >>> len(results)
            3
        """
        beam = 1 if options.get("sample") else n
        settings = validated(SearchSettings, {"beam": beam, **options, "n_best": n})
        return self._search(requests_of(texts, tags, self.signature), settings)

    def align(self, results: Sequence[Result], *, tags: str | Sequence[str] | None = None) -> list[Alignment]:
        """Return which source token each token of some translations attended to; see `inference.alignment`.

        Args:
            results: as `search` gives them.
            tags: the tags of each, or one string for all, as they were given to the search.

        Raises:
            SettingsError: if no network has attention.

        Example:
            >>> results = translator.search(["He is tired."])
            >>> (alignment,) = translator.align(results)
            >>> alignment.source
            (' He', ' is', ' tired', '.')
            >>> alignment.weights.shape  # tokens of the translation, tokens of the source
            (4, 4)
        """
        return self._aligner(requests_of([result.source for result in results], tags, self.signature), results)

    def replace_unknown(
        self,
        results: Sequence[Result],
        replacements: Mapping[str, str] | None = None,
        *,
        tags: str | Sequence[str] | None = None,
    ) -> list[Result]:
        """Replace each unknown token of some translations by the source token that it attended to most.

        Args:
            results: as `search` gives them.
            replacements: translations of source tokens; other tokens are copied.
            tags: as for `align`.

        Raises:
            SettingsError: as for `align`.
        """
        return [
            replace_unknown(result, alignment, self.signature, replacements or {})
            for result, alignment in zip(results, self.align(results, tags=tags), strict=True)
        ]

    def encode(self, texts: Sequence[str], *, tags: str | Sequence[str] | None = None) -> np.ndarray:
        """Return the encoder's vector of each text.

        It is the last output of the encoder's last layer; of a bidirectional layer, both directions concatenated. The
        decoder starts from it. With attention the decoder reads the source as well, so the vector holds less.

        Args:
            texts: any strings; blank ones have a vector of zeros.
            tags: as in `search`.

        Returns:
            float32 (texts, width); no row depends on the other texts.

        Raises:
            DataError: as in `search`.

        Example:
            >>> translator.encode(["He is tired.", "She is young."]).shape
            (2, 64)
        """
        return self._encoder(requests_of(texts, tags, self.signature))

    def score(self, pairs: Iterable[tuple[str, ...]]) -> list[PairScore]:
        """Return the log probability of each pair's target, teacher-forced; it helps to find wrong pairs.

        A token that the target vocabulary lacks counts as UNK where the network can write that, and otherwise makes
        its target impossible. A blank source has a blank target and no other, as in `search`.

        Args:
            pairs: rows (source, target); (source, target, tags) if this translator was trained with tags.

        Returns:
            One score per pair, in the same order; none depends on the other pairs.

        Raises:
            DataError: if `pairs` are no such rows.
            LongTextError: if a pair would need more than a gigabyte (`models.footprint`).

        Example:
            >>> pairs = [("He is tired.", "Il est fatigué."), ("He is tired.", "Elle est jeune.")]
            >>> right, wrong = translator.score(pairs)
            >>> right.log_probability > wrong.log_probability
            True
        """
        return self._scorer(requests_and_targets(pairs, self.signature))

    @accepts_options(SearchSettings)
    def evaluate(self, pairs: Iterable[tuple[str, ...]], **options: Any) -> Report:
        """Translate each distinct source and compare it with all its targets in `pairs`.

        Args:
            pairs: rows (source, target); (source, target, tags) if this translator was trained with tags.
            **options: of the search; see `SearchSettings`.

        Raises:
            DataError: if `pairs` are no such rows, or there are none.

        Example:
            >>> pairs = passerelle.read_pairs("pairs.tsv")
            >>> translator.evaluate(pairs).exact_match > 90
            True
        """
        return evaluate(self._search, pairs, validated(SearchSettings, options))

    def ensemble_with(
        self, others: Iterable["Translator"], *, weights: Sequence[float] | None = None, mean: Mean = "arithmetic"
    ) -> "Translator":
        """Return an ensemble: a translator whose search averages the probabilities of all their networks.

        The networks may differ in kind and size; the vocabularies must be the same. Settings, record and the three
        Keras models remain those of this translator.

        Args:
            others: any number.
            weights: relative weight of each network, this translator's first; None for equal weights.
            mean: of probabilities, or of their logarithms; see `Ensemble`.

        Raises:
            SettingsError: if the translators do not share their tokenizers, or the weights do not fit.

        Example:
            >>> other = passerelle.load("model.keras")
            >>> translator.ensemble_with([other], weights=[2, 1]).translate("He is tired.")
            'Il est fatigué.'
        """
        model = ensemble_of([self.model, *(other.model for other in others)], weights, mean)
        return Translator(replace(self.bundle, record=self.record), model)

    @cached_property
    def _search(self) -> Search:
        return Search(self.model)

    @cached_property
    def _aligner(self) -> Aligner:
        return Aligner(self.model)

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self.model)

    @cached_property
    def _encoder(self) -> TextEncoder:
        return TextEncoder(self.network, self.signature)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one self-contained `.keras` file, read it back, and check that nothing in it changed.

        Raises:
            OutputError: if it cannot be written or does not read back the same (an existing file stays whole), or if
                this translator is an ensemble.
        """
        if len(self.model.steppers) > 1:
            raise OutputError(
                f"a model file holds one network, received: an ensemble of {len(self.model.steppers)}. Save each, load "
                "each, and combine them with ensemble_with."
            )
        save_bundle(replace(self.bundle, record=self.record), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Translator":
        """Read a translator from its `.keras` file.

        Raises:
            ModelFileError: if the file is damaged, foreign or hostile; the message says how.
        """
        return cls(load_bundle(path))
