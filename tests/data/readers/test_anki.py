"""Anki's exports: header lines, columns that are not fields, quotes and HTML."""

from pathlib import Path

import pytest

from passerelle.data.readers.anki import is_anki_header, plain_text
from passerelle.data.reading import read_pairs
from passerelle.errors import DataError


def pairs_of(path: Path, content: str, **options: object) -> list[tuple[str, str]]:
    path.write_text(content, encoding="utf-8", newline="")
    return [tuple(pair) for pair in read_pairs(path, **options)]  # type: ignore[misc]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.txt"


def test_fields_of_notes(path: Path) -> None:
    content = (
        "#separator:tab\n#html:true\n#guid column:1\n#notetype column:2\n#deck column:3\n#tags column:6\n"
        "g1\tBasic\tFrench\t<b>Go</b>.\tVa&nbsp;!\tverbs\n"
        'g2\tBasic\tFrench\t"He said ""hi""<br>\nto me."\t[sound:a.mp3]Il m\'a dit &lt;salut&gt;\t\n'
    )
    expected = [("Go.", "Va\u00a0!"), ('He said "hi" to me.', "Il m'a dit <salut>")]
    assert pairs_of(path, content) == expected
    assert pairs_of(path, content, columns="2,1") == [pair[::-1] for pair in expected]
    assert read_pairs(path, tag_column=3).tags == ["g1", "g2"], "the other columns follow the fields"
    named = content.replace("#html:true\n", "#html:true\n#columns:id\ttype\tdeck\tFront\tBack\tTags\n")
    assert pairs_of(path, named, columns="Front,Back") == expected
    assert read_pairs(path, columns="Front,Back,Tags").tags == ["verbs", ""]


@pytest.mark.parametrize(
    ("name", "separator"), [("tab", "\t"), ("Comma", ","), ("semicolon", ";"), ("pipe", "|"), (";", ";"), ("\t", "\t")]
)
def test_separators(path: Path, name: str, separator: str) -> None:
    assert pairs_of(path, f"#separator:{name}\r\n#html:false\r\na <b>{separator}c &lt\r\n") == [("a <b>", "c &lt")]


def test_a_file_without_header_lines_is_read_on_request(path: Path) -> None:
    assert pairs_of(path, 'a<br>b\t"c ""d"""\tx\n', format="anki") == [("a b", 'c "d"')]
    assert not is_anki_header("#tag: x")
    assert not is_anki_header("# separator")


def test_too_few_fields(path: Path) -> None:
    with pytest.raises(DataError) as caught:
        pairs_of(path, "#separator:tab\na\tb\nc\n")
    assert str(caught.value).startswith(f"{path}, line 3: 1 fields, but field 2 is read. ")
    with pytest.raises(DataError, match="no column 'Front'"):
        pairs_of(path, "#separator:tab\na\tb\n", columns="Front,Back")


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("a < b > c", "a < b > c"),
        ("<div>one</div><div>two</div>", "one two"),
        ('<span style="color:red">r</span>ed', "red"),
        ("x<!-- <b> -->y<style>.a {}</style>", "xy"),
        ("Il est l&#224;&nbsp;!", "Il est là\u00a0!"),
    ],
)
def test_html(field: str, text: str) -> None:
    assert plain_text(field) == text
