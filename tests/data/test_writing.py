"""Writing files: complete or not at all, none replaced unasked, and nothing that a killed process leaves stays."""

import os
import signal
import stat
import subprocess
import sys
import threading

import pytest

from passerelle.data.writing import (
    prepare_folder,
    replace_atomically,
    require_space,
    require_writable_file,
    write_atomically,
)
from passerelle.errors import OutputError

posix = pytest.mark.skipif(os.name != "posix", reason="signals and permissions of POSIX")


def test_write_new_and_existing_files(tmp_path):
    path = tmp_path / "out.tsv"
    write_atomically(path, lambda stream: stream.write(b"one"))
    assert path.read_bytes() == b"one"
    path.chmod(0o640)
    write_atomically(str(path), lambda stream: stream.write(b"two"))
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["out.tsv"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o640, "the permissions of the old file are length"


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_new_files_have_the_permissions_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "out.tsv", lambda stream: stream.write(b"x"))
    finally:
        assert os.umask(before) == 0o027, "the umask is unchanged"
    assert stat.S_IMODE((tmp_path / "out.tsv").stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [RuntimeError("writer"), KeyboardInterrupt(), OSError(28, "No space left")])
@pytest.mark.parametrize("old", [b"old", None])
def test_a_failed_write_changes_nothing(tmp_path, error, old):
    path = tmp_path / "out.tsv"
    if old is not None:
        path.write_bytes(old)

    def write(stream):
        stream.write(b"half")
        raise error

    with pytest.raises((type(error), OutputError)) as caught:
        write_atomically(path, write)
    if isinstance(error, OSError):
        assert str(caught.value) == (
            f"{path} cannot be written: no space left in the folder {tmp_path} (No space left). Nothing was changed."
        )
    assert os.listdir(tmp_path) == ([] if old is None else ["out.tsv"])
    assert old is None or path.read_bytes() == old


def test_missing_folders_are_an_error(tmp_path):
    absent = tmp_path / "absent" / "out.tsv"
    for check in (require_writable_file, lambda path: write_atomically(path, lambda stream: None)):
        with pytest.raises(OutputError) as caught:
            check(absent)
        assert str(caught.value) == (f"{absent.parent}: no such folder. Create it first: mkdir -p {absent.parent}")
        with pytest.raises(OutputError) as caught:
            check(tmp_path)
        assert str(caught.value).startswith(f"{tmp_path} is a folder. Name a file in it, for example ")
    assert os.listdir(tmp_path) == []


def test_prepare_folder(tmp_path):
    folder = tmp_path / "new"
    assert prepare_folder(folder) == prepare_folder(str(folder)) == folder
    assert os.listdir(folder) == []
    (tmp_path / "file").touch()
    with pytest.raises(OutputError) as caught:
        prepare_folder(tmp_path / "file")
    assert str(caught.value) == f"{tmp_path / 'file'} is a file, not a folder. Name another folder."
    with pytest.raises(OutputError) as caught:
        prepare_folder(tmp_path / "a" / "b")
    assert str(caught.value) == f"{tmp_path / 'a'}: no such folder. Create it first: mkdir -p {tmp_path / 'a'}"


@pytest.mark.parametrize("old", [b"old", b""])
def test_an_existing_file_is_only_replaced_if_asked(tmp_path, old):
    path = tmp_path / "out.tsv"
    path.write_bytes(old)
    for write in (require_writable_file, lambda path, **options: write_atomically(path, lambda s: None, **options)):
        with pytest.raises(OutputError) as caught:
            write(path, overwrite=False)
        assert str(caught.value) == f"{path} exists. Pass overwrite=True to replace it, or name another file."
    assert path.read_bytes() == old
    write_atomically(tmp_path / "new.tsv", lambda stream: stream.write(b"new"), overwrite=False)
    assert sorted(os.listdir(tmp_path)) == ["new.tsv", "out.tsv"]


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_while_writing_is_not_replaced(tmp_path, monkeypatch, links):
    path = tmp_path / "out.tsv"

    def link(*args):
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr(os, "link", link)
    with pytest.raises(OutputError, match="exists"):
        write_atomically(path, lambda stream: path.write_bytes(b"of another process"), overwrite=False)
    assert path.read_bytes() == b"of another process"
    assert os.listdir(tmp_path) == ["out.tsv"]
    write_atomically(tmp_path / "new.tsv", lambda stream: stream.write(b"new"), overwrite=False)
    assert sorted(os.listdir(tmp_path)) == ["new.tsv", "out.tsv"]


