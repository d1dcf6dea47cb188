"""passerelle translate"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from passerelle.cli.arguments import WHOLE_NUMBER
from passerelle.cli.display import LinesDisplay, note
from passerelle.cli.ensemble import EnsembleOptions, OutputName
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.lines import MAX_BLOCK_LINES, Block, check_texts, file_size, read_blocks
from passerelle.cli.options import SearchOptions
from passerelle.cli.output import Overwrite, open_output, require_absent, require_different_files
from passerelle.cli.result_format import Counts, ResultFormat, join_outputs
from passerelle.cli.shards import Shard, open_shard_output
from passerelle.errors import DataError, LongTextError, SettingsError
from passerelle.settings import MAX_LINE, ConstraintSettings

if TYPE_CHECKING:
    from passerelle.data.file_shards import FileShard
    from passerelle.fields.signature import Signature
    from passerelle.inference.alignment import Alignment
    from passerelle.inference.regression import Regressor
    from passerelle.inference.result import Result
    from passerelle.translator import Translator

__all__ = ["OutputOptions", "note_file_names", "split_tags", "translate"]

SUMMARY_LINES = 1000
"""Lines of standard input from which on their number and the speed are reported."""

MAX_NAME = 1000
"""Texts with this many characters are not looked for as names of files."""

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


def translate(
    model: str,
    /,
    *texts: str,
    in_: Annotated[str | None, Parameter(name="--in", group=IN_GROUP["Data"])] = None,
    shard: Annotated[str | None, Parameter(group=IN_GROUP["Data"])] = None,
    out: str | None = None,
    resume: Flag = False,
    overwrite: Overwrite = False,
    ensemble: EnsembleOptions | None = None,
    output: OutputName = None,
    tags: Annotated[str | None, Parameter(group=IN_GROUP["Data"])] = None,
    max_line: Annotated[int, Parameter(group=IN_GROUP["Data"]), WHOLE_NUMBER] = MAX_LINE,
    n_best: Annotated[int, Parameter(group=IN_GROUP["Search"]), WHOLE_NUMBER] = 1,
    search: SearchOptions | None = None,
    output_options: OutputOptions | None = None,
) -> int:
    """Translate texts, the lines of a file, or the lines of standard input.

    Parameters
    ----------
    model
        Model file (.keras) of a translator.
    texts
        Texts to translate. Without any, each line of --in or of standard input is translated.
    in_
        Input file with one text per line, which may be compressed (.gz, .zip).
    shard
        Translate one of N parts of --in, the K-th, to share the work among processes: K/N, or auto, which takes both
        from the variables of SLURM, Open MPI or torchrun. The outputs of all shards, joined in order, are the output
        of one process. --out appears when it is complete; the same command continues an interrupted shard.
    out
        Output file, instead of standard output. An existing file that is not empty requires --resume or --overwrite.
        After a crash, the file still ends in a complete line. With --shard, {shard} in the name becomes the shard,
        such as 02-of-16.
    resume
        Continue the file of --out after an interruption, with the same input and options as before. Texts
        whose translations are already in the file are skipped. If the last line or n-best list is incomplete, it is
        removed and its text is translated again.
    overwrite
        Replace the file of --out and the files in --pictures. Without it, existing files are an error.
    output
        Output to write, for a model with several outputs. Without it, all outputs are written, separated by tabs.
        Numbers are written with three significant digits of their standard deviation in training.
    tags
        Tags of all texts, for a model with tags. Without it, each text must be followed by a tab and its tags.
    max_line
        Maximum number of characters of a text; a longer one is an error.
    n_best
        Size of the n-best list: translations per text, one per line, best first. If there are fewer, the remaining
        lines are empty. Numbers are on the first line.
    """
    output_options = output_options or OutputOptions()
    options = (search or SearchOptions()).options(n_best)
    replacements = _read_replacements(output_options)
    check_texts(texts, max_line)
    note_file_names(texts, "--in FILE")
    part = None if shard is None else Shard.choose(shard, in_, out)
    out = out if part is None else part.out
    _check_files(texts, in_, out, resume=resume, overwrite=overwrite)
    if output_options.scores and output_options.as_json:
        raise SettingsError(
            "--scores and --json exclude each other: the JSON objects contain the scores. Use one of them."
        )
    # A shard continues by itself, and shares the folder with the others.
    folder = _picture_folder(output_options, overwrite=resume or overwrite or part is not None)
    job = _Job(n_best, tags, options, output_options, replacements, folder, _location(texts, in_))
    result_format = ResultFormat(
        n_best, scores=output_options.scores, as_json=output_options.as_json, aligned=output_options.align
    )
    models = ensemble or EnsembleOptions()
    before = 0 if part is None else part.lines.first.line - 1  # texts of other shards
    line_format = replace(result_format.line_format, first=before + 1)
    if part is None:
        opened = open_output(out, resume=resume, overwrite=overwrite, line_format=line_format)
        size = None if in_ is None else file_size(in_)
    else:
        described = part.describe(
            [model, *models.with_], ensemble=[models.weights, models.mean], output=output, tags=tags, n_best=n_best,
            search=options, format=asdict(output_options), replacements=replacements,
        )  # fmt: skip
        opened = open_shard_output(part.out, described, overwrite=overwrite, line_format=line_format)
        size = part.lines.size
    # A progress bar would disturb a person who types or reads at the terminal.
    shown = (in_ is not None or not sys.stdin.isatty()) and (out is not None or not sys.stdout.isatty())
    with opened as written, LinesDisplay.open(size, shown=shown and not texts) as display:
        if written is None:
            note(f"passerelle: {out} is already complete")
            return 0
        loaded = models.load_outputs(model, output)
        if len(loaded.names) > 1:
            _require_columns(output_options)
        if not loaded.translators:
            _require_no_text_options(loaded.names, output_options, n_best, options)
        translator = next(iter(loaded.translators.values()), None)
        blocks = _blocks(
            texts, in_, skip=written.done, size=max(1, MAX_BLOCK_LINES // n_best), max_line=max_line,
            shard=None if part is None else part.lines,
        )  # fmt: skip
        counts = Counts(written=before + written.done)
        constrained = any(options.get(name) for name in ConstraintSettings.model_fields)
        unsplit = translator.lengths.sentences if constrained and translator is not None else None
        written.begin()
        for block in blocks:
            first = counts.written + 1
            found = {name: job.translate(each, block.lines, first=first) for name, each in loaded.translators.items()}
            written_by_output = {
                name: result_format.format(
                    loaded.translators[name].signature, each.results, each.alignments, first=first
                )
                for name, each in found.items()
            } | {
                name: job.predict(each, block.lines, result_format, first=first)
                for name, each in loaded.regressors.items()
            }
            lines = {name: written_by_output[name] for name in loaded.names}
            of_texts = list(found.values())
            if of_texts:
                job.draw(of_texts[0], first=first)
            written.write(join_outputs(lines, as_json=output_options.as_json))
            for name, each in list(found.items())[1:]:
                counts.add_output(name, each.results)
            if of_texts:
                counts.add(of_texts[0].results, unsplit=unsplit)
            else:
                counts.written += len(block.lines)
            display.progress(len(block.lines), block.position)
    if translator is not None:
        counts.report(translator.lengths, options.get("split_sentences", "auto"))
    display.summary(SUMMARY_LINES if in_ is None and out is None else 0)
    return 1 if counts.impossible else 0


@dataclass(frozen=True)
class _Translations:
    """The n-best results of consecutive texts, and their alignments, which are None if no option needs them."""

    results: list[list["Result"]]
    alignments: list[list["Alignment"]] | None


@dataclass(frozen=True)
class _Job:
    """Everything that the translations of a text depend on, except the translator.

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

    def translate(self, translator: "Translator", lines: list[str], *, first: int) -> _Translations:
        """Translate lines; if the options require it, align the translations and replace unknown tokens.

        Args:
            translator: any translator.
            lines: texts; each with a tab and its tags, if the translator has tags and `tags` is None.
            first: number of the first text.

        Raises:
            DataError: if a text is too long for memory.
        """
        lines, tags = self._split_tags(translator.signature, lines)
        with self._located(first):
            found = translator.n_best(lines, self.n_best, tags=tags, **self.search_options)
        if not self.output_options.needs_alignments:
            return _Translations(found, None)
        alignments = _align(translator, found, tags)
        if self.output_options.replace_unknown:
            found = self._replace_unknown(translator, found, alignments)
        return _Translations(found, alignments)

    def predict(self, regressor: "Regressor", lines: list[str], result_format: ResultFormat, *, first: int) -> str:
        """Predict the numbers for lines and return them as lines; see `translate`."""
        texts, tags = self._split_tags(regressor.signature, lines)
        with self._located(first):
            return result_format.format_numbers(regressor, texts, tags)

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

    def draw(self, translations: _Translations, *, first: int) -> None:
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


