"""JSON Lines: objects are read, and errors name the line."""

from pathlib import Path

import pytest

from passerelle.data.readers.json_lines import read_json_lines
from passerelle.data.readers.row import Row
from passerelle.errors import DataError

COLUMNS = ("source", "target")
GOOD = b'{"source": "a", "target": "b"}\n'


def test_key_order_further_keys_escapes_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"target": "\\u00e9\\ud83d\\ude00", "more": [1, {"source": 2}], "source": "a\\tb\\n"}\r\n'
        b'\n{"source":null,"target":"x","source":"last"}'
    )
    assert list(read_json_lines(path, COLUMNS)) == [
        Row(1, "a\tb\n", "é😀"),
        Row(2, "", ""),
        Row(3, "last", "x"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"source": "a"', "not JSON (Expecting ',' delimiter, column 15): '{\"source\": \"a\"'. Each"),
        ("a\tb", "not JSON (Expecting value, column 1): 'a\\tb'. Each line must be one object."),
        ('["a", "b"]', 'not an object: \'["a", "b"]\'. Each line must be like {"source": "Go.", "target": "Va !"}'),
        ('"a"', "not an object: "),
        ("[" * 100_000, "not JSON (nested too deeply): "),
        ("1" * 5000, "not JSON (a number with too many digits): "),
        ("{}", "no column 'source'. The file has no column names. Name the columns in `columns`: SOURCE,TARGET"),
        ('{"source": "a", "traget": "b"}', "no column 'target'. Did you mean 'traget'? Name the columns in"),
        ('{"source": "\\ud800", "target": "b"}', "'\\ud800' is a lone surrogate, not a character. Write it as"),
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_invalid_lines(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(GOOD + line.encode())
    with pytest.raises(DataError) as caught:
        list(read_json_lines(path, COLUMNS))
    assert str(caught.value).startswith(f"{path}, line 2: {message}")
    assert len(str(caught.value)) < 300
