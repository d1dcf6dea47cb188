"""Writing pairs to tab-separated files, which `read_pairs` reads again."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from passerelle.data.pairs import Pairs
from passerelle.data.writing import prepare_folder, write_atomically
from passerelle.errors import DataError

__all__ = ["split_paths", "write_pairs", "write_split"]


def write_pairs(path: str | os.PathLike[str], pairs: Iterable[tuple[str, ...]]) -> None:
    """Write pairs, with their tags if they have any, to a tab-separated UTF-8 file, atomically.

    Several outputs have a column each, which is empty where a pair does not have the output.

    Raises:
        DataError: if a text contains a tab, a line end or NUL, which the format cannot represent.
        OutputError: if the file cannot be written.
    """

    def write(stream: BinaryIO) -> None:
        for pair in pairs.flat_rows() if isinstance(pairs, Pairs) else pairs:
            if any(character in text for text in pair for character in "\t\n\r\0"):
                raise DataError(
                    f"texts with a tab, a line end or NUL cannot be written as tab-separated pairs, received: "
                    f"{pair!r:.80}"
                )
            stream.write("\t".join(pair).encode() + b"\n")

    write_atomically(path, write)


def write_split(folder: str | os.PathLike[str], training: Pairs, validation: Pairs) -> tuple[Path, Path]:
    """Write `train.tsv` and `validation.tsv` into `folder`, which is created if necessary, and return their paths."""
    paths = split_paths(prepare_folder(folder))
    write_pairs(paths[0], training)
    write_pairs(paths[1], validation)
    return paths


def split_paths(folder: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Return the paths that `write_split` writes."""
    return Path(folder, "train.tsv"), Path(folder, "validation.tsv")
