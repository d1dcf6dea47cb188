"""The same pairs in all file formats, recognized by file name, by a name inside an archive, or requested."""

import gzip
import json
import os
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import files as benchmark
from passerelle.data.formats import FORMATS, base_name, choose_format
from passerelle.data.reading import read_pairs
from passerelle.errors import PasserelleError, SettingsError

ROWS = [("Go.", "Va\u202f!"), ("Run, now!", 'Il dit « "cours" ».'), ("a < b & c", "é\\n"), ("Hi.", "Salut !")]
KINDS = [kind for kind in benchmark.FORMATS if kind != "parquet"]
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters='\n\t\r"\\'), min_size=1).filter(
    str.strip
)
quick = settings(max_examples=40, deadline=None)


def write(folder: Path, kind: str, rows: Any = ROWS) -> list[Path]:
    return benchmark.write(kind, folder, iter(rows))


def error_of(*arguments: Any, **options: Any) -> str:
    with pytest.raises(PasserelleError) as caught:
        read_pairs(*arguments, **options)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize("kind", KINDS)
def test_all_formats_yield_the_same_pairs(tmp_path: Path, kind: str) -> None:
    paths = write(tmp_path, kind)
    pairs = read_pairs(paths)
    assert list(pairs) == ROWS
    assert (pairs.name, pairs.blank, pairs.skipped, pairs.tags) == (
        " + ".join(map(str, paths)),
        0,
        {},
        None,
    )
    assert list(read_pairs(tuple(paths), swap=True, limit=3)) == [(target, source) for source, target in ROWS[:3]]


@quick
@given(
    kind=st.sampled_from(["jsonl", "csv", "po"]),
    rows=st.lists(st.tuples(TEXT, TEXT), min_size=2),
)
def test_quoted_texts_are_read_back(tmp_path_factory: Any, kind: str, rows: Any) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    assert list(read_pairs(write(folder, kind, rows))) == rows


@pytest.mark.parametrize("kind", ["tsv", "jsonl", "csv", "po", "tmx"])
def test_compressed_files_are_recognized_by_the_name_inside(tmp_path: Path, kind: str) -> None:
    (path,) = write(tmp_path, kind)
    compressed = tmp_path / f"compressed.{kind}.gz"
    compressed.write_bytes(gzip.compress(path.read_bytes()))
    assert list(read_pairs(compressed)) == ROWS
    for archive, member in (("a.zip", path.name), (f"b.{kind}.zip", "rows.txt"), ("c.ZIP", f"folder/X.{kind.upper()}")):
        with zipfile.ZipFile(tmp_path / archive, "w") as stream:
            stream.writestr("_about.txt", "credits")
            stream.write(path, member)
        assert list(read_pairs(tmp_path / archive)) == ROWS
    path.rename(tmp_path / "rows.txt")
    assert list(read_pairs(tmp_path / "rows.txt", format=kind)) == ROWS


def test_two_compressed_parallel_files(tmp_path: Path) -> None:
    for path in write(tmp_path, "moses"):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert list(read_pairs((str(tmp_path / "pairs.en.gz"), tmp_path / "pairs.fr"))) == ROWS


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_texts_and_tags_of_named_columns(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"pairs.{kind}"
    rows = [{"id": str(n), "fr": f"f{n}", "kind": f"N;{n}", "en": f"e{n}"} for n in range(3)]
    if kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text("\n".join([",".join(rows[0]), *[",".join(row.values()) for row in rows]]))
    plain = read_pairs(path, columns=("en", "fr"))
    assert (list(plain), plain.tags) == ([("e0", "f0"), ("e1", "f1"), ("e2", "f2")], None)
    for tags in (None, 3):
        tagged = read_pairs(path, columns="en, fr,kind", tag_column=tags, swap=True)
        assert list(tagged.rows())[:2] == [("f0", "e0", "N;0"), ("f1", "e1", "N;1")]
    assert "no column 'fra'. Did you mean 'fr'? Name the columns in `columns`" in error_of(path, columns="en,fra")
    assert "line 1: no column 'source'. Known: en, fr, id, kind. Name the columns in `columns`: " in error_of(path)
    assert error_of(path, columns="en,fr", tag_column=3).endswith("Name three columns: source,target,tags")
    assert "tags are read from the third column in `columns`" in error_of(path, columns="en,fr,kind", tag_column=4)
    assert "no column 'source'" in error_of(path, tag_column=3)


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("x.tsv", {"format": "josnl"}, "unknown format 'josnl'. Did you mean 'jsonl'?"),
        ("x.po", {"columns": "a,b"}, "format po has no columns, received: columns a, b. Leave columns out, or use "),
        ("x.tsv", {"columns": "0,1"}, "columns are numbered from 1, received: 0, 1"),
        ("x.tsv", {"columns": "2,4", "tag_column": 3}, "with columns, tags are read from the third column in"),
        ("x.po", {"tag_column": 3}, "format po has no tags. Formats with tags: tsv, jsonl, json, csv, anki, parquet."),
        ("x.tmx", {"columns": "a,b,c"}, "format tmx has no tags."),
        ("x.tmx", {"columns": "en"}, "columns must be different names of two languages, received: en"),
        ("x.csv", {"columns": "a"}, "columns must be different names of source, target and optionally tags"),
        ("x.csv", {"columns": "a,a"}, "columns must be different names of"),
        ("x.csv", {"columns": "a,"}, "columns must be different names of"),
        ("x.csv", {"columns": "a,b,c,d"}, "columns must be different names of"),
        ("x.csv", {"tag_column": 2}, "tag_column must be at least 3 (after source and target), received: 2"),
        ("x.txt", {"format": "moses"}, "format moses requires two files, source and target, received: one."),
        (("a.tsv", "b.tsv"), {}, "two parallel files must be plain text, not tsv. Name one file, or format 'moses'"),
        (("a.en", "b.fr"), {"format": "csv"}, "two parallel files must be plain text, not csv."),
        (("a.en", "a.en"), {}, "a.en is named twice."),
        (("a", "b", "c"), {}, "pairs are read from one file or from two parallel files, received: 3 files"),
        ((), {}, "pairs are read from one file or from two parallel files, received: 0 files"),
        (("a.en", "b.fr"), {"tag_column": 3}, "format moses has no tags."),
    ],
    ids=str,
)  # fmt: skip
def test_invalid_options_are_refused_before_reading(path: Any, options: Any, message: str) -> None:
    with pytest.raises(SettingsError):
        read_pairs(path, **options)
    assert error_of(path, **options).startswith(message)


