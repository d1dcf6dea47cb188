"""The translator: a trained model with methods that translate, align, encode, score and evaluate."""

import os
import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, overload

import numpy as np

from passerelle.bundle.bundle import Bundle, load_bundle, save_bundle
from passerelle.data.lengths import Lengths
from passerelle.errors import DataError, OutputError, SettingsError, did_you_mean, require_path
from passerelle.evaluation.metrics import OutputsReport, Report
from passerelle.fields.signature import Signature
from passerelle.fields.text import TextField
from passerelle.inference.alignment import Aligner, Alignment, replace_unknown
from passerelle.inference.encoding import TextEncoder
from passerelle.inference.evaluating import evaluate, evaluate_outputs
from passerelle.inference.model import InferenceModel, ensemble_of
from passerelle.inference.regression import RegressionModel, Regressor
from passerelle.inference.request import make_requests
from passerelle.inference.result import Result
from passerelle.inference.scoring import PairScore, Scorer, requests_and_targets
from passerelle.inference.search import Search
from passerelle.models.ensemble import Mean
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.models.stepper import NumberStepper
from passerelle.settings import SearchSettings, Settings, accepts_options, stored_search, with_stored
from passerelle.text.tokenizer import Tokenizer

__all__ = ["Translator", "outputs_report"]


