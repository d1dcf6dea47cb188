"""Download the tutorial's data: English-French pairs of the Tatoeba project, in the edition of ManyThings.org.

The archive is updated from time to time, so it is recognized by its structure and not by a checksum. Its sentences are
licensed under CC BY 2.0; the `_about.txt` in the archive names the authors to credit.
"""

import http.client
import lzma
import os
import socket
import ssl
import struct
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit

from passerelle.data.writing import prepare_folder, write_atomically
from passerelle.errors import DataError

__all__ = ["FRA_ENG_URL", "download_fra_eng"]

FRA_ENG_URL = "https://www.manythings.org/anki/fra-eng.zip"

Progress = Callable[[int, int | None], object]

_FILE_NAME = "fra-eng.zip"
_USER_AGENT = "passerelle/0.1"
_ADVICE = "Try again later, or use the built-in corpus: passerelle phrasebook > pairs.tsv"
_CHUNK = 1 << 16
_MAX_BYTES = 200 << 20  # the archive of 2017 had 3 MB
_MAX_UNPACKED_BYTES = 1 << 30
_MAX_LINE_BYTES = 1 << 16
_MIN_LINES = 1000
_MIN_SHARE_OF_PAIRS = 0.99
_MIN_SHARE_OF_ENGLISH = 0.9  # 0.9995 of the English side is pure ASCII, and 0.39 of the French
_DAMAGE_ERRORS = (  # raised by `zipfile`; RuntimeError for a password or an unknown compression
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, OverflowError, RuntimeError, ValueError),
)


def download_fra_eng(
    folder: str | os.PathLike[str] = ".",
    *,
    url: str = FRA_ENG_URL,
    timeout: float = 30.0,
    progress: Progress | None = None,
) -> Path:
    """Download the English-French archive into a folder, unless a valid copy is already there.

    The archive is validated before it is saved: it must be a zip archive with one text file (names that begin with `_`
    are ignored) of at least 1,000 lines of UTF-8, nearly all with two or three tab-separated columns, the first of
    which is English. After an error, the folder is as it was before.

    Args:
        folder: folder for `fra-eng.zip`; it is created if its parent exists.
        url: address of the archive, `http` or `https`.
        timeout: maximum time without an answer of the server, in seconds.
        progress: called after each chunk with the bytes downloaded so far and the total, None if the server does not
            send it.

    Returns:
        The path of `fra-eng.zip`.

    Raises:
        DataError: if the download fails or is incomplete, or the file is larger than 200 MB or not this archive.
        OutputError: if the folder cannot be written.
    """
    destination = prepare_folder(folder) / _FILE_NAME
    if not _is_valid(destination):
        write_atomically(destination, lambda stream: _download_and_check(url, timeout, progress, stream))
    return destination


