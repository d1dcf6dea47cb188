"""Synthetic pairs on the command line: options, the file of translations next to the model, and messages."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from passerelle.cli.display import TranslationDisplay, note
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.options import ReadingOptions, SyntheticOptions
from passerelle.cli.output import LineFormat, json_line, open_output, require_absent
from passerelle.errors import DataError, OutputError, SettingsError
from passerelle.settings import MAX_LINE

if TYPE_CHECKING:
    from passerelle.data.pairs import Pairs
    from passerelle.settings import Settings
    from passerelle.synthetic.block_translation import Journal, Text
    from passerelle.synthetic.writer import Writer

__all__ = ["BackTranslationOptions", "Synthesize", "note_synthetic", "open_journal", "read_texts"]

SUFFIX = ".translations.jsonl"
"""Suffix of the file of translations, instead of that of the model file."""

Synthesize = Callable[["Pairs", "Pairs", "Settings"], "Pairs"]
"""(training pairs, validation pairs, settings) -> training pairs with synthetic ones among them."""


@Parameter(name="*", group=IN_GROUP["Data"])
@dataclass(frozen=True, kw_only=True)
class BackTranslationOptions:
    """Back-translation options.

    Parameters
    ----------
    back_translate
        Monolingual data for back-translation: a file with one text in the target language per line, which may be
        compressed. For a model with tags, each text is followed by a tab and its tags. The reverse model translates the
        texts into sources. Texts that are validation targets are skipped. Repeatable.
    reverse_model
        Model file (.keras) for --back-translate, trained in the reverse direction (--swap). Several form an ensemble.
        Repeatable.
    """

    back_translate: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()
    reverse_model: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()

    def used(self) -> list[str]:
        """Return the names of the flags that were used."""
        flags = {"--back-translate": self.back_translate, "--reverse-model": self.reverse_model}
        return [name for name, paths in flags.items() if paths]

    def synthesis(
        self, synthetic: SyntheticOptions, reading: ReadingOptions, out: str, *, overwrite: bool, started: float
    ) -> Synthesize | None:
        """Return the function that adds synthetic pairs; None without --back-translate.

        Args:
            synthetic: options of synthetic pairs.
            reading: how files are read.
            out: path of the model file.
            overwrite: whether the file of translations may be replaced.
            started: value of `time.perf_counter()` from which the time limit counts.
        """
        if bool(self.back_translate) != bool(self.reverse_model):
            raise SettingsError("--back-translate and --reverse-model require each other. Use both or neither.")
        if not self.back_translate:
            for name in synthetic.used():
                raise SettingsError(f"{name} requires --back-translate. Leave it out, or use passerelle distill.")
            return None
        chosen = synthetic.choose()

        def synthesize(training: "Pairs", held_out: "Pairs", settings: "Settings") -> "Pairs":
            from passerelle.synthetic.back_translation import back_translated
            from passerelle.synthetic.mixture import translation_ends
            from passerelle.synthetic.writer import Writer

            reverse = Writer.of(self.reverse_model)
            reverse.require_tags_of(settings, "the reverse model")
            targets = read_texts(self.back_translate, reading, tagged=reverse.tagged)
            with open_journal(out, reverse, "source", overwrite=overwrite) as journal:
                mixed = back_translated(
                    training, held_out, reverse, targets, settings, chosen,
                    ends=translation_ends(started, settings, chosen), journal=journal,
                )  # fmt: skip
            note_synthetic(mixed.synthetic)
            return mixed

        return synthesize


def read_texts(paths: Sequence[str], reading: ReadingOptions, *, tagged: bool) -> "list[Text]":
    """Read the texts of files, one per line.

    Args:
        paths: the files.
        reading: names the maximum length of a line.
        tagged: whether each text is followed by a tab and its tags.

    Raises:
        DataError: if a file cannot be read, contains no text, or has a line without tags if `tagged`.
    """
    from passerelle.cli.texts import split_tags
    from passerelle.data.files import input_name, read_lines

    max_line = getattr(reading, "max_line", None) or MAX_LINE
    read: list[Text] = []
    for path in paths:
        lines = [line for line in read_lines(path, max_line=max_line) if line.strip()]
        if not lines:
            raise DataError(f"{input_name(path)} contains no text. Write one text per line.")
        try:
            texts, tags = split_tags(lines) if tagged else (lines, [""] * len(lines))
        except DataError as error:
            raise DataError(f"{input_name(path)}: {error}") from None
        read += zip(texts, tags, strict=True)
    return read


@contextmanager
def open_journal(
    out: str, writer: "Writer", side: Literal["source", "target"], *, overwrite: bool
) -> "Iterator[Journal]":
    """Keep translations in a file next to the model, so that the same command continues after an interruption.

    The file has a JSON object per line, which commands also read as pairs. Translations in it are used again if the
    same models wrote them with the same search.

    Args:
        out: path of the model file.
        writer: the models that write.
        side: the side that they write.
        overwrite: whether a file that other models wrote, or another program, is replaced.

    Raises:
        OutputError: if the file cannot be written, or exists and must not be replaced.
    """
    from passerelle.synthetic.block_translation import Journal

    path = Path(out).with_suffix(SUFFIX)
    line_format = LineFormat(start=f'{{"by": "{writer.key}", '.encode())
    usable = _has_format(path, line_format)
    if not usable:
        require_absent([path], overwrite=overwrite)
    given = "target" if side == "source" else "source"
    with (
        open_output(str(path), resume=usable, overwrite=not usable, line_format=line_format) as output,
        TranslationDisplay.open() as display,
    ):
        known = _known(path, given, side) if usable else {}
        output.begin()

        def keep(translations: "Mapping[Text, str]") -> None:
            output.write("".join(line(text, written) for text, written in translations.items()))

        def line(text: "Text", written: str) -> str:
            sides = {given: text[0], side: written}
            row = {"by": writer.key, "source": sides["source"], "target": sides["target"]}
            return json_line(row | ({"tags": text[1]} if writer.tagged else {})) + "\n"

        try:
            yield Journal(known, keep, display.show)
        except KeyboardInterrupt:
            note(f"the translations so far are in {path}; the same command uses them again")
            raise


def _has_format(path: Path, line_format: LineFormat) -> bool:
    """Return whether a file exists in which each complete line has this format."""
    try:
        with open(path, "rb") as stream:
            line_format.count_complete(stream, str(path))
    except (OSError, OutputError):
        return False
    return True


def _known(path: Path, given: str, side: str) -> "dict[Text, str]":
    """Return the translations in a file, by text.

    Raises:
        OutputError: if a line was changed.
    """
    known = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            row = json.loads(line)
            text, tags, written = row[given], row.get("tags", ""), row[side]
            if not all(isinstance(value, str) for value in (text, tags, written)):
                raise ValueError("not a text")
        except (ValueError, KeyError, AttributeError):
            raise OutputError(f"{path}, line {number} is damaged. Remove the file.") from None
        known[text, tags] = written
    return known


def note_synthetic(facts: Mapping[str, Any]) -> None:
    """Report the number of synthetic pairs, and of texts that were left out."""
    texts = "sources" if "sources" in facts else "targets"
    left_out = {
        "left_out_validation": "in the validation pairs",
        "left_out_time": "for lack of time",
        "left_out_unusable": "with a translation that is empty, cut off or has an unknown token",
    }
    parts = [f"{facts[name]:,} {reason}" for name, reason in left_out.items() if facts[name]]
    note(
        f"{facts['pairs']:,} synthetic pairs from {facts[texts]:,} {texts}, and {facts['references']:,} with references"
        f"{'; left out: ' if parts else ''}{', '.join(parts)}"
    )
