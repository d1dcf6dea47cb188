"""One set of pairs in every kind of file, told by name, by content of an archive, or by word."""

import gzip
import json
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import files as benchmark
from passerelle.data.formats import FORMATS, choose_format
from passerelle.data.pairs import read_pairs
from passerelle.errors import PasserelleError, SettingsError

ROWS = [("Go.", "Va\u202f!"), ("Run, now!", 'Il dit « "cours" ».'), ("a < b & c", "é\\n"), ("Hi.", "Salut !")]
KINDS = [kind for kind in benchmark.FORMATS if kind != "parquet"]
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters='\n\t\r"\\'), min_size=1).filter(
    str.strip
)
quick = settings(max_examples=40, deadline=None)


def named(folder: Path, kind: str, rows: Any = ROWS) -> list[Path]:
    return benchmark.write(kind, folder, iter(rows))


def refusal(*arguments: Any, **options: Any) -> str:
    with pytest.raises(PasserelleError) as caught:
        read_pairs(*arguments, **options)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_pairs(tmp_path: Path, kind: str) -> None:
    paths = named(tmp_path, kind)
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
def test_any_text_comes_back_where_it_can_be_quoted(tmp_path_factory: Any, kind: str, rows: Any) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    assert list(read_pairs(named(folder, kind, rows))) == rows


@pytest.mark.parametrize("kind", ["tsv", "jsonl", "csv", "po", "tmx"])
def test_packed_files_are_told_by_what_is_inside(tmp_path: Path, kind: str) -> None:
    (path,) = named(tmp_path, kind)
    packed = tmp_path / f"packed.{kind}.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert list(read_pairs(packed)) == ROWS
    for archive, member in (("a.zip", path.name), (f"b.{kind}.zip", "rows.txt"), ("c.ZIP", f"folder/X.{kind.upper()}")):
        with zipfile.ZipFile(tmp_path / archive, "w") as stream:
            stream.writestr("_about.txt", "credits")
            stream.write(path, member)
        assert list(read_pairs(tmp_path / archive)) == ROWS
    path.rename(tmp_path / "rows.txt")
    assert list(read_pairs(tmp_path / "rows.txt", format=kind)) == ROWS


def test_two_packed_files_side_by_side(tmp_path: Path) -> None:
    for path in named(tmp_path, "moses"):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert list(read_pairs((str(tmp_path / "pairs.en.gz"), tmp_path / "pairs.fr"))) == ROWS


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_columns_by_name_bring_texts_and_tags(tmp_path: Path, kind: str) -> None:
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
    assert "no column 'fra'. Did you mean 'fr'? Name yours in `columns`" in refusal(path, columns="en,fra")
    assert "line 1: no column 'source'. Known: en, fr, id, kind. Name yours in `columns`: " in refusal(path)
    assert refusal(path, columns="en,fr", tag_column=3).endswith("Name it in `columns`: source,target,tags")
    assert "third column named" in refusal(path, columns="en,fr,kind", tag_column=4)
    assert "no column 'source'" in refusal(path, tag_column=3)


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("x.tsv", {"format": "josnl"}, "unknown format 'josnl'. Did you mean 'jsonl'?"),
        ("x.tsv", {"columns": "a,b"}, "tsv has no names to choose by, received: columns a, b. Others: jsonl, csv,"),
        ("x.po", {"tag_column": 3}, "po has no column for tags. Others have: tsv, jsonl, csv, parquet."),
        ("x.tmx", {"columns": "a,b,c"}, "tmx has no column for tags."),
        ("x.tmx", {"columns": "en"}, "columns must name two languages, each another, received: en"),
        ("x.csv", {"columns": "a"}, "columns must name columns of source, target and, if wanted, tags, each another"),
        ("x.csv", {"columns": "a,a"}, "columns must name"),
        ("x.csv", {"columns": "a,"}, "columns must name"),
        ("x.csv", {"columns": "a,b,c,d"}, "columns must name"),
        ("x.csv", {"tag_column": 2}, "tags stand in column 3 or later, received: 2."),
        ("x.txt", {"format": "moses"}, "moses is two files, source and target, received: one. Name both:"),
        (("a.tsv", "b.tsv"), {}, "two files side by side are lines of text, not tsv. Name one file, or format 'moses'"),
        (("a.en", "b.fr"), {"format": "csv"}, "two files side by side are lines of text, not csv."),
        (("a.en", "a.en"), {}, "a.en is named twice."),
        (("a", "b", "c"), {}, "pairs stand in one file, or in two side by side, received: 3 files"),
        ((), {}, "pairs stand in one file, or in two side by side, received: 0 files"),
        (("a.en", "b.fr"), {"tag_column": 3}, "moses has no column for tags."),
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_go_together_is_refused_unread(path: Any, options: Any, message: str) -> None:
    with pytest.raises(SettingsError):
        read_pairs(path, **options)
    assert refusal(path, **options).startswith(message)


@pytest.mark.parametrize("kind", KINDS)
def test_empty_files_and_missing_ones(tmp_path: Path, kind: str) -> None:
    paths = named(tmp_path, kind, [])
    for path in paths:
        path.write_bytes(b"")
    name = " + ".join(map(str, paths))
    needs = FORMATS["moses" if kind == "moses" else kind.split(".")[0]].needs
    assert refusal(paths) == f"{name} holds no pairs (it is empty). {needs}"
    paths[0].unlink()
    assert refusal(paths).startswith(f"{paths[0]}: no such file. Check the path")


@pytest.mark.parametrize("kind", ["tsv", "moses", "jsonl", "csv", "po"])
def test_bytes_that_are_not_utf8_say_where(tmp_path: Path, kind: str) -> None:
    paths = named(tmp_path, kind, [("one", "un"), ("summer", "été")])
    paths[-1].write_bytes(paths[-1].read_text(encoding="utf-8").encode("latin-1"))
    message = refusal(paths)
    assert message.startswith(f"{paths[-1]}, line ")
    assert "(0xe9) is not UTF-8. Save the file as UTF-8" in message


@pytest.mark.parametrize("kind", ["tsv", "moses", "jsonl", "csv"])
def test_blank_sides_are_counted(tmp_path: Path, kind: str) -> None:
    rows = [("a", "b"), (" ", "x"), ("y", ""), ("\u00a0", "\u2003"), ("c", "d")]
    pairs = read_pairs(named(tmp_path, kind, rows))
    assert (list(pairs), pairs.blank) == ([("a", "b"), ("c", "d")], 3)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "tsv.gz"])
def test_a_limit_stops_the_reading_where_it_is_reached(tmp_path: Path, kind: str) -> None:
    paths = named(tmp_path, kind, benchmark.made_pairs(5000))
    for path in paths:
        with open(path, "ab") as stream:
            stream.write(b"\xff\n")
    assert len(read_pairs(paths, limit=4)) == 4
    assert "line " in refusal(paths)


@pytest.mark.parametrize("kind", KINDS)
def test_readers_hold_no_more_of_a_longer_file(tmp_path: Path, kind: str) -> None:
    peaks = []
    for count in (4000, 16000):
        file = choose_format(named(tmp_path, kind, benchmark.made_pairs(count)))
        tracemalloc.start()
        try:
            assert sum(1 for row in file.rows()) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 50_000


def test_values_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"source": "a", "target": "b"}\n{"source": null, "target": "b"}\n{"source": "a", "target": 5}\n')
    assert refusal(path) == f"{path}, line 3: expected a text, received: 5. Write it as a string."
    assert list(read_pairs(path, limit=1)) == [("a", "b")]