def _check_files(texts: tuple[str, ...], in_: str | None, out: str | None, *, resume: bool, overwrite: bool) -> None:
    if texts and in_ is not None:
        raise SettingsError("TEXTS and --in cannot be combined. Use one of them.")
    if resume and out is None:
        raise SettingsError("--resume requires --out FILE, the file to continue.")
    if resume and overwrite:
        raise SettingsError("--resume and --overwrite exclude each other. Use one of them.")
    require_different_files(in_, out)


def _blocks(
    texts: tuple[str, ...], in_: str | None, *, skip: int, size: int, max_line: int, shard: "FileShard | None"
) -> Iterator[Block]:
    """Skip the first `skip` texts, and return the others in blocks of at most `size` lines."""
    from passerelle.data.files import STANDARD_INPUT

    if texts:
        return iter([Block(list(texts[skip:]), 0)])
    return iter(read_blocks(in_ or STANDARD_INPUT, size=size, skip=skip, max_line=max_line, shard=shard))


def _location(texts: tuple[str, ...], in_: str | None) -> str:
    """Return the words before the number of a text in messages."""
    from passerelle.data.files import STANDARD_INPUT, input_name

    return "text" if texts else f"{input_name(in_ or STANDARD_INPUT)}, line"


def _read_replacements(output_options: OutputOptions) -> dict[str, str]:
    from passerelle.data.files import read_lines

    path = output_options.replacements
    if path is None:
        return {}
    if not output_options.replace_unknown:
        raise SettingsError("--replacements requires --replace-unknown. Add it.")
    rows = [line.split("\t") for line in read_lines(path) if line.strip()]
    for row in rows:
        if len(row) < 2:
            raise DataError(f"{path}: no tab between token and translation: {row[0][:40]!r}.")
    return {row[0]: row[1] for row in rows}


