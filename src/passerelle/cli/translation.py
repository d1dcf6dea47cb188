"""Translate texts with the options of the command line: search, align, draw, predict numbers, write as lines."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from passerelle.cli.ensemble import LoadedOutputs
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.result_format import Counts, ResultFormat, join_outputs
from passerelle.cli.texts import split_tags
from passerelle.errors import DataError, LongTextError, SettingsError
from passerelle.settings import ConstraintSettings

if TYPE_CHECKING:
    from passerelle.fields.signature import Signature
    from passerelle.inference.alignment import Alignment
    from passerelle.inference.regression import Regressor
    from passerelle.inference.result import Result
    from passerelle.text.sentence_statistics import SentenceStatistics
    from passerelle.translator import Translator

__all__ = ["Flag", "OutputOptions", "TranslationJob"]

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]


@Parameter(name="*", group=IN_GROUP["Output"])
@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Output options.

    Parameters
    ----------
    scores
        Write columns separated by tabs: number of the text, rank, normalized score, log probability in nats,
        translation.
    as_json
        Write one JSON object per text, with the probability of each token.
    align
        Add the token alignment from attention: pairs of source and target positions such as 0-0 1-2, after a tab or in
        the JSON object.
    pictures
        Folder for pictures of the attention weights of each text's best translation: 1.svg, 2.svg, ...
    replace_unknown
        Replace each unknown token (UNK) by the source token with the highest attention weight.
    replacements
        Dictionary for --replace-unknown: a file with a source token, a tab and its translation per line.
    """

    scores: Flag = False
    as_json: Annotated[bool, Parameter(name="--json", negative=(), show_default=False)] = False
    align: Flag = False
    pictures: str | None = None
    replace_unknown: Flag = False
    replacements: str | None = None

    @property
    def needs_alignments(self) -> bool:
        """Whether any of the options needs alignments."""
        return self.align or self.replace_unknown or self.pictures is not None

    def read_replacements(self) -> dict[str, str]:
        """Read the dictionary for unknown tokens; empty without one.

        Raises:
            DataError: if the file cannot be read, or a line has no tab.
            SettingsError: if unknown tokens are not replaced.
        """
        from passerelle.data.files import read_lines

        path = self.replacements
        if path is None:
            return {}
        if not self.replace_unknown:
            raise SettingsError("--replacements requires --replace-unknown. Add it.")
        rows = [line.split("\t") for line in read_lines(path) if line.strip()]
        for row in rows:
            if len(row) < 2:
                raise DataError(f"{path}: no tab between token and translation: {row[0][:40]!r}.")
        return {row[0]: row[1] for row in rows}


@dataclass(frozen=True)
class _Translations:
    """The n-best results of consecutive texts, and their alignments, which are None if no option needs them."""

    results: list[list["Result"]]
    alignments: list[list["Alignment"]] | None