@pytest.mark.parametrize("kind", KINDS)
def test_empty_files_and_missing_ones(tmp_path: Path, kind: str) -> None:
    paths = write(tmp_path, kind, [])
    for path in paths:
        path.write_bytes(b"")
    name = " + ".join(map(str, paths))
    requirement = FORMATS["moses" if kind == "moses" else kind.split(".")[0]].requirement
    assert error_of(paths) == f"{name} contains no pairs (it is empty). {requirement}"
    paths[0].unlink()
    assert error_of(paths).startswith(f"{paths[0]}: no such file. Check the path")


@pytest.mark.parametrize("kind", ["tsv", "moses", "jsonl", "csv", "po"])
def test_invalid_utf8_names_file_and_line(tmp_path: Path, kind: str) -> None:
    paths = write(tmp_path, kind, [("one", "un"), ("summer", "été")])
    paths[-1].write_bytes(paths[-1].read_text(encoding="utf-8").encode("latin-1"))
    message = error_of(paths)
    assert message.startswith(f"{paths[-1]}, line ")
    assert "(0xe9) is not UTF-8; it is probably WINDOWS-1252. Convert the file: iconv -f WINDOWS-1252" in message


@pytest.mark.parametrize("kind", ["tsv", "moses", "jsonl", "csv"])
def test_blank_sides_are_counted(tmp_path: Path, kind: str) -> None:
    rows = [("a", "b"), (" ", "x"), ("y", ""), ("\u00a0", "\u2003"), ("c", "d")]
    pairs = read_pairs(write(tmp_path, kind, rows))
    assert (list(pairs), pairs.blank) == ([("a", "b"), ("c", "d")], 3)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "tsv.gz"])
def test_a_limit_stops_reading(tmp_path: Path, kind: str) -> None:
    paths = write(tmp_path, kind, benchmark.generate_pairs(5000))
    for path in paths:
        with open(path, "ab") as stream:
            stream.write(b"\xff\n")
    assert len(read_pairs(paths, limit=4)) == 4
    assert "line " in error_of(paths)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_readers_need_constant_memory(tmp_path: Path, kind: str) -> None:
    peaks = []
    for count in (4000, 16000):
        file = choose_format(write(tmp_path, kind, benchmark.generate_pairs(count)))
        tracemalloc.start()
        try:
            assert sum(1 for row in file.rows()) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 50_000


def test_values_that_are_not_strings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"source": "a", "target": "b"}\n{"source": null, "target": "b"}\n{"source": "a", "target": 5}\n')
    assert error_of(path) == f"{path}, line 3: expected a text, received: 5. Write it as a string."
    assert list(read_pairs(path, limit=1)) == [("a", "b")]


@pytest.mark.parametrize(
    ("paths", "name"),
    [
        (["pairs.tsv"], "pairs"),
        (["data/pairs.v2.tsv.gz"], "pairs.v2"),
        (["en-fr.v1.2.tsv"], "en-fr.v1.2"),
        (["Pairs.TXT.XZ"], "Pairs"),
        (["a.jsonl.zst"], "a"),
        (["a.parquet"], "a"),
        (["pairs.v2"], "pairs.v2"),
        (["pairs"], "pairs"),
        ([".tsv"], ".tsv"),
        (["train.en", "train.fr"], "train.en-fr"),
        (["train.en.gz", "train.fr.gz"], "train.en-fr"),
        (["a.en", "b.fr"], "a.en-b.fr"),
        (["-"], "model"),
        (["/dev/stdin"], "model"),
        ([os.devnull], "model"),
    ],
)
def test_base_names(paths, name):
    assert base_name(paths) == name
