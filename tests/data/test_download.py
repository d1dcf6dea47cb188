"""Fetching fra-eng, against a server on this machine: whole and checked, or nothing at all."""

import io
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from passerelle.data import download
from passerelle.data.download import FRA_ENG_URL, download_fra_eng
from passerelle.data.files import read_lines
from passerelle.errors import DataError, OutputError

REAL = Path(__file__).parents[3] / "shared" / "data" / "fra-eng.zip"
WAY_OUT = "Try again later, or use the built-in corpus: passerelle phrasebook > pairs.tsv"
LINES = [f"Sentence {i}.\tPhrase numéro {i}.\tCC-BY {i}" for i in range(1200)]


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def archive_of(lines: list[str], encoding: str = "utf-8") -> bytes:
    return zipped({"_about.txt": b"credits", "fra.txt": "\n".join(lines).encode(encoding)})


GOOD = archive_of(LINES)


class Server:
    """Answers every request the same way, and remembers the requests."""

    def __init__(self) -> None:
        self.status = 200
        self.body = GOOD
        self.length: int | None = len(GOOD)
        self.before_body: Callable[[], object] = lambda: None
        self.user_agents: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.user_agents.append(self.headers["User-Agent"])
                self.send_response(server.status)
                if server.length is not None:
                    self.send_header("Content-Length", str(server.length))
                self.end_headers()
                server.before_body()
                self.wfile.write(server.body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._httpd.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/anki/fra-eng.zip"
        self._thread = threading.Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def answer(self, body: bytes, *, status: int = 200, length: int | None = -1) -> None:
        self.status, self.body = status, body
        self.length = len(body) if length == -1 else length

    def close(self) -> None:
        self._httpd.shutdown()
        self._thread.join()
        self._httpd.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    running = Server()
    yield running
    running.close()


def test_the_archive_is_fetched_and_can_be_read(server: Server, tmp_path: Path) -> None:
    path = download_fra_eng(tmp_path, url=server.url)
    assert path == tmp_path / "fra-eng.zip"
    assert path.read_bytes() == GOOD
    assert list(read_lines(path)) == LINES
    assert list(tmp_path.iterdir()) == [path]
    assert server.user_agents == ["passerelle/0.1"]


def test_the_default_is_the_publisher_and_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(url: str, timeout: float) -> object:
        asked.append(url)
        raise DataError("offline")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(download, "_open", refuse)
    with pytest.raises(DataError, match="offline"):
        download_fra_eng()
    assert asked == [FRA_ENG_URL] == ["https://www.manythings.org/anki/fra-eng.zip"]
    (tmp_path / "fra-eng.zip").write_bytes(GOOD)
    assert download_fra_eng() == Path("fra-eng.zip")


def test_a_missing_folder_is_made_but_not_its_parents(server: Server, tmp_path: Path) -> None:
    assert download_fra_eng(tmp_path / "new", url=server.url).parent == tmp_path / "new"
    with pytest.raises(OutputError, match="mkdir -p"):
        download_fra_eng(tmp_path / "no" / "such", url=server.url)


@pytest.mark.parametrize("length", [len(GOOD), None])
def test_progress_counts_up_to_the_whole(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int | None
) -> None:
    monkeypatch.setattr(download, "_CHUNK", 1000)
    server.answer(GOOD, length=length)
    calls: list[tuple[int, int | None]] = []
    download_fra_eng(tmp_path, url=server.url, progress=lambda done, total: calls.append((done, total)))
    done = [call[0] for call in calls]
    assert done == sorted(set(done))
    assert done[-1] == len(GOOD)
    assert {call[1] for call in calls} == {length}


def test_a_good_file_is_left_alone(server: Server, tmp_path: Path) -> None:
    other = archive_of([f"Other {i}.\tAutre {i}." for i in range(1000)])
    (tmp_path / "fra-eng.zip").write_bytes(other)
    assert download_fra_eng(tmp_path, url=server.url).read_bytes() == other
    assert server.user_agents == []


def test_a_bad_file_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "fra-eng.zip").write_bytes(GOOD[: len(GOOD) // 2])
    assert download_fra_eng(tmp_path, url=server.url).read_bytes() == GOOD


def test_a_bad_file_stays_whole_when_the_new_one_fails(server: Server, tmp_path: Path) -> None:
    old = tmp_path / "fra-eng.zip"
    old.write_bytes(b"something of mine")
    for body, length in [(GOOD, len(GOOD) + 10), (b"<html>", 6)]:
        server.answer(body, length=length)
        with pytest.raises(DataError):
            download_fra_eng(tmp_path, url=server.url)
        assert old.read_bytes() == b"something of mine"
        assert list(tmp_path.iterdir()) == [old]


def test_an_interruption_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_fra_eng(tmp_path, url=server.url, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def failure(server_url: str, folder: Path, timeout: float = 10.0) -> str:
    """The one line that a failed download says, after which `folder` must be empty."""
    with pytest.raises(DataError) as caught:
        download_fra_eng(folder, url=server_url, timeout=timeout)
    message = str(caught.value)
    assert "\n" not in message
    assert WAY_OUT in message
    assert list(folder.iterdir()) == []
    return message


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "(HTTP 403 Forbidden; the server refuses programs, so use a browser)"),
        (404, "fra-eng could not be downloaded from 127.0.0.1 (HTTP 404 Not Found). Try again"),
        (406, "HTTP 406 Not Acceptable; the server refuses programs"),
        (503, "(HTTP 503 Service Unavailable)"),
    ],
)
def test_a_refusal_says_its_status(server: Server, tmp_path: Path, status: int, words: str) -> None:
    server.answer(b"<html>no</html>", status=status)
    assert words in failure(server.url, tmp_path)


