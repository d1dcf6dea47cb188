"""JSON arrays: one element at a time, of objects or of pairs."""

import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.data.readers.json_array import read_json
from passerelle.data.reading import read_pairs
from passerelle.errors import DataError

ROWS = [("Go.", "Va !"), ('a "b" [{,', "é\\n\t"), ("c", "d" * 70_000)]
OBJECTS = [{"id": 5, "source": source, "target": target} for source, target in ROWS]
COLUMNS = ("source", "target")


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(OBJECTS),
        json.dumps(OBJECTS, ensure_ascii=False, indent=2),
        json.dumps(ROWS),
        "\n".join(map(json.dumps, OBJECTS)),
        "\n\n".join(map(json.dumps, ROWS)) + "\n",
        " [\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n",
    ],
    ids=["objects", "indented", "pairs", "objects by line", "pairs by line", "a pair by line"],
)
def test_rows(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pairs.json"
    path.write_text(text, encoding="utf-8")
    assert list(read_pairs(path)) == ROWS
    assert [row.number for row in read_json(path, COLUMNS)] == [1, 2, 3]


def test_columns_by_name_and_number(tmp_path: Path) -> None:
    path = tmp_path / "pairs.json"
    path.write_text('[{"id": "1", " en ": "a", "fr": "b"}]')
    assert list(read_pairs(path, columns="fr,en")) == list(read_pairs(path, columns="3,2")) == [("b", "a")]
    path.write_text('[["1", "a", "2", "b", "N"]]')
    assert list(read_pairs(path, columns="2,4,5").rows()) == [("a", "b", "N")]


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(st.text(), st.text())), indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_any_texts(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], indent: int | None, ascii_only: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(json.dumps(rows, indent=indent, ensure_ascii=ascii_only).encode())
    assert [(row.source, row.target) for row in read_json(path, COLUMNS)] == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"source": "a"', ", row 1: not JSON ("),
        ('[["a", "b"], ["c" "d"], ' + '["e", "f"], ' * 9, ", row 2: not JSON (Expecting ',' delimiter): '["),
        ('[["a", "b"]', ": the file ends inside the array. Get a complete copy of it."),
        ('[["a", "b"] ["c", "d"]]', ", after row 1: no comma between two elements of the array."),
        ('[["a", "b"]] x', ": text after the end of the array."),
        ('[["a", "b"], 5]', ", row 2: neither an object nor a pair: '5'. Each row must be like "),
        ('[["a"]]', ", row 1: neither an object nor a pair: \"['a']\"."),
        ('[{"data": []}]', ", row 1: no column 'source'. Known: data."),
        ('["\\ud800", "b"]', ", row 1: '\\ud800' is a lone surrogate"),
        ("[" * 100_000, ", row 1: not JSON (nested too deeply): '[[["),
        ("a\tb\n", ", row 1: not JSON (Expecting value): 'a\\tb\\n'."),
        ("[]", " contains no pairs (it is empty). It must contain an array of objects or of pairs."),
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_errors(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "pairs.json"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_pairs(path)
    assert str(caught.value).startswith(f"{path}{message}")
    assert len(str(caught.value)) < 400


def test_an_invalid_element_is_found_before_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pairs.json"
    path.write_text('[["a", "b"], ["c" "d"], ' + '["e", "f"], ' * 500_000)
    tracemalloc.start()
    with pytest.raises(DataError, match="row 2"):
        read_pairs(path)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()
