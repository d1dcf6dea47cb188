"""Files that are not text: each kind is recognized by its first bytes, and named with a way to get its texts out."""

import shlex
import zipfile

from passerelle.errors import DataError

__all__ = ["START_BYTES", "refuse_archive_of_another_kind", "refuse_other_kinds"]

START_BYTES = 512
"""Number of bytes that identify a kind; a tar header is the longest."""

_UNPACK = "Unpack it, and name the text file in it"
_EXPORT_SHEET = "Open it and save the sheet as CSV (UTF-8), then name that file"
_EXPORT_TEXT = "Open it and save its texts as plain text (UTF-8), a source, a tab and a target per line"

_BY_START = (
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", f"{_UNPACK}: 7z x {{file}}"),
    (b"Rar!\x1a\x07", "a RAR archive", f"{_UNPACK}: unrar x {{file}}"),
    (b"\x1f\x9d", "a file of the program compress", "Unpack it: gzip -dc {file} > NEW"),
    (b"\x04\x22\x4d\x18", "an LZ4 file", "Unpack it: lz4 -d {file} NEW"),
    (b"LZIP\x01", "an lzip file", "Unpack it: lzip -dc {file} > NEW"),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "Export the two columns as CSV: sqlite3 -csv -header {file} 'SELECT …'",
    ),
    (b"%PDF-", "a PDF document", _EXPORT_TEXT),
    (b"{\\rtf", "a rich-text document (RTF)", _EXPORT_TEXT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of old Microsoft Office (.xls, .doc)", _EXPORT_SHEET),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "Name a file of texts"),
    (b"\x93NUMPY", "an array of NumPy", "Name a file of texts"),
    (b"\x89PNG\r\n\x1a\n", "a picture", "Name a file of texts"),
    (b"\xff\xd8\xff", "a picture", "Name a file of texts"),
    (b"GIF8", "a picture", "Name a file of texts"),
    (b"\x7fELF", "a program", "Name a file of texts"),
)

_BY_MEMBER = (
    ("xl/workbook.", "an Excel workbook", _EXPORT_SHEET),
    ("word/document.", "a Word document", _EXPORT_TEXT),
    ("ppt/presentation.", "a PowerPoint presentation", _EXPORT_TEXT),
    (
        "collection.anki2",
        "an Anki deck",
        "Import it into Anki, export the notes with File > Export > Notes in Plain Text (.txt), and name that file",
    ),
    ("Index/Document.iwa", "a document of Apple's Numbers, Pages or Keynote", _EXPORT_SHEET),
    ("model.weights.h5", "a Keras model", "Name a file of texts"),
)

_BY_MIME_TYPE = (
    (b"application/vnd.oasis.opendocument.spreadsheet", "an OpenDocument spreadsheet", _EXPORT_SHEET),
    (b"application/vnd.oasis.opendocument.", "an OpenDocument file", _EXPORT_TEXT),
    (b"application/epub+zip", "an EPUB book", _EXPORT_TEXT),
)


def refuse_other_kinds(start: bytes, name: str) -> None:
    """Raise a `DataError` if a file with these first bytes is of a kind that contains no text to read.

    Args:
        start: the first `START_BYTES` bytes of the (unpacked) file.
        name: the file's name, for the message.
    """
    for magic, kind, advice in _BY_START:
        if start.startswith(magic):
            raise _other_kind(name, kind, advice)
    if b"\0" in start and _is_tar(start):
        raise _other_kind(name, "a tar archive", f"{_UNPACK}: tar -xf {{file}}")


def refuse_archive_of_another_kind(archive: zipfile.ZipFile, name: str) -> None:
    """Raise a `DataError` if a zip archive is a document of another program, such as a spreadsheet."""
    members = archive.namelist()
    for start, kind, advice in _BY_MEMBER:
        if any(member.startswith(start) for member in members):
            raise _other_kind(name, kind, advice)
    if "mimetype" in members:
        with archive.open("mimetype") as stream:
            mime_type = stream.read(100)
        for start, kind, advice in _BY_MIME_TYPE:
            if mime_type.startswith(start):
                raise _other_kind(name, kind, advice)


def _other_kind(name: str, kind: str, advice: str) -> DataError:
    file = "FILE" if name == "standard input" else shlex.quote(name)
    end = "" if "{file}" in advice else "."  # a command is copied without a full stop
    return DataError(f"{name} is {kind}, not a text file. {advice.format(file=file)}{end}")


def _is_tar(start: bytes) -> bool:
    import tarfile

    try:
        tarfile.TarInfo.frombuf(start[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")  # verifies a checksum
    except tarfile.HeaderError:
        return False
    return True
