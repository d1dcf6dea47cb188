"""The option --shard: the part of a file that one of several processes translates, and its output file.

The lines are written to a hidden folder next to the output file, with a description of everything that they depend on.
The same command continues them after an interruption; when the last line is written, a rename makes them the output
file. So a file with the name of the output is always complete.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerelle.cli.output import FileOutput, LineFormat, open_output
from passerelle.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from passerelle.data.file_shards import FileShard

__all__ = ["Shard", "open_shard_output"]

AUTO = "auto"
PLACEHOLDER = "{shard}"
"""Part of the name of an output file that is replaced by the number of the shard."""


@dataclass(frozen=True)
class Shard:
    """One shard of an input file.

    Attributes:
        number: number of the shard, from 1.
        count: number of shards.
        lines: its lines in the input file.
        out: name of its output file.
    """

    number: int
    count: int
    lines: "FileShard"
    out: str

    @classmethod
    def choose(cls, option: str, in_: str | None, out: str | None) -> "Shard":
        """Return the shard of the option's value, `K/N` or `auto`.

        `{shard}` in the name of the output file is replaced by the number of the shard, such as `02-of-16`: with zeros,
        so that the names sort like the shards.

        Raises:
            DataError: if the input has no shards.
            SettingsError: if the value is invalid, no launcher has started this process, a file is missing among the
                options, or all processes would write the same file.
        """
        from passerelle.data.file_shards import FileShard
        from passerelle.data.files import input_name

        number, count = _numbers(option)
        if in_ is None or out is None or input_name(in_) != in_:
            raise SettingsError("--shard requires two files: --in FILE --out FILE.")
        if option == AUTO and count > 1 and PLACEHOLDER not in out:
            raise SettingsError(
                f"--shard auto requires {PLACEHOLDER} in the name of --out, since each process writes its own file: "
                f"--out '{out}.{PLACEHOLDER}'"
            )
        name = out.replace(PLACEHOLDER, f"{number:0{len(str(count))}}-of-{count}")
        return cls(number, count, FileShard.find(in_, number, count), name)

    def describe(self, models: Sequence[str], **values: Any) -> dict[str, Any]:
        """Return a description of everything that the output depends on, as JSON values by name.

        Args:
            models: paths of the model files, which are described by their checksums.
            **values: values that can be converted to JSON or text.
        """
        described = {"shard": f"{self.number}/{self.count}", "input": self.lines.sha256()}
        described |= {"models": [_checksum(path) for path in models], **values}
        return json.loads(json.dumps(described, default=str))


def _numbers(option: str) -> tuple[int, int]:
    """Return K and N of `--shard K/N`, or of the launcher."""
    from passerelle.launcher import VARIABLES, launched_process

    if option == AUTO:
        if (process := launched_process()) is None:
            names = ", ".join("/".join(pair) for pair in VARIABLES)
            raise SettingsError(f"--shard auto requires a launcher, which sets {names}. Or name the shard: K/N.")
        return process[0] + 1, process[1]
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", option, re.ASCII)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise SettingsError(f"--shard must be K/N with K from 1 to N, such as 2/16, or auto; received: {option!r:.40}")
    return int(match[1]), int(match[2])


@contextmanager
def open_shard_output(
    out: str, described: Mapping[str, Any], *, overwrite: bool, line_format: LineFormat
) -> Iterator[FileOutput | None]:
    """Open the output of a shard; it becomes the file `out` when the block ends without an error.

    Args:
        out: the file.
        described: JSON values by name, of everything that the lines depend on. Lines that an earlier process wrote
            with the same description are kept.
        overwrite: replace the file, and lines with another description.
        line_format: format of the lines.

    Yields:
        The output; None if `out` is complete.

    Raises:
        OutputError: if the file cannot be written, exists and is not the output of this command, or another process
            writes it.
    """
    from passerelle.data.locks import locked
    from passerelle.data.writing import prepare_folder, publish, require_writable_file, write_atomically

    path = require_writable_file(out)
    folder = prepare_folder(path.with_name(f".{path.name}.shard"))
    lines, description = folder / "lines", folder / "description.json"
    busy = OutputError(f"another process writes {out}. Wait until it ends, or name another file.")
    with locked(folder / "lock", busy):
        before = _read(description)
        differing = next((name for name in described if before.get(name) != described[name]), None)
        begun = lines.exists()
        if path.exists() and not overwrite:
            if not begun and differing is None:
                yield None
                return
            raise OutputError(
                f"{out} exists, and another command wrote it. Add --overwrite to replace it, or name another file."
            )
        if begun and differing is not None and lines.stat().st_size and not overwrite:
            raise OutputError(
                f"{out} was begun with another value of: {differing}. Run the command of the beginning, add "
                f"--overwrite to begin again, or name another file."
            )
        if not begun or differing is not None:
            # In this order: a process that is killed in between leaves nothing that looks finished.
            description.unlink(missing_ok=True)
            lines.write_bytes(b"")
            content = json.dumps(described, indent=1).encode()
            write_atomically(description, lambda stream: stream.write(content))
        with open_output(
            os.fspath(lines), resume=True, line_format=line_format, name=out, how="running the same command again"
        ) as output:
            yield output  # pyright: ignore[reportReturnType] - a file, since it has a path
        publish(lines, path)


def _read(description: Path) -> dict[str, Any]:
    """Return the description of an earlier process; empty if there is none, or it is damaged."""
    try:
        values = json.loads(description.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _checksum(path: str) -> str:
    """Return the SHA-256 of a model file; empty if it cannot be read, which loading it reports."""
    from passerelle.data.checksum import file_sha256

    try:
        return file_sha256(path)
    except OSError:
        return ""