class Translator:
    """A trained model that translates texts.

    `passerelle.train` and `passerelle.load` return a translator.

    Args:
        bundle: the network with its signature, settings, lengths and training record.
        model: the model of an ensemble whose first network is that of `bundle`; None for the network of `bundle` only.
        output: the name of the output to translate to; None for the first output.

    Attributes:
        record: the training record: data, versions, epochs and metrics as JSON values. `save` writes it.

    Raises:
        SettingsError: if the network has no such output.

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
        if not isinstance(bundle.signature.target, TextField) and not bundle.outputs:
            raise SettingsError("the output of this model has numbers. Load it with passerelle.Forecaster.load.")
        steppers = bundle.network.steppers
        texts = [each for each, field in bundle.signature.outputs.items() if isinstance(field, TextField)]
        name = next(iter(texts or steppers)) if output is None else output
        if name not in steppers:
            raise SettingsError(f"unknown output {name!r}.{did_you_mean(name, steppers)}")
        if output is not None and name not in texts:
            raise SettingsError(f"the output {name!r} has numbers: use number_outputs[{name!r}] of the translator.")
        self.model = model or InferenceModel([steppers[name]], bundle.signature, bundle.output(name).lengths)

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickle and copy need: not the compiled programs, which are made again at first use."""
        return {"record": self.record, "pickled": pickle.dumps((self.bundle, self.model))}

    def __getattr__(self, name: str) -> Any:
        """Rebuild the networks of a pickled translator when they are first needed.

        Rebuilding may raise an error, and a worker of `multiprocessing` that fails to unpickle a task dies silently.
        """
        if name not in ("bundle", "model") or "pickled" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        bundle, model = pickle.loads(self.__dict__["pickled"])
        self.__dict__.update(bundle=bundle, model=model)
        return self.__dict__[name]

    def for_output(self, output: str) -> "Translator":
        """Return a translator with the same network that translates to another output.

        Args:
            output: the name of an output of the network.

        Returns:
            A new translator; it shares the weights of this one.

        Raises:
            SettingsError: if the network has no such output, or this translator is an ensemble.
        """
        if len(self.model.steppers) > 1:
            raise SettingsError(
                "an ensemble has a single output. Call for_output on each translator, then ensemble_with."
            )
        return Translator(replace(self.bundle, record=self.record), output=output)

    @property
    def output(self) -> str:
        """The name of the output that this translator writes; `target` for a model with one output."""
        return self.signature.target.name

    @property
    def outputs(self) -> "dict[str, Translator]":
        """A translator for each output of text by name, see `for_output`; only this one for an ensemble.

        Example:
            >>> list(translator.outputs)
            ['target']
        """
        texts = [name for name, field in self.bundle.signature.outputs.items() if isinstance(field, TextField)]
        if len(self.model.steppers) > 1 or texts == [self.output]:
            return {self.output: self}
        return {name: self if name == self.output else self.for_output(name) for name in texts}

    @cached_property
    def number_outputs(self) -> dict[str, Regressor]:
        """A regressor for each output of numbers by name; none for an ensemble.

        Example:
            >>> rows = [("one", {"fr": "un", "length": 3}), ("three", {"fr": "trois", "length": 5})]
            >>> several = passerelle.train(rows, units=8, epochs=1, validation=0)
            >>> several.number_outputs["length"].predict(["two", "three"]).shape
            (2,)
        """
        bundle = self.bundle
        steppers = {} if len(self.model.steppers) > 1 else bundle.network.steppers
        return {
            name: Regressor([RegressionModel.of(stepper, bundle.signature, bundle.output(name).calibration)])
            for name, stepper in steppers.items()
            if isinstance(stepper, NumberStepper)
        }

    @property
    def network(self) -> SequenceToSequence:
        """The Keras model that was trained; it contains the inference models."""
        return self.bundle.network

    @property
    def signature(self) -> Signature:
        """The named inputs of the model, and the output that it translates to."""
        return self.model.signature

    @property
    def settings(self) -> Settings:
        """The settings that the network was trained with."""
        return self.bundle.settings

    @property
    def stored_search(self) -> SearchSettings:
        """The search that the model file stores: the defaults of the search options `beam` and `length_penalty`.

        Training chooses it (the setting `training.search`). An ensemble has that of its first translator.
        """
        return self.bundle.output(self.output).search

    def with_search(self, **options: Any) -> "Translator":
        """Return the same translator with another stored search.

        Args:
            **options: `beam` and `length_penalty`; those that are not set keep their stored values.

        Returns:
            A new translator; it shares the weights of this one. `save` writes the stored search.

        Raises:
            SettingsError: if another search option is set, or a value is invalid.

        Example:
            >>> translator.with_search(beam=4).stored_search.beam
            4
        """
        search = stored_search({**self.stored_search.model_dump(exclude_defaults=True), **options})
        bundle = replace(self.bundle, record=self.record).with_search(self.output, search)
        return Translator(bundle, self.model)

    @property
    def lengths(self) -> Lengths:
        """The lengths of the training pairs, which determine the length limits of translations."""
        return self.model.lengths

    @property
    def source(self) -> Tokenizer:
        """The tokenizer of the source texts."""
        return self.signature.source.tokenizer

    @property
    def target(self) -> Tokenizer:
        """The tokenizer of the target texts."""
        return self.signature.target.tokenizer

    @property
    def training_model(self) -> Any:
        """The Keras model for training.

        Its inputs are `source`, int32 (batch, S), and `target`, int32 (batch, T); its output is the logits, float32
        (batch, T, columns).
        """
        return self.network

    @property
    def inference_encoder(self) -> Any:
        """The Keras model that encodes the inputs.

        It maps the inputs by name to the initial states of the decoder and the memory, both by name.
        """
        return self.model.steppers[0].encoder

    @property
    def inference_decoder(self) -> Any:
        """The Keras model that decodes T steps.

        It maps `target`, int32 (batch, T), the states and the memory to `logits` and the new states, all by name.
        """
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
        """Translate one text or several texts.

        Args:
            texts: a string, or a sequence of strings. They may be of any length; blank strings have empty translations.
            tags: the tags of each text, or one string for all texts; only for a translator that was trained with tags.
            **options: the search settings, such as `beam=5` or `max_length=100`; see `SearchSettings`. By default, the
                stored search is used.

        Returns:
            The translation, a string if `texts` is a string; otherwise the list of translations, in the same order. A
            translation does not depend on the other texts.

        Raises:
            DataError: if `texts` does not consist of strings, or `tags` does not match the texts or this translator.
            LongTextError: if a text that cannot be split requires more memory than the limit of 1 GB.
            SettingsError: if an option is unknown, out of range, or not supported by this translator.

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
        """Translate texts and return the translations with their scores and tokens.

        A text of more than twice the tokens of the longest source in training is split into sentences, and longer
        sentences are split into runs of complete words. Constrained and pretokenized texts are not split.

        Args:
            texts: strings of any length; blank strings have empty translations.
            tags: the tags of each text, or one string for all texts; only for a translator that was trained with tags.
            inputs: the values of further input fields by name, one value for each text; only for a translator with such
                fields.
            **options: the search settings, such as `beam=5` or `max_length=100`; see `SearchSettings`.

        Returns:
            A list with one `Result` for each text, in the same order. A result does not depend on the other texts.

        Raises:
            DataError: if `texts` is not a sequence of strings, or `tags` or `inputs` do not match the texts or this
                translator.
            LongTextError: if a text that cannot be split requires more memory than the limit of 1 GB.
            SettingsError: if an option is unknown, out of range, or not supported by this translator.

        Example:
            >>> (result,) = translator.search(["He is tired."])
            >>> result.text, result.finished
            ('Il est fatigué.', True)
        """
        settings = with_stored(options, self.stored_search)
        return [best for (best,) in self._search(make_requests(texts, tags, self.signature, inputs), settings)]

    @accepts_options(SearchSettings)
    def n_best(
        self, texts: Sequence[str], n: int, *, tags: str | Sequence[str] | None = None, **options: Any
    ) -> list[list[Result]]:
        """Return the `n` best translations of each text, or `n` samples.

        Args:
            texts: strings of any length; blank strings have empty translations.
            n: maximum number of translations of each text.
            tags: the tags of each text, or one string for all texts; only for a translator that was trained with tags.
            **options: the search settings; see `SearchSettings`. By default, the beam is at least `n`. With
                `sample=True`, the translations are samples.

        Returns:
            A list with one list of results for each text, in the same order. The results of a text are sorted, best
            first, and distinct unless they are samples. There are fewer than `n` if the search finds fewer.

        Raises:
            DataError: if `texts` is not a sequence of strings, or `tags` does not match the texts or this translator.
            LongTextError: if a text that cannot be split requires more memory than the limit of 1 GB.
            SettingsError: if an option is unknown, out of range, or not supported by this translator.

        Example:
            >>> (results,) = translator.n_best(["He is tired."], 3)
            >>> results[0].text
            'Il est fatigué.'
            >>> len(results)
            3
        """
        settings = with_stored({**options, "n_best": n}, self.stored_search)
        return self._search(make_requests(texts, tags, self.signature), settings)

    def align(self, results: Sequence[Result], *, tags: str | Sequence[str] | None = None) -> list[Alignment]:
        """Return the attention weights between the tokens of translations and the tokens of their sources.

        Args:
            results: results of `search`, or of `n_best` in one list.
            tags: the tags that were passed to the search, for each result, or one string for all results.

        Returns:
            A list with one `Alignment` for each result, in the same order. The alignment is empty if the result is
            empty. The parts of a text that was split are aligned separately; if it is so long that its alignment would
            have more than 16 million weights, the alignment is empty.

        Raises:
            DataError: if `results` is no list of results, or `tags` does not match them or this translator.
            LongTextError: if a text requires more memory than the limit of 1 GB.
            SettingsError: if this translator has no attention.

        Example:
            >>> results = translator.search(["He is tired."])
            >>> (alignment,) = translator.align(results)
            >>> alignment.source
            (' He', ' is', ' tired', '.')
            >>> alignment.weights.shape  # tokens of the translation, tokens of the source
            (4, 4)
        """
        if not isinstance(results, Iterable) or not all(isinstance(result, Result) for result in results):
            raise DataError(f"results must be a list of results of a search, received: {results!r:.80}")
        return self._aligner(make_requests([result.source for result in results], tags, self.signature), results)

    def replace_unknown(
        self,
        results: Sequence[Result],
        replacements: Mapping[str, str] | None = None,
        *,
        tags: str | Sequence[str] | None = None,
    ) -> list[Result]:
        """Replace the unknown tokens (UNK) of translations by the source tokens with the largest attention weights.

        Args:
            results: results of `search`, or of `n_best` in one list.
            replacements: source token -> the text that replaces it. Source tokens without an entry are copied.
            tags: the tags that were passed to the search, for each result, or one string for all results.

        Returns:
            The results with new texts, in the same order; results without UNK are unchanged.

        Raises:
            DataError: if `tags` does not match the results or this translator.
            LongTextError: if a text requires more memory than the limit of 1 GB.
            SettingsError: if this translator has no attention.
        """
        alignments = self.align(results, tags=tags)
        return [
            replace_unknown(result, alignment, self.signature, replacements or {})
            for result, alignment in zip(results, alignments, strict=True)
        ]

    def encode(self, texts: Sequence[str], *, tags: str | Sequence[str] | None = None) -> np.ndarray:
        """Encode texts as vectors.

        The vector of a text is the last output of the last encoder layer; for a bidirectional layer, the outputs of
        both directions are concatenated. With attention, the decoder reads all encoder outputs, so the vector contains
        less information about the text than without attention.

        Args:
            texts: any strings; blank strings have a vector of zeros.
            tags: the tags of each text, or one string for all texts; only for a translator that was trained with tags.

        Returns:
            A NumPy array, float32 (texts, width). A vector does not depend on the other texts.

        Raises:
            DataError: if `texts` is not a sequence of strings, or `tags` does not match the texts or this translator.

        Example:
            >>> translator.encode(["He is tired.", "She is young."]).shape
            (2, 64)
        """
        return self._encoder(make_requests(texts, tags, self.signature))

    def score(self, pairs: Iterable[tuple[str, ...]]) -> list[PairScore]:
        """Return the log probability of the target of each pair, computed by teacher forcing.

        Low scores help to find wrong pairs in training data. A token that the target vocabulary does not contain is
        scored as a copy if the network can copy it from the source, or as UNK if the network can write UNK; otherwise
        the log probability is minus infinity. For a blank source, it is 0 if the target is blank, and minus infinity
        otherwise.

        Args:
            pairs: rows (source, target), or (source, target, tags) for a translator that was trained with tags.

        Returns:
            A list with one `PairScore` for each pair, in the same order. A score does not depend on the other pairs.

        Raises:
            DataError: if a row of `pairs` has another form.
            LongTextError: if a pair requires more memory than the limit of 1 GB.

        Example:
            >>> pairs = [("He is tired.", "Il est fatigué."), ("He is tired.", "Elle est jeune.")]
            >>> right, wrong = translator.score(pairs)
            >>> right.log_probability > wrong.log_probability
            True
        """
        return self._scorer(requests_and_targets(pairs, self.signature))

    @accepts_options(SearchSettings)
    def evaluate(self, pairs: Iterable[tuple[str, ...]], **options: Any) -> Report:
        """Translate each distinct source and compare the translation with its references.

        Rows that share a source, with the same tags, count as multiple references.

        Args:
            pairs: rows (source, target), or (source, target, tags) for a translator that was trained with tags.
            **options: the search settings; see `SearchSettings`.

        Returns:
            A `Report` with exact match, character error rate, BLEU and chrF.

        Raises:
            DataError: if a row of `pairs` has another form, or there are no rows.
            LongTextError: if a text that cannot be split requires more memory than the limit of 1 GB.
            SettingsError: if an option is unknown, out of range, or not supported by this translator.

        Example:
            >>> pairs = passerelle.read_pairs("pairs.tsv")
            >>> translator.evaluate(pairs).exact_match > 90
            True
        """
        return evaluate(self._search, pairs, with_stored(options, self.stored_search))

    @accepts_options(SearchSettings)
    def evaluate_outputs(self, pairs: Iterable[tuple[Any, ...]], **options: Any) -> OutputsReport:
        """Evaluate each output of a model with several outputs; see `evaluate`.

        Args:
            pairs: rows (source, {output: text or numbers}), or with tags as a third entry. Some may be missing.
            **options: the search settings; see `SearchSettings`. By default, each output has its stored search.

        Returns:
            A report with the scores of each output, and the share of sources of which all texts are right.

        Raises:
            DataError: if a row of `pairs` has another form, or an output of the model has no text.
            LongTextError: if a text that cannot be split requires more memory than the limit of 1 GB.
            SettingsError: if an option is unknown, out of range, or not supported by this translator.

        Example:
            >>> rows = [("one", {"fr": "un", "de": "eins"}), ("two", {"fr": "deux"})]
            >>> several = passerelle.train(rows, units=8, epochs=1, validation=0)
            >>> print(several.evaluate_outputs(rows))
            fr
            exact match ...
            all right ...
        """
        return outputs_report(self.bundle.signature, self.outputs, self.number_outputs, pairs, options)

    def ensemble_with(
        self, others: Iterable["Translator"], *, weights: Sequence[float] | None = None, mean: Mean | None = None
    ) -> "Translator":
        """Return an ensemble: a translator that averages the probabilities of several networks in each step.

        The networks may differ in architecture and size, but their vocabularies must be the same. The settings, the
        record, the stored search and the three Keras models of the ensemble are those of this translator.

        Args:
            others: the other translators; they may be ensembles.
            weights: relative weight of each network, those of this translator first; None for equal weights, except
                that the networks of an ensemble keep their relative weights.
            mean: `"arithmetic"` averages probabilities, `"geometric"` averages log probabilities. None for the mean of
                the ensembles among the translators, arithmetic if there is none.

        Returns:
            A new translator. It cannot be saved; save its members separately.

        Raises:
            DataError: if `others` contains anything else than translators.
            SettingsError: if the translators do not share their tokenizers, or `weights` or `mean` is invalid.

        Example:
            >>> other = passerelle.load("model.keras")
            >>> translator.ensemble_with([other], weights=[2, 1]).translate("He is tired.")
            'Il est fatigué.'
        """
        translators = list(others) if isinstance(others, Iterable) else [others]
        for other in translators:
            if not isinstance(other, Translator):
                raise DataError(f"others must be a list of translators, received: {other!r:.80}")
        model = ensemble_of([self.model, *(other.model for other in translators)], weights, mean)
        return Translator(replace(self.bundle, record=self.record), model)

    @property
    def _text_model(self) -> InferenceModel:
        if not isinstance(self.signature.target, TextField):
            raise SettingsError(
                f"this model writes no texts: its outputs have numbers. Use number_outputs[{self.output!r}].predict."
            )
        return self.model

    @cached_property
    def _search(self) -> Search:
        return Search(self._text_model)

    @cached_property
    def _aligner(self) -> Aligner:
        return Aligner(self._text_model)

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self._text_model)

    @cached_property
    def _encoder(self) -> TextEncoder:
        return TextEncoder(self.network, self.signature)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = True) -> None:
        """Save the translator to one self-contained `.keras` file.

        The file is loaded and compared with this translator before it replaces an existing file.

        Args:
            path: path of the file; it must end in `.keras`, and its folder must exist.
            overwrite: whether an existing file is replaced; otherwise it is an error.

        Raises:
            OutputError: if the file cannot be written, differs from this translator when loaded, or exists and
                `overwrite` is false (an existing file is unchanged then), or if this translator is an ensemble.
        """
        require_path("path", path)
        if len(self.model.steppers) > 1:
            raise OutputError(
                f"a model file contains one network, received: an ensemble of {len(self.model.steppers)}. Save each "
                "translator separately, and combine them with ensemble_with after loading."
            )
        save_bundle(replace(self.bundle, record=self.record), path, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Translator":
        """Load a translator from a `.keras` file that `save` wrote.

        The file is checked before it is used, and loading never executes code from it.

        Args:
            path: path of the file.

        Returns:
            The translator.

        Raises:
            ModelFileError: if the file is missing, damaged, no model file, from another version, or unsafe.
        """
        require_path("path", path)
        return cls(load_bundle(path))


def outputs_report(
    signature: Signature,
    translators: Mapping[str, Translator],
    regressors: Mapping[str, Regressor],
    pairs: Iterable[tuple[Any, ...]],
    options: Mapping[str, Any],
) -> OutputsReport:
    """Evaluate several outputs, of which each may be an ensemble.

    Args:
        signature: the signature of the model.
        translators: the translator of each output of text.
        regressors: the regressor of each output of numbers.
        pairs: see `Translator.evaluate_outputs`.
        options: search options; others are those of the stored search of each output.
    """
    return evaluate_outputs(
        signature,
        {name: each._search for name, each in translators.items()},
        pairs,
        {name: with_stored(options, each.stored_search) for name, each in translators.items()},
        {name: each.evaluate for name, each in regressors.items()},
    )