def test_a_connection_that_ends_early(server: Server, tmp_path: Path) -> None:
    server.answer(GOOD[:1000], length=len(GOOD))
    assert f"(the connection ended after 1,000 of {len(GOOD):,} bytes)" in failure(server.url, tmp_path)


def test_a_connection_that_ends_early_without_a_known_length(server: Server, tmp_path: Path) -> None:
    server.answer(GOOD[:-100], length=None)
    assert "is not the fra-eng archive (the archive is damaged: " in failure(server.url, tmp_path)


def test_too_large_is_refused(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answer(b"", length=201 << 20)
    assert "(it is larger than 200 MB, the limit for fra-eng)" in failure(server.url, tmp_path)
    monkeypatch.setattr(download, "_MAX_BYTES", 2 << 20)
    server.answer(bytes(3 << 20), length=None)
    assert "larger than 2 MB" in failure(server.url, tmp_path)


@pytest.mark.parametrize("silent", ["before the answer", "within the body"])
def test_a_silent_server(server: Server, tmp_path: Path, silent: str) -> None:
    finish = threading.Event()
    server.before_body = lambda: finish.wait(10)
    with socket.create_server(("127.0.0.1", 0)) as mute:  # lets callers in, and never answers
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/" if silent == "before the answer" else server.url
        assert "(no answer within 0.2 seconds)" in failure(url, tmp_path, timeout=0.2)
    finish.set()


def test_nobody_listens(server: Server, tmp_path: Path) -> None:
    server.close()
    assert "from 127.0.0.1 (Connection refused)" in failure(server.url, tmp_path)


def test_an_unknown_name(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: object, **more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    words = "from nowhere.invalid (the host name was not found; check the internet connection)"
    assert words in failure("https://nowhere.invalid/fra-eng.zip", tmp_path)


def test_tls_with_a_server_that_has_none(server: Server, tmp_path: Path) -> None:
    assert "from 127.0.0.1 (TLS: " in failure(server.url.replace("http:", "https:"), tmp_path)


def test_a_malformed_address(server: Server, tmp_path: Path) -> None:
    assert "could not be downloaded from" in failure("http://127.0.0.1:port/", tmp_path)
    with pytest.raises(DataError, match="must begin with http:// or https://, received: 'file:///"):
        download_fra_eng(tmp_path, url="file:///etc/hostname")
    assert list(tmp_path.iterdir()) == []


MIXED = [line if i % 10 else "no columns" for i, line in enumerate(LINES)]
SWAPPED = ["\t".join(reversed(line.split("\t")[:2])) for line in LINES]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\n<!DOCTYPE html><html></html>", "it is a web page"),
        (b"", "it is not a zip archive"),
        (b"not a zip at all", "it is not a zip archive"),
        (GOOD[:500] + bytes(100) + GOOD[600:], "the archive is damaged: "),
        (zipped({"_about.txt": b"credits"}), "it contains no files instead of one text file"),
        (zipped({"fra.pdf": b"%PDF"}), "it contains 1 files instead of one text file"),
        (zipped({"fra.txt": b"a\tb", "deu.txt": b"a\tb"}), "it contains 2 files instead of one text file"),
        (archive_of(LINES, "latin-1"), "line 1 of its text is not UTF-8"),
        (archive_of(LINES[:999]), "its text has 999 lines, fewer than 1,000"),
        (archive_of(["one column"] * 1200), "only 0 of its 1,200 lines have two or three tab-separated"),
        (archive_of(["\tright"] * 1200), "only 0 of its 1,200 lines"),
        (archive_of(MIXED), "only 1,080 of its 1,200 lines"),
        (archive_of(SWAPPED), "only 0 of its 1,200 first columns seem to be English"),
    ],
)
def test_what_is_not_fra_eng_is_not_kept(server: Server, tmp_path: Path, body: bytes, words: str) -> None:
    server.answer(body)
    message = failure(server.url, tmp_path)
    assert message.startswith("the file from 127.0.0.1 is not the fra-eng archive (")
    assert words in message
    assert "it was not saved" in message


def test_a_damaged_archive_never_escapes_as_another_error(tmp_path: Path) -> None:
    small = archive_of(LINES[:40])
    for at in range(len(small)):
        broken = bytearray(small)
        broken[at] ^= 0xFF
        assert download._fault(io.BytesIO(bytes(broken))) is not None


@pytest.mark.skipif(not REAL.is_file(), reason=f"{REAL} is not there")
def test_the_real_archive_passes(server: Server, tmp_path: Path) -> None:
    server.answer(REAL.read_bytes())
    assert download_fra_eng(tmp_path, url=server.url).read_bytes() == server.body