@dataclass(frozen=True)
class TranslationJob:
    """Everything that the translations of a text depend on, except the model.

    Attributes:
        n_best: translations per text.
        tags: tags of all texts, or None.
        search_options: keyword arguments of the search.
        output_options: options of the command.
        replacements: translations of source tokens for unknown tokens.
        folder: folder for pictures, or None.
        location: words before the number of a text in messages, such as `in.txt, line`.
    """

    n_best: int
    tags: str | None
    search_options: dict[str, Any]
    output_options: OutputOptions
    replacements: Mapping[str, str]
    folder: Path | None
    location: str

    @property
    def result_format(self) -> ResultFormat:
        """The format of the lines."""
        options = self.output_options
        return ResultFormat(self.n_best, scores=options.scores, as_json=options.as_json, aligned=options.align)

    def require_fitting(self, loaded: LoadedOutputs) -> None:
        """Raise SettingsError if an option does not suit the outputs of the model."""
        if len(loaded.names) > 1:
            _require_columns(self.output_options)
        if not loaded.translators:
            _require_no_text_options(loaded.names, self.output_options, self.n_best, self.search_options)

    def lines(self, loaded: LoadedOutputs, texts: list[str], counts: Counts) -> str:
        """Translate texts to all outputs, draw their alignments, count their results, and return lines to write.

        Args:
            loaded: the outputs of the model.
            texts: texts; each with a tab and its tags, if the model has tags and `tags` is None.
            counts: counts over all texts so far, to which these are added.

        Raises:
            DataError: if a text is too long for memory.
        """
        first, result_format = counts.written + 1, self.result_format
        found = {name: self._translate(each, texts, first=first) for name, each in loaded.translators.items()}
        by_output = {
            name: result_format.format(loaded.translators[name].signature, each.results, each.alignments, first=first)
            for name, each in found.items()
        } | {name: self._predict(each, texts, first=first) for name, each in loaded.regressors.items()}
        if not found:
            counts.written += len(texts)
        else:
            (main, translated), *others = found.items()
            self._draw(translated, first=first)
            for name, each in others:
                counts.add_output(name, each.results)
            counts.add(translated.results, unsplit=self._unsplit(loaded.translators[main]))
        return join_outputs({name: by_output[name] for name in loaded.names}, as_json=self.output_options.as_json)

    def _unsplit(self, translator: "Translator") -> "SentenceStatistics | None":
        """Return the statistics of the training sources if constraints keep texts whole."""
        constrained = any(self.search_options.get(name) for name in ConstraintSettings.model_fields)
        return translator.lengths.sentences if constrained else None

    def _translate(self, translator: "Translator", lines: list[str], *, first: int) -> _Translations:
        """Translate lines; if the options require it, align the translations and replace unknown tokens."""
        lines, tags = self._split_tags(translator.signature, lines)
        with self._located(first):
            found = translator.n_best(lines, self.n_best, tags=tags, **self.search_options)
        if not self.output_options.needs_alignments:
            return _Translations(found, None)
        alignments = _align(translator, found, tags)
        if self.output_options.replace_unknown:
            found = self._replace_unknown(translator, found, alignments)
        return _Translations(found, alignments)

    def _predict(self, regressor: "Regressor", lines: list[str], *, first: int) -> str:
        """Predict the numbers for lines and return them as lines."""
        texts, tags = self._split_tags(regressor.signature, lines)
        with self._located(first):
            return self.result_format.format_numbers(regressor, texts, tags)

    def _split_tags(self, signature: "Signature", lines: list[str]) -> tuple[list[str], str | list[str] | None]:
        """Return the texts of lines, and their tags if the model has tags."""
        return split_tags(lines) if self.tags is None and signature.tagged else (lines, self.tags)

    @contextmanager
    def _located(self, first: int) -> Iterator[None]:
        """Name the place of a text that is too long."""
        try:
            yield
        except LongTextError as error:
            raise DataError(f"{self.location} {first + error.row:,} {error.reason}") from None

    def _replace_unknown(
        self, translator: "Translator", found: list[list["Result"]], alignments: list[list["Alignment"]]
    ) -> list[list["Result"]]:
        from passerelle.inference.alignment import replace_unknown

        return [
            [
                replace_unknown(result, alignment, translator.signature, self.replacements)
                for result, alignment in zip(results, aligned, strict=True)
            ]
            for results, aligned in zip(found, alignments, strict=True)
        ]

    def _draw(self, translations: _Translations, *, first: int) -> None:
        """Draw the alignment of each text's best translation, if there is a folder; `first` numbers the first text."""
        from passerelle.data.writing import write_atomically
        from passerelle.plots.attention import draw_attention

        if self.folder is None or translations.alignments is None:
            return
        rows = zip(translations.results, translations.alignments, strict=True)
        for number, (results, alignments) in enumerate(rows, start=first):
            best = alignments[0]
            title = f"{results[0].source} \u2192 {results[0].text}"
            picture = draw_attention(best.source, best.target, best.weights, title=title).encode()
            write_atomically(self.folder / f"{number}.svg", lambda stream, picture=picture: stream.write(picture))


def _require_columns(options: OutputOptions) -> None:
    """Raise SettingsError if an option does not support several outputs in one line."""
    used = {
        "--scores": options.scores,
        "--align": options.align and not options.as_json,
        "--pictures": options.pictures,
    }
    for flag in (name for name, value in used.items() if value):
        advice = "" if flag == "--pictures" else ", or use --json"
        raise SettingsError(f"{flag} describes one output, and the model has several. Name one with --output{advice}.")


def _require_no_text_options(
    names: Sequence[str], output_options: OutputOptions, n_best: int, options: Mapping[str, Any]
) -> None:
    """Raise SettingsError if an option is used that is for texts, and the outputs have numbers."""
    others = replace(output_options, as_json=False)
    if n_best > 1 or others != OutputOptions() or set(options) - {"n_best"}:
        raise SettingsError(
            f"{' and '.join(names)}: numbers have no search, scores or alignment. Leave these options out, or name an "
            f"output of text with --output."
        )


def _align(
    translator: "Translator", found: list[list["Result"]], tags: str | list[str] | None
) -> list[list["Alignment"]]:
    """Return the alignments of all results; one call aligns them all, in full batches."""
    if isinstance(tags, list):
        tags = [tag for tag, results in zip(tags, found, strict=True) for _ in results]
    aligned = iter(translator.align([result for results in found for result in results], tags=tags))
    return [[next(aligned) for _ in results] for results in found]
