"""Fetching the tutorial's data: English-French pairs of the Tatoeba project, as ManyThings.org prepares them.

The archive changes with the years, so it is known by its structure, never by a checksum. Its sentences are
under CC BY 2.0; the `_about.txt` inside says whom to credit.
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
_WAY_OUT = "Try again later, or use the built-in corpus: passerelle phrasebook > pairs.tsv"
_CHUNK = 1 << 16
_MAX_BYTES = 200 << 20  # the archive of 2017 has 3 MB
_MAX_UNPACKED_BYTES = 1 << 30
_MAX_LINE_BYTES = 1 << 16
_MIN_LINES = 1000
_MIN_SHARE_OF_PAIRS = 0.99
_MIN_SHARE_OF_ENGLISH = 0.9  # 0.9995 of the English side is pure ASCII, and 0.39 of the French
_DAMAGES = (  # what `zipfile` raises; RuntimeError is a password or an unknown compression
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
    """Fetches the English-French archive into `folder`, unless a good one is there already.

    What arrives is checked before it is kept: a zip with one text file (names that begin with `_` do not
    count) of at least 1,000 lines of UTF-8, nearly all of them two or three tab-separated columns with
    English on the left. If anything fails, nothing is kept, and a file that was there before stays as it was.

    Args:
        folder: where `fra-eng.zip` shall stand; it is made if its parent exists.
        url: where to fetch it from, `http` or `https`.
        timeout: the longest silence of the other side, in seconds.
        progress: called after each chunk with the bytes fetched so far and the bytes expected, None where the
            other side does not say.

    Returns:
        The path of `fra-eng.zip`.

    Raises:
        DataError: if the archive cannot be fetched, arrives cut short, is larger than 200 MB, or is something
            else.
        OutputError: if nothing can be written to `folder`.
    """
    destination = prepare_folder(folder) / _FILE_NAME
    if not _is_good(destination):
        write_atomically(destination, lambda stream: _fetch_and_check(url, timeout, progress, stream))
    return destination


def _is_good(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return _fault_in(stream) is None
    except OSError:
        return False


def _fetch_and_check(url: str, timeout: float, progress: Progress | None, stream: BinaryIO) -> None:
    for chunk in _chunks(url, timeout, progress):
        stream.write(chunk)
    fault = _fault_in(stream)
    if fault is not None:
        raise DataError(f"what {_host(url)} sent is not the fra-eng archive ({fault}); nothing was kept. {_WAY_OUT}")


# ---- over the network


def _chunks(url: str, timeout: float, progress: Progress | None) -> Iterator[bytes]:
    """Yields the body in pieces; every trouble on the way becomes a `DataError` of one line."""
    with _open(url, timeout) as response:
        expected: int | None = response.length  # None where the other side does not say
        done = 0
        while True:
            if max(done, expected or 0) > _MAX_BYTES:
                raise _unfetched(url, f"it is larger than {_MAX_BYTES >> 20} MB, which fra-eng never is")
            try:
                chunk = response.read(_CHUNK)
            except http.client.IncompleteRead:
                raise _cut_short(url, done, expected) from None
            except (OSError, http.client.HTTPException) as error:
                raise _unfetched(url, _reason(error, timeout)) from None
            if not chunk:
                break
            done += len(chunk)
            yield chunk
            if progress is not None:
                progress(done, expected)
    if expected is not None and done != expected:
        raise _cut_short(url, done, expected)


def _open(url: str, timeout: float) -> http.client.HTTPResponse:
    if not url.lower().startswith(("http://", "https://")):
        raise DataError(f"url must begin with http:// or https://, received: {url!r}.")
    try:
        request = urllib.request.Request(url, headers={"User-Agent": _USER_AGENT})
        return urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        raise _unfetched(url, _reason(error, timeout)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a malformed address
        raise _unfetched(url, _reason(error, timeout)) from None


def _reason(error: Exception, timeout: float) -> str:
    """Says in a few words, on one line, what went wrong."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(error, urllib.error.HTTPError):
        cause = error  # its reason is only the status in words
    match cause:
        case urllib.error.HTTPError(code=403 | 406):
            reason = f"HTTP {cause.code} {cause.reason}: it turns this program away; a browser may be let in"
        case urllib.error.HTTPError():
            reason = f"HTTP {cause.code} {cause.reason}"
        case TimeoutError():
            reason = f"no answer within {timeout:g} seconds"
        case socket.gaierror():
            reason = "its name cannot be looked up; is this machine online?"
        case ssl.SSLCertVerificationError():
            reason = f"TLS: {cause.verify_message}"
        case ssl.SSLError():
            reason = f"TLS: {cause.reason or cause}"
        case OSError(strerror=str(words)):
            reason = words
        case _:
            reason = str(cause) or type(cause).__name__
    return " ".join(reason.split())


def _unfetched(url: str, reason: str) -> DataError:
    return DataError(f"fra-eng could not be fetched from {_host(url)} ({reason}). {_WAY_OUT}")


def _cut_short(url: str, done: int, expected: int | None) -> DataError:
    of = "" if expected is None else f" of {expected:,}"
    return _unfetched(url, f"the connection ended after {done:,}{of} bytes")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:  # a malformed address
        return url


# ---- what the archive must be


def _fault_in(stream: BinaryIO) -> str | None:
    """Returns what keeps the archive from being fra-eng, in a few words, or None if nothing does."""
    stream.seek(0)
    start = stream.read(1024)
    if start.lstrip().startswith(b"<"):
        return "it is a web page"
    if not start.startswith(b"PK\x03\x04"):
        return "it is no zip file"
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            texts = [name for name in archive.namelist() if _counts(name)]
            if len(texts) != 1 or not texts[0].lower().endswith(".txt"):
                return f"it holds {len(texts) or 'no'} files instead of one text"
            if archive.getinfo(texts[0]).file_size > _MAX_UNPACKED_BYTES:
                return "its text is larger than 1 GB"
            with archive.open(texts[0]) as text:
                return _fault_in_text(iter(lambda: text.readline(_MAX_LINE_BYTES), b""))
    except _DAMAGES as error:
        return f"the zip file is damaged: {' '.join(str(error).split()) or type(error).__name__}"


def _counts(name: str) -> bool:
    """The members that `read_lines` counts too, so that what is kept here can be read there."""
    return not (name.endswith("/") or PurePosixPath(name).name.startswith(("_", ".")) or "__MACOSX" in name)


def _fault_in_text(raw_lines: Iterator[bytes]) -> str | None:
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
        return f"only {pairs:,} of its {lines:,} lines are two or three tab-separated columns"
    if english < _MIN_SHARE_OF_ENGLISH * pairs:
        return f"only {english:,} of its {pairs:,} left columns look English"
    return None