def test_a_dry_run_changes_nothing(tmp_path):
    path = tmp_path / "out.tsv"
    for old in ([], ["out.tsv"]):
        with replace_atomically(path, dry_run=True) as temporary:
            temporary.write_bytes(b"new")
        assert os.listdir(tmp_path) == old
        path.write_bytes(b"old")
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("name", ["nul\0", "long" * 70])
def test_names_that_the_system_does_not_allow(tmp_path, name):
    with pytest.raises(OutputError, match=r"cannot be written: .*\. Name another file\.$"):
        require_writable_file(tmp_path / name)


@pytest.mark.parametrize("name", ["é" * 120, "x" * 255, "a b*[?]%s", "-", os.fsdecode(b"caf\xe9")])
def test_odd_names(tmp_path, name):
    try:
        (tmp_path / name).touch()
    except OSError:
        pytest.skip("the file system does not allow this name")
    (tmp_path / name).unlink()
    write_atomically(tmp_path / name, lambda stream: stream.write(b"x"), overwrite=False)
    assert os.listdir(tmp_path) == [name]


@posix
def test_special_files_are_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="is not a regular file"):
        require_writable_file(tmp_path / "pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_require_space(tmp_path):
    require_space(tmp_path, 0, 10_000, 1)
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the kind is checked by its number
        require_space(tmp_path, 2**60)
    assert caught.value.errno in (27, 28)
    assert os.listdir(tmp_path) == []


WRITER = """
import sys, time
from passerelle.data.writing import replace_atomically
with replace_atomically(sys.argv[1]) as temporary:
    temporary.write_bytes(b"half")
    (temporary.parent / "folder").mkdir()
    (temporary.parent / "folder" / "file").touch()
    print("writing", flush=True)
    sys.stdin.read()
"""


def writer(path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "writing\n"
    return process


@posix
def test_the_next_write_removes_what_killed_processes_left(tmp_path):
    path = tmp_path / "m.keras"
    processes = [writer(path) for _ in range(3)]
    with processes[0], processes[1], processes[2]:
        assert len(os.listdir(tmp_path)) == 3
        for process in processes[::2]:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert len(os.listdir(tmp_path)) == 3, "nothing could remove them"
        write_atomically(tmp_path / "other", lambda stream: None)
        write_atomically(path, lambda stream: stream.write(b"new"))
        # the folder of the living process remains, and it can finish
        assert len(os.listdir(tmp_path)) == 3
        assert path.read_bytes() == b"new"
        processes[1].communicate("")
        assert processes[1].returncode == 0
    assert path.read_bytes() == b"half"
    assert sorted(os.listdir(tmp_path)) == ["m.keras", "other"]


def test_many_threads_write_to_one_name(tmp_path):
    path = tmp_path / "m.keras"
    contents = [b"%d" % number * 10_000 for number in range(40)]
    errors = []

    def write(content):
        try:
            write_atomically(path, lambda stream: stream.write(content))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=[content]) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert path.read_bytes() in contents
    assert os.listdir(tmp_path) == ["m.keras"]


@posix
def test_a_file_system_without_locks(tmp_path, monkeypatch):
    import filelock

    def acquire(*args, **kwargs):
        raise NotImplementedError("use SoftFileLock instead")

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire)
    write_atomically(tmp_path / "m.keras", lambda stream: stream.write(b"new"))
    assert (tmp_path / "m.keras").read_bytes() == b"new"


@posix
def test_a_folder_of_another_user_is_not_used(tmp_path):
    if os.geteuid():
        pytest.skip("only root can give a folder to another user")
    foreign = tmp_path / ".m.keras.1.tmp"
    foreign.mkdir()
    os.chown(foreign, 12345, 12345)
    (tmp_path / ".m.keras.2.tmp").symlink_to(foreign)
    (foreign / "file").touch()
    with replace_atomically(tmp_path / "m.keras") as temporary:
        assert temporary.parent.name == ".m.keras.3.tmp"
        temporary.touch()
    assert sorted(os.listdir(tmp_path)) == [".m.keras.1.tmp", ".m.keras.2.tmp", "m.keras"]
    assert os.listdir(foreign) == ["file"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full exists only on Linux")
def test_a_full_disk_is_an_output_error(tmp_path):
    path = tmp_path / "out.tsv"
    path.write_text("old")

    def write(stream):
        with open("/dev/full", "wb") as full:
            full.write(b"x")

    with pytest.raises(OutputError) as caught:
        write_atomically(path, write)
    assert str(caught.value) == (
        f"{path} cannot be written: no space left in the folder {path.parent} (No space left on device). Nothing was "
        f"changed."
    )
    assert path.read_text() == "old"