def _picture_folder(output_options: OutputOptions, *, overwrite: bool) -> Path | None:
    from passerelle.data.writing import prepare_folder

    if output_options.pictures is None:
        return None
    folder = prepare_folder(output_options.pictures)
    require_absent([path for path in folder.glob("*.svg") if path.stem.isdecimal()], overwrite=overwrite)
    return folder


def note_file_names(texts: tuple[str, ...], advice: str) -> None:
    """Report a text that is the name of a file; `advice` is the option that reads the lines of a file."""
    for text in texts:
        # A long text is no name, and the system would refuse to look for it.
        if len(text) < MAX_NAME and os.path.isfile(text):
            note(f"passerelle: the text {text!r} is the name of a file. To read the lines of the file: {advice}")
            return


def split_tags(lines: list[str]) -> tuple[list[str], list[str]]:
    """Split lines into texts and their tags, which follow a tab; blank lines may have no tags.

    Raises:
        DataError: if a line that is not blank has no tab, or more than one.
    """
    for line in lines:
        if (columns := line.count("\t") + 1) > 2:
            raise DataError(
                f"{columns} columns, but this model requires two, text and tags: {line[:40]!r}. Remove the others; for "
                f"source, target and tags: cut -f1,3"
            )
        if line.strip() and "\t" not in line:
            raise DataError(
                f"no tab between text and tags, which this model requires: {line[:40]!r}. Write text, tab, tags; or "
                f"set the tags of all texts with --tags."
            )
    rows = [line.split("\t", 1) if "\t" in line else [line, ""] for line in lines]
    return [row[0] for row in rows], [row[1] for row in rows]
