"""Reading pairs from each kind of file: time and peak memory, each in a process of its own.

    python benchmarks/files.py --pairs 100000 1000000

Pairs are the phrasebook's, over and over, with a number appended to both sides; the files are made in a temporary
folder, the same every time. Kinds whose library is absent are left out.
"""

import argparse
import csv
import gzip
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import escape

import passerelle

FORMATS = ("tsv", "tsv.gz", "moses", "jsonl", "csv", "po", "tmx", "parquet")
_ROWS = 50_000
"""In a row group of Parquet, and in memory while the file is made."""


def main() -> None:
    """Makes the files, has each read, and prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--formats", nargs="+", default=FORMATS, choices=FORMATS)
    parser.add_argument("--read", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        _read(arguments.read)
        return
    print("| format | pairs | MB | seconds | pairs a second | peak memory, MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for count in arguments.pairs:
        for kind in arguments.formats:
            if kind != "parquet" or importlib.util.find_spec("pyarrow"):
                _measure(kind, count)


def made_pairs(count: int) -> Iterator[tuple[str, str]]:
    """The first `count` pairs of an endless list, all distinct."""
    for number, (source, target) in enumerate(islice(cycle(passerelle.phrasebook()), count)):
        yield f"{source} {number}", f"{target} {number}"


def write(
    kind: str, folder: Path, pairs: Iterable[tuple[str, str]], columns: tuple[str, str] = ("source", "target")
) -> list[Path]:
    """Writes the pairs as one kind of file, its columns so called, into `folder`; returns the path, or both paths."""
    if kind == "moses":
        paths = [folder / "pairs.en", folder / "pairs.fr"]
        with open(paths[0], "w", encoding="utf-8") as left, open(paths[1], "w", encoding="utf-8") as right:
            for source, target in pairs:
                left.write(f"{source}\n")
                right.write(f"{target}\n")
        return paths
    path = folder / f"pairs.{kind}"
    if kind == "parquet":
        _write_parquet(path, iter(pairs), columns)
        return [path]
    with _opened(path) as stream:
        if kind == "csv":
            csv.writer(stream).writerow(columns)
            csv.writer(stream).writerows(pairs)
            return [path]
        if kind == "tmx":
            stream.write('<tmx version="1.4"><header srclang="en"/><body>\n')
        for source, target in pairs:
            stream.write(_text(kind, source, target, columns))
        if kind == "tmx":
            stream.write("</body></tmx>\n")
    return [path]


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "wt", encoding="utf-8")
    return open(path, "w", encoding="utf-8", newline="")


def _text(kind: str, source: str, target: str, columns: tuple[str, str]) -> str:
    quoted = [json.dumps(text, ensure_ascii=False) for text in (source, target)]
    if kind == "jsonl":
        return f'{{"{columns[0]}": {quoted[0]}, "{columns[1]}": {quoted[1]}}}\n'
    if kind == "po":
        return f"#: made.c\nmsgid {quoted[0]}\nmsgstr {quoted[1]}\n\n"
    if kind == "tmx":
        left, right = (
            f'<tuv xml:lang="{language}"><seg>{escape(text)}</seg></tuv>'
            for language, text in (("en", source), ("fr", target))
        )
        return f"<tu>{left}{right}</tu>\n"
    return f"{source}\t{target}\n"


def _write_parquet(path: Path, pairs: Iterator[tuple[str, str]], columns: tuple[str, str]) -> None:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    schema = pyarrow.schema([(column, pyarrow.string()) for column in columns])
    with ParquetWriter(path, schema) as writer:
        while rows := list(islice(pairs, _ROWS)):
            writer.write_table(pyarrow.table(list(zip(*rows, strict=True)), schema=schema))


def _measure(kind: str, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = write(kind, Path(folder), made_pairs(count))
        size = sum(path.stat().st_size for path in paths) / 1e6
        command = [sys.executable, __file__, "--read", *map(str, paths)]
        found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    if found["pairs"] != count:
        raise SystemExit(f"{kind}: {found['pairs']} pairs read of {count}")
    print(
        f"| {kind} | {count:,} | {size:.1f} | {found['seconds']:.2f} | {count / found['seconds']:,.0f} | "
        f"{found['peak'] / 1e6:.0f} |",
        flush=True,
    )


def _read(paths: list[str]) -> None:
    """Reads one file, or two side by side, and prints what it took as JSON."""
    import passerelle.data.pairs  # not timed

    start = time.perf_counter()
    pairs = passerelle.data.pairs.read_pairs(paths)
    seconds = time.perf_counter() - start
    print(json.dumps({"pairs": len(pairs), "seconds": seconds, "peak": _peak()}))


def _peak() -> int:
    """Most bytes that this process has held, on Linux; `getrusage` would count those of the one that began it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(re.findall(r"^VmHWM:\s*(\d+) kB$", status, flags=re.MULTILINE)[0])


if __name__ == "__main__":
    main()
