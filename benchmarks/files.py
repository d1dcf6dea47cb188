"""Time and peak memory of reading pairs from each file format, each in a separate process.

    python benchmarks/files.py --pairs 100000 1000000

The pairs are those of the phrasebook, repeated, with a number appended to both sides. The script writes the files to a
temporary folder; their content is deterministic. Formats whose library is not installed are skipped.
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
"""Rows per row group of Parquet."""


def main() -> None:
    """Write the files, read each in a separate process, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--formats", nargs="+", default=FORMATS, choices=FORMATS)
    parser.add_argument("--read", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        _read(arguments.read)
        return
    print("| format | pairs | MB | seconds | pairs per second | peak memory, MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for count in arguments.pairs:
        for kind in arguments.formats:
            if kind != "parquet" or importlib.util.find_spec("pyarrow"):
                _measure(kind, count)


def generate_pairs(count: int) -> Iterator[tuple[str, str]]:
    """Generate `count` distinct pairs."""
    for number, (source, target) in enumerate(islice(cycle(passerelle.phrasebook()), count)):
        yield f"{source} {number}", f"{target} {number}"


def write(
    kind: str, folder: Path, pairs: Iterable[tuple[str, str]], columns: tuple[str, str] = ("source", "target")
) -> list[Path]:
    """Write the pairs into `folder` in one format, with the column names `columns`; return the path or both paths."""
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
        paths = write(kind, Path(folder), generate_pairs(count))
        size = sum(path.stat().st_size for path in paths) / 1e6
        command = [sys.executable, __file__, "--read", *map(str, paths)]
        result = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    if result["pairs"] != count:
        raise SystemExit(f"{kind}: expected {count} pairs, read: {result['pairs']}")
    print(
        f"| {kind} | {count:,} | {size:.1f} | {result['seconds']:.2f} | {count / result['seconds']:,.0f} | "
        f"{result['peak'] / 1e6:.0f} |",
        flush=True,
    )


def _read(paths: list[str]) -> None:
    """Read one file or two parallel files, and print time and peak memory as JSON."""
    import passerelle.data.reading  # not timed

    start = time.perf_counter()
    pairs = passerelle.data.reading.read_pairs(paths)
    seconds = time.perf_counter() - start
    print(json.dumps({"pairs": len(pairs), "seconds": seconds, "peak": _peak()}))


def _peak() -> int:
    """Return the peak memory of this process in bytes (Linux); `getrusage` may count the parent process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(re.findall(r"^VmHWM:\s*(\d+) kB$", status, flags=re.MULTILINE)[0])


if __name__ == "__main__":
    main()
