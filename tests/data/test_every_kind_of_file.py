"""All formats in all encodings, with all line ends, plain and packed, yield the same pairs."""

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from passerelle.data.reading import read_pairs

PAIRS = [("I see the dog.", "Je vois le chien."), ("Go, now!", "Va,\u202fvite !"), ("Где вокзал?", "火车站在哪里？")]
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
ENDS = ("\n", "\r\n", "\r", "\r\r\n")


def table(*rows: tuple[str, ...], separator: str = "\t") -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def tmx(encoding: str) -> str:
    units = (
        f'<tu>\n<tuv xml:lang="en"><seg>{source}</seg></tuv>\n<tuv xml:lang="fr"><seg>{target}</seg></tuv></tu>\n'
        for source, target in PAIRS
    )
    return f'<?xml version="1.0" encoding="{encoding}"?>\n<tmx version="1.4"><body>\n{"".join(units)}</body></tmx>\n'


OBJECTS = [{"id": 1, "en": source, "fr": target} for source, target in PAIRS]
LINES = "".join(f"{source}\t{target}\n" for source, target in PAIRS)
SOURCES, TARGETS = ("".join(f"{text}\n" for text in side) for side in zip(*PAIRS, strict=True))
FORMATS: dict[str, tuple[str, str, dict[str, str]]] = {
    "tab-separated": ("txt", LINES, {}),
    "with a header": ("tsv", f"English\t French\n{LINES}", {"columns": "English,French"}),
    "Tatoeba": ("tsv", "".join(f"{n}\t{a}\t{n}\t{b}\n" for n, (a, b) in enumerate(PAIRS)), {"columns": "2,4"}),
    "Anki": ("txt", f"#separator:tab\n#html:true\n{LINES}", {}),
    "CSV": ("csv", table(("source", "target"), *PAIRS, separator=","), {}),
    "CSV with numbers": ("csv", table(*((b, a) for a, b in PAIRS), separator=";"), {"columns": "2,1"}),
    "CSV of Excel": ("csv", "sep=;\n" + table(("source", "target"), *PAIRS, separator=";"), {}),
    "JSON Lines": ("jsonl", "".join(json.dumps(row) + "\n" for row in OBJECTS), {"columns": "en,fr"}),
    "JSON objects": ("json", json.dumps(OBJECTS, indent=1, ensure_ascii=False), {"columns": "en,fr"}),
    "JSON pairs": ("json", json.dumps(PAIRS, indent=1, ensure_ascii=False), {}),
    "gettext": ("po", "".join(f'msgid "{a}"\nmsgstr "{b}"\n\n' for a, b in PAIRS), {}),
    "TMX": ("tmx", "", {}),
    "parallel": ("en", SOURCES, {}),
}


def pack_zip(raw: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("pairs", raw)
    return stream.getvalue()


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zip": pack_zip,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("format", FORMATS)
def test_the_same_pairs(tmp_path: Path, format: str, encoding: str) -> None:
    suffix, text, options = FORMATS[format]
    text = text or tmx("UTF-8" if encoding.startswith("utf-8") else "UTF-16")
    for end in ENDS:
        for packing, pack in PACKINGS.items():
            path = tmp_path / f"pairs.{suffix}{packing}"
            path.write_bytes(pack(text.replace("\n", end).encode(encoding)))
            paths = [path]
            if format == "parallel":
                paths.append(tmp_path / f"pairs.fr{packing}")
                paths[1].write_bytes(pack(TARGETS.replace("\n", end).encode(encoding)))
            assert list(read_pairs(paths, **options)) == PAIRS, (end, packing)  # type: ignore[arg-type]