def _is_valid(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return _fault(stream) is None
    except OSError:
        return False


def _download_and_check(url: str, timeout: float, progress: Progress | None, stream: BinaryIO) -> None:
    for chunk in _chunks(url, timeout, progress):
        stream.write(chunk)
    fault = _fault(stream)
    if fault is not None:
        raise DataError(f"the file from {_host(url)} is not the fra-eng archive ({fault}); it was not saved. {_ADVICE}")


def _chunks(url: str, timeout: float, progress: Progress | None) -> Iterator[bytes]:
    """Yield the response in chunks; convert network errors to a `DataError`."""
    with _open(url, timeout) as response:
        expected: int | None = response.length  # None if the server does not send it
        done = 0
        while True:
            if max(done, expected or 0) > _MAX_BYTES:
                raise _failed(url, f"it is larger than {_MAX_BYTES >> 20} MB, the limit for fra-eng")
            try:
                chunk = response.read(_CHUNK)
            except http.client.IncompleteRead:
                raise _incomplete(url, done, expected) from None
            except (OSError, http.client.HTTPException) as error:
                raise _failed(url, _reason(error, timeout)) from None
            if not chunk:
                break
            done += len(chunk)
            yield chunk
            if progress is not None:
                progress(done, expected)
    if expected is not None and done != expected:
        raise _incomplete(url, done, expected)


def _open(url: str, timeout: float) -> http.client.HTTPResponse:
    if not url.lower().startswith(("http://", "https://")):
        raise DataError(f"url must begin with http:// or https://, received: {url!r}.")
    try:
        request = urllib.request.Request(url, headers={"User-Agent": _USER_AGENT})
        return urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        raise _failed(url, _reason(error, timeout)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a malformed address
        raise _failed(url, _reason(error, timeout)) from None


def _reason(error: Exception, timeout: float) -> str:
    """Return the reason of a network error in a few words, on one line."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(error, urllib.error.HTTPError):
        cause = error  # its `reason` is only the phrase after the status code
    match cause:
        case urllib.error.HTTPError(code=403 | 406):
            reason = f"HTTP {cause.code} {cause.reason}; the server refuses programs, so use a browser"
        case urllib.error.HTTPError():
            reason = f"HTTP {cause.code} {cause.reason}"
        case TimeoutError():
            reason = f"no answer within {timeout:g} seconds"
        case socket.gaierror():
            reason = "the host name was not found; check the internet connection"
        case ssl.SSLCertVerificationError():
            reason = f"TLS: {cause.verify_message}"
        case ssl.SSLError():
            reason = f"TLS: {cause.reason or cause}"
        case OSError(strerror=str(words)):
            reason = words
        case _:
            reason = str(cause) or type(cause).__name__
    return " ".join(reason.split())


def _failed(url: str, reason: str) -> DataError:
    return DataError(f"fra-eng could not be downloaded from {_host(url)} ({reason}). {_ADVICE}")


def _incomplete(url: str, done: int, expected: int | None) -> DataError:
    of = "" if expected is None else f" of {expected:,}"
    return _failed(url, f"the connection ended after {done:,}{of} bytes")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:  # a malformed address
        return url


def _fault(stream: BinaryIO) -> str | None:
    """Return the reason why a file is not the fra-eng archive, in a few words; None if it is."""
    stream.seek(0)
    start = stream.read(1024)
    if start.lstrip().startswith(b"<"):
        return "it is a web page"
    if not start.startswith(b"PK\x03\x04"):
        return "it is not a zip archive"
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            texts = [name for name in archive.namelist() if _is_listed(name)]
            if len(texts) != 1 or not texts[0].lower().endswith(".txt"):
                return f"it contains {len(texts) or 'no'} files instead of one text file"
            if archive.getinfo(texts[0]).file_size > _MAX_UNPACKED_BYTES:
                return "its text is larger than 1 GB"
            with archive.open(texts[0]) as text:
                return _text_fault(iter(lambda: text.readline(_MAX_LINE_BYTES), b""))
    except _DAMAGE_ERRORS as error:
        return f"the archive is damaged: {' '.join(str(error).split()) or type(error).__name__}"


def _is_listed(name: str) -> bool:
    """Return whether `data.files` also reads this member, so that the saved archive can be read."""
    return not (name.endswith("/") or PurePosixPath(name).name.startswith(("_", ".")) or "__MACOSX" in name)


def _text_fault(raw_lines: Iterator[bytes]) -> str | None:
    lines = pairs = english = 0
    for lines, raw in enumerate(raw_lines, start=1):
        try:
            columns = raw.decode("utf-8-sig" if lines == 1 else "utf-8").rstrip("\r\n").split("\t")
        except UnicodeDecodeError:
            return f"line {lines} of its text is not UTF-8"
        if len(columns) in (2, 3) and columns[0].strip() and columns[1].strip():
            pairs += 1
            english += columns[0].isascii()
    if lines < _MIN_LINES:
        return f"its text has {lines} lines, fewer than {_MIN_LINES:,}"
    if pairs < _MIN_SHARE_OF_PAIRS * lines:
        return f"only {pairs:,} of its {lines:,} lines have two or three tab-separated columns"
    if english < _MIN_SHARE_OF_ENGLISH * pairs:
        return f"only {english:,} of its {pairs:,} first columns seem to be English"
    return None
