"""passerelle translate"""

import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from passerelle.cli.arguments import WHOLE_NUMBER
from passerelle.cli.display import LinesDisplay, note
from passerelle.cli.ensemble import EnsembleOptions, OutputName
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.lines import MAX_BLOCK_LINES, Block, check_texts, file_size, read_blocks
from passerelle.cli.options import SearchOptions
from passerelle.cli.output import Overwrite, open_output, require_absent, require_different_files
from passerelle.cli.result_format import Counts
from passerelle.cli.shards import Shard, open_shard_output
from passerelle.cli.texts import note_file_names
from passerelle.cli.translation import Flag, OutputOptions, TranslationJob
from passerelle.errors import SettingsError
from passerelle.settings import MAX_LINE

if TYPE_CHECKING:
    from passerelle.data.file_shards import FileShard

__all__ = ["translate"]

SUMMARY_LINES = 1000
"""Lines of standard input from which on their number and the speed are reported."""


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
    replacements = output_options.read_replacements()
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
    job = TranslationJob(n_best, tags, options, output_options, replacements, folder, _location(texts, in_))
    models = ensemble or EnsembleOptions()
    before = 0 if part is None else part.lines.first.line - 1  # texts of other shards
    line_format = replace(job.result_format.line_format, first=before + 1)
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
        job.require_fitting(loaded)
        blocks = _blocks(
            texts, in_, skip=written.done, size=max(1, MAX_BLOCK_LINES // n_best), max_line=max_line,
            shard=None if part is None else part.lines,
        )  # fmt: skip
        counts = Counts(written=before + written.done)
        written.begin()
        for block in blocks:
            written.write(job.lines(loaded, block.lines, counts))
            display.progress(len(block.lines), block.position)
    if loaded.translators:
        first = next(iter(loaded.translators.values()))
        counts.report(first.lengths, options.get("split_sentences", "auto"))
    display.summary(SUMMARY_LINES if in_ is None and out is None else 0)
    return 1 if counts.impossible else 0


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


def _picture_folder(output_options: OutputOptions, *, overwrite: bool) -> Path | None:
    from passerelle.data.writing import prepare_folder

    if output_options.pictures is None:
        return None
    folder = prepare_folder(output_options.pictures)
    require_absent([path for path in folder.glob("*.svg") if path.stem.isdecimal()], overwrite=overwrite)
    return folder
