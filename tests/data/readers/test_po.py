"""Gettext catalogues: the same messages as polib and msgfmt read."""

import gettext
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.data.readers.po import read_po
from passerelle.data.reading import read_pairs
from passerelle.errors import DataError

CATALOGUE = r"""# Translators are named here.
#, fuzzy
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n<5 ? 1 : 2);\n"

#. for translators
#: main.c:12
#, c-format
msgid "Open %s"
msgstr "Ouvrir %s"

#, c-format, fuzzy
#| msgid "Shut"
msgid "Close"
msgstr "Fermé"

msgctxt "menu"
msgid "File"
msgstr "Fichier"
msgid ""
"Two\n"
"lines, \"quoted\"\t\\n"
msgstr ""
"Deux\n"
"lignes, « é »"
#, fuzzy-looking
msgid "%d day"
msgid_plural "%d days"
msgstr[0] "%d dzień"
msgstr[1] "%d dni"
msgstr[2] ""

msgid "Not yet"
msgstr ""

#~ msgid "Old"
#~ msgstr "Vieux"

#, fuzzy
#~| msgid "Elder"
#~ msgid "Older"
#~ msgstr ""
#~ "Plus "
#~ "vieux"
"""
GOLDEN = [  # as read by polib 1.2.0, with plural form 0 paired with msgid and the others with msgid_plural
    (11, "Open %s", "Ouvrir %s", ""),
    (16, "Close", "Fermé", "fuzzy"),
    (19, "File", "Fichier", ""),
    (22, 'Two\nlines, "quoted"\t\\n', "Deux\nlignes, « é »", ""),
    (29, "%d day", "%d dzień", ""),
    (29, "%d days", "%d dni", ""),
    (29, "%d days", "", "untranslated"),
    (35, "Not yet", "", "untranslated"),
    (38, "Old", "Vieux", "obsolete"),
    (43, "Older", "Plus vieux", "obsolete"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "fr.po"
    path.write_text(CATALOGUE, encoding="utf-8")
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_messages(path: Path, end: str) -> None:
    path.write_bytes(CATALOGUE.replace("\n", end).encode())
    rows = [(row.number, row.source, row.target, row.skipped) for row in read_po(path)]
    assert rows == GOLDEN


def test_skipped_messages_are_counted(path: Path) -> None:
    pairs = read_pairs(path)
    assert list(pairs) == [golden[1:3] for golden in GOLDEN if not golden[3]]
    assert (pairs.blank, pairs.skipped) == (0, {"fuzzy": 1, "untranslated": 2, "obsolete": 2})
    path.write_text(
        CATALOGUE[: CATALOGUE.index("#. for")]
        + CATALOGUE[CATALOGUE.index("#, c-format, fuzzy") : CATALOGUE.index("msgctxt")],
        encoding="utf-8",
    )
    with pytest.raises(DataError) as caught:
        read_pairs(path)
    assert str(caught.value) == (f"{path} contains no pairs (fuzzy: 1). Each message needs msgid and msgstr.")


@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="msgfmt, of GNU gettext, is not installed")
def test_same_messages_as_msgfmt(path: Path) -> None:
    subprocess.run(["msgfmt", "-o", path.with_suffix(".mo"), path], check=True, capture_output=True)
    with open(path.with_suffix(".mo"), "rb") as stream:
        catalogue = gettext.GNUTranslations(stream)
    plural = 0
    for source, target in read_pairs(path):
        if source.startswith("%d"):
            assert catalogue.ngettext("%d day", "%d days", 1 + plural) == target
            plural += 1
        elif source == "File":
            assert catalogue.pgettext("menu", source) == target
        else:
            assert catalogue.gettext(source) == target
    assert plural == 2
    with pytest.raises(KeyError):
        catalogue._catalog["Close"]  # pyright: ignore[reportAttributeAccessIssue]


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_numeric_escapes_are_utf8_bytes(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "escaped.po"
    lines = []
    for text in texts:
        octal = "".join(f"\\{byte:03o}" for byte in text.encode())
        hexadecimal = "".join(f"\\x{byte:02X}" for byte in text.encode())
        lines.append(f'msgid "a{octal}7"\nmsgstr "{hexadecimal}\\a\\\'"\n')
    path.write_text("".join(lines))
    assert [(row.source, row.target) for row in read_po(path)] == [(f"a{text}7", f"{text}\a'") for text in texts]


@pytest.mark.parametrize(
    ("content", "line", "text"),
    [
        ('msgid "a"\nmsgstr b\n', 2, "msgstr b"),
        ('msgid "a"\nmsgstr "b"c"\n', 2, 'msgstr "b"c"'),
        ('msgid "a"\nmsgstr "b\n', 2, 'msgstr "b'),
        ('"a"\n', 1, '"a"'),
        ("a\tb\n", 1, "a\tb"),
        ('msgid "a"\nmsgid "b"\nmsgstr "c"\n', 2, 'msgid "b"'),
    ],
)
def test_invalid_lines(path: Path, content: str, line: int, text: str) -> None:
    assert error_of(path, content) == (
        f'{path}, line {line}: not part of a message: {text!r}. Each message needs msgid "..." and msgstr "..."; '
        f"check the file with msgfmt --check."
    )


def test_truncated_files_and_other_encodings(path: Path) -> None:
    assert error_of(path, 'msgid "a"\nmsgstr "b"\n\n#, c\nmsgid "d"\n') == (
        f"{path}, line 5: the file ends inside this message. Get a complete copy of it."
    )
    assert error_of(path, 'msgid "a"\nmsgstr "\\351"\n') == (
        f"{path}, line 2: '\\\\351' is not UTF-8. Write the character itself."
    )


def error_of(path: Path, content: str) -> str:
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        list(read_po(path))
    return str(caught.value)
