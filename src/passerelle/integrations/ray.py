"""Translation of datasets of Ray Data, on one machine or a cluster. Requires the extra `ray` (Ray 2.60 or later).

    from passerelle.integrations.ray import read_lines, translate_dataset, write_lines

    lines = read_lines("source.txt")
    write_lines(translate_dataset(lines, "model.keras"), "target.txt")

Each actor is a process that loads the model once and translates batches. Ray starts an actor again that died, and
repeats its batch.
"""

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerelle.data.file_shards import FileShard
from passerelle.data.writing import write_atomically
from passerelle.errors import SettingsError
from passerelle.runtime import enable_compilation_cache
from passerelle.settings import SearchSettings, accepts_options, with_stored

if TYPE_CHECKING:
    from passerelle.translator import Translator

__all__ = ["read_lines", "translate_dataset", "write_lines"]

BATCH_SIZE = 4096
"""Default number of rows that an actor translates at once: enough for batches of equal lengths."""

BLOCK_BYTES = 1 << 20
"""Bytes of a file that become one block of a dataset."""


def read_lines(path: str | os.PathLike[str], *, blocks: int | None = None) -> Any:
    """Return the lines of a text file as a dataset with the column `text`, in order.

    Unlike `ray.data.read_text`, it does not load the whole file as one block, and its lines are those of `passerelle
    translate`: `str.splitlines` also splits at characters such as U+2028.

    Args:
        path: an uncompressed file in UTF-8, which every node can read.
        blocks: number of blocks of the dataset, each a byte range of the file; None for blocks of about a megabyte.

    Returns:
        A `ray.data.Dataset`.

    Raises:
        DataError: if the file cannot be read, or has no byte ranges; see `data.file_shards.FileShard`.
        SettingsError: if Ray Data is not installed.
    """
    data = _ray_data()
    path = os.path.abspath(path)
    if blocks is None:
        blocks = max(1, os.path.getsize(path) // BLOCK_BYTES) if os.path.isfile(path) else 1
    shards = FileShard.split(path, blocks)
    rows = [{"start": shard.start, "stop": shard.stop, "line": shard.first.line} for shard in shards]
    return data.from_items(rows, override_num_blocks=blocks).flat_map(_Lines(path, shards[0].first.replaced))


class _Lines:
    """Reads the lines of a shard: a function of Ray Data's rows."""

    def __init__(self, path: str, replaced: tuple[str, ...] | None):
        self._path, self._replaced = path, replaced

    def __call__(self, row: Mapping[str, Any]) -> Any:
        from passerelle.data.encodings import LineStart
        from passerelle.data.files import read_lines as lines_of

        start = int(row["start"])
        shard = FileShard(self._path, start, int(row["stop"]), LineStart(int(row["line"]), start, self._replaced))
        return [{"text": text} for text in lines_of(self._path, shard=shard)]


@accepts_options(SearchSettings)
def translate_dataset(
    dataset: Any,
    model: "str | os.PathLike[str] | Translator",
    *,
    column: str = "text",
    output: str = "translation",
    tag_column: str | None = None,
    actors: int | None = None,
    num_cpus: float = 1.0,
    num_gpus: float = 0.0,
    batch_size: int = BATCH_SIZE,
    **options: Any,
) -> Any:
    """Translate a column of a dataset of Ray Data.

    Args:
        dataset: a `ray.data.Dataset`. Nothing is translated before the returned dataset is read or written.
        model: path of a model file that every node can read, or a translator, such as an ensemble, which is sent to the
            actors. Of a model file with several outputs, the first one of text is written; for another, pass
            `passerelle.load(path).outputs[name]`.
        column: the column with the texts.
        output: the new column with the translations. The other columns remain.
        tag_column: the column with the tags of each text, for a translator that was trained with tags.
        actors: number of processes that translate, each with one loaded model. None for as many as the cluster has
            processors (or GPUs, if `num_gpus` is set), less one processor for reading the dataset.
        num_cpus: processors of each actor.
        num_gpus: GPUs of each actor.
        batch_size: rows that an actor translates at once.
        **options: the search settings, such as `beam=5`; see `SearchSettings`.

    Returns:
        A `ray.data.Dataset` with the additional column. Its rows have the order of `dataset` only if Ray Data keeps the
        order (`DataContext.execution_options.preserve_order`), as `write_lines` does.

    Raises:
        SettingsError: if Ray Data is not installed, an option is unknown or out of range, or the actors would use all
            processors, so that none could read the dataset and Ray would wait for ever.

    Example:
        >>> import ray
        >>> from passerelle.integrations.ray import translate_dataset
        >>> rows = ray.data.from_items([{"text": "He is tired."}])
        >>> translate_dataset(rows, "model.keras").take()
        [{'text': 'He is tired.', 'translation': 'Il est fatigué.'}]
    """
    data = _ray_data()
    with_stored(options, SearchSettings(beam=2))  # reports an invalid option here instead of in an actor
    if isinstance(model, (str, os.PathLike)):
        model = os.path.abspath(model)
        if not os.path.isfile(model):
            raise SettingsError(f"{model}: no such file. Name a model file that every node can read.")
    size, num_cpus = _pool(actors, num_cpus, num_gpus)
    return dataset.map_batches(
        _Translate,
        fn_constructor_args=(model, column, output, tag_column, options, num_cpus),
        batch_format="pyarrow",
        batch_size=batch_size,
        compute=data.ActorPoolStrategy(size=size),
        num_cpus=num_cpus,
        num_gpus=num_gpus,
    )


def write_lines(dataset: Any, path: str | os.PathLike[str], *, column: str = "translation") -> None:
    """Write a column of a dataset of Ray Data to a file, one line per row, in the order of the rows.

    For a dataset of `read_lines` and `translate_dataset`, the file is that of `passerelle translate`.

    Args:
        dataset: a `ray.data.Dataset` that has not been executed; its blocks are then kept in order.
        path: the file, on this machine. It appears when it is complete.
        column: the column with the texts. Line ends within a text become spaces.

    Raises:
        OutputError: if the file cannot be written.
    """
    from passerelle.inference.result import as_line

    dataset.context.execution_options.preserve_order = True

    def write(stream: Any) -> None:
        for batch in dataset.iter_batches(batch_format="pyarrow", batch_size=BATCH_SIZE):
            texts = batch[column].to_pylist()
            stream.write("".join(f"{as_line(text)}\n" for text in texts).encode("utf-8", "backslashreplace"))

    write_atomically(Path(path), write)


class _Translate:
    """The translator of one actor: a function of batches, which are tables of Arrow."""

    def __init__(
        self,
        model: "str | Translator",
        column: str,
        output: str,
        tag_column: str | None,
        options: Mapping[str, Any],
        num_cpus: float,
    ):
        # XLA reads the size of its pool of threads from this variable. Else each actor would use all processors.
        os.environ.setdefault("NPROC", str(max(1, round(num_cpus))))
        enable_compilation_cache()  # an actor that is started again need not compile again
        from passerelle.translator import Translator

        self._translator = Translator.load(model) if isinstance(model, str) else model
        self._column, self._output, self._tag_column = column, output, tag_column
        self._options = dict(options)

    def __call__(self, batch: Any) -> Any:
        import pyarrow as arrow  # pyright: ignore[reportMissingImports]

        tags = None if self._tag_column is None else batch[self._tag_column].to_pylist()
        found = self._translator.translate(batch[self._column].to_pylist(), tags=tags, **self._options)
        return batch.append_column(self._output, arrow.array(found, arrow.string()))


def _pool(actors: int | None, num_cpus: float, num_gpus: float) -> tuple[int, float]:
    """Return the number of actors and the processors of each, such that one processor is left for the reader.

    Raises:
        SettingsError: if there are too few processors or GPUs for `actors`.
    """
    ray = importlib.import_module("ray")
    if not ray.is_initialized():
        ray.init()
    resources = ray.cluster_resources()
    cpus, gpus = resources.get("CPU", 0.0), resources.get("GPU", 0.0)
    if cpus < 2 and not num_gpus:
        num_cpus = 0.0  # one processor: the actor and the reader share it
    most = int((cpus - 1) // num_cpus) if num_cpus else 1
    if num_gpus:
        most = min(most, int(gpus // num_gpus))
    if most < 1 or (actors or 1) > most:
        raise SettingsError(
            f"the cluster has {cpus:g} processors and {gpus:g} GPUs, one processor of which reads the dataset: enough "
            f"for {max(most, 0)} actors of {num_cpus:g} processors and {num_gpus:g} GPUs, received: {actors or 1}"
        )
    return actors or most, num_cpus


def _ray_data() -> Any:
    try:
        return importlib.import_module("ray.data")
    except ImportError as error:
        raise SettingsError(f"Ray Data is not installed ({error}): pip install '.[ray]'") from None
