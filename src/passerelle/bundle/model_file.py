"""One `.keras` file is the translator: written whole or not at all, read without trust.

The file is Keras's own zip archive: `config.json` (the network's settings), `model.weights.h5`, and under `assets/`
one JSON text with everything that is not the network. `keras.saving.load_model` opens it too, once
`passerelle.SequenceToSequence` is imported. Nothing in it is ever
executed: only this package's one class is accepted, and settings, texts and array shapes are checked against each
other before a network is built.
"""

import io
import json
import math
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from passerelle.data.files import replace_atomically, require_writable_file
from passerelle.errors import ModelFileError, OutputError, SettingsError
from passerelle.layers.initializers import override_initializers
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.models.specs import check_specs
from passerelle.settings import NetworkSettings, validated

__all__ = ["SUFFIX", "load_network", "require_model_path", "save_network"]

SUFFIX = ".keras"
ASSET = "translator.json"
FORMAT = 2
"""Raised when a reader of the old format would misread the new one."""

_ASSET_MEMBER = f"assets/{ASSET}"
_WEIGHTS_MEMBER = "model.weights.h5"
_MEMBERS = {"metadata.json", "config.json", _WEIGHTS_MEMBER, _ASSET_MEMBER}
_CONFIG = {"settings", "inputs", "outputs", "name"}
_LARGEST_TEXT = 2**28  # bytes; a vocabulary of a million long words takes a tenth of it


def require_model_path(path: str | os.PathLike[str]) -> Path:
    """Returns `path` if a model file can be written there.

    Raises:
        OutputError: if it does not end in `.keras`, or its folder is absent or not writable.
    """
    if Path(path).suffix != SUFFIX:
        raise OutputError(f"a model file's name ends in {SUFFIX}, received: {os.fspath(path)}. Add it.")
    return require_writable_file(path)


def save_network(
    network: SequenceToSequence,
    content: dict[str, Any],
    path: str | os.PathLike[str],
    *,
    check: Callable[[SequenceToSequence, dict[str, Any]], object],
) -> None:
    """Writes the network and `content` into one file.

    The file is written beside its destination, loaded again, compared with what went in, and only then renamed.

    Args:
        network: compiled or not; no optimizer goes into the file.
        content: what else the translator needs, as JSON values.
        path: ends in `.keras`; its folder must exist.
        check: gets what was read back; raises a ValueError if no translator can be made of it.

    Raises:
        OutputError: if the file cannot be written or does not read back the same; what stood there is whole.
    """
    path = require_model_path(path)
    clone = SequenceToSequence.from_config(network.get_config())  # never compiled, so it brings no optimizer back
    weights = network.get_weights()
    clone.set_weights(weights)
    text = _text({"format": FORMAT} | content)
    clone.assets = {ASSET: text}
    with replace_atomically(path) as temporary:
        try:
            keras.saving.save_model(clone, temporary)
            again, read = load_network(temporary)
            if _text(read) != text or again.get_config() != network.get_config():
                raise ModelFileError("its texts or settings changed")
            pairs = zip(weights, again.get_weights(), strict=True)
            if not all(np.array_equal(before, after, equal_nan=True) for before, after in pairs):
                raise ModelFileError("its weights changed")
            check(again, read)
        except (ModelFileError, RuntimeError, ValueError) as error:  # what HDF5 and Keras make of a full disk
            raise OutputError(f"{path} was not saved, it does not read back the same: {error}") from error


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1)


def load_network(path: str | os.PathLike[str]) -> tuple[SequenceToSequence, dict[str, Any]]:
    """Reads a file that `save_network` wrote.

    Returns:
        The network, not compiled, and the content saved with it.

    Raises:
        ModelFileError: if the file is missing, damaged, no translator, from a newer version, or hostile.
    """
    path = Path(path)
    with _one_line_errors(path):
        with zipfile.ZipFile(path) as archive:
            content, config = _read_texts(archive)
            with h5py.File(io.BytesIO(archive.read(_WEIGHTS_MEMBER)), "r") as weights:
                _check_shapes(config, weights)
        with override_initializers(np.zeros):
            network: Any = keras.saving.load_model(path, compile=False, safe_mode=True)
        network.assets = {}
        return network, content


@contextmanager
def _one_line_errors(path: Path) -> Iterator[None]:
    try:
        if path.suffix != SUFFIX:
            raise ModelFileError(f"a model file's name ends in {SUFFIX}")
        yield
    except FileNotFoundError:
        raise ModelFileError(f"{path}: no such file. Train one: passerelle train PAIRS --out {path}") from None
    except IsADirectoryError:
        raise ModelFileError(f"{path} is a folder. Name the {SUFFIX} file in it.") from None
    except PermissionError:
        raise ModelFileError(f"{path} cannot be read: permission denied.") from None
    except (ModelFileError, SettingsError) as error:
        reason = str(error)
        raise ModelFileError(
            f"{path} is not a translator that this version reads: {reason}{'' if reason.endswith(('.', '?')) else '.'}"
        ) from None
    except zipfile.BadZipFile:
        raise ModelFileError(f"{path} is not a model file, or only a part of one. Copy or train it again.") from None
    except MemoryError:
        raise ModelFileError(f"{path} needs more memory than this machine has.") from None
    # Whatever a damaged or hostile file makes the zip, JSON, HDF5 and Keras readers raise, in one line.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelFileError(f"{path} is damaged: {reason:.200}. Copy or train it again.") from error


def _read_texts(archive: zipfile.ZipFile) -> tuple[dict[str, Any], dict[str, Any]]:
    names = archive.namelist()
    if _ASSET_MEMBER not in names:
        raise ModelFileError("it holds no translator; it may be another Keras model")
    if set(names) != _MEMBERS or len(names) != len(_MEMBERS):
        odd = sorted(set(names) ^ _MEMBERS) or ["a file twice"]
        raise ModelFileError(f"its contents are not those of a translator ({', '.join(odd)[:100]})")
    for info in archive.infolist():
        if info.filename != _WEIGHTS_MEMBER and info.file_size > _LARGEST_TEXT:
            raise ModelFileError(f"{info.filename} in it is too large ({info.file_size:,} bytes)")
        if info.filename == _WEIGHTS_MEMBER and info.file_size > 1.1 * info.compress_size + 2**20:
            raise ModelFileError("its weights are compressed, which Keras does not do")
    content = json.loads(archive.read(_ASSET_MEMBER))
    if not isinstance(content, dict) or type(content.get("format")) is not int:
        raise ModelFileError(f"{ASSET} in it names no format")
    if content["format"] > FORMAT:
        raise ModelFileError(
            f"it has format {content['format']}, made by a newer version; this one reads up to {FORMAT}. "
            f"Upgrade: pip install --upgrade passerelle"
        )
    if content["format"] < FORMAT:
        raise ModelFileError(f"it has format {content['format']}, from before the first release. Train it again")
    config = json.loads(archive.read("config.json"))
    cls = SequenceToSequence
    expected = {
        "module": cls.__module__,
        "class_name": cls.__name__,
        "registered_name": f"passerelle>{cls.__name__}",
    }
    if not isinstance(config, dict) or any(config.get(key) != value for key, value in expected.items()):
        raise ModelFileError("its network is of a class that is not this package's")
    if config.get("compile_config") or set(config.get("build_config") or {}) - {"input_shape"}:
        raise ModelFileError("its network asks for more than its own settings")
    values = config.get("config")
    if not isinstance(values, dict) or set(values) != _CONFIG:
        raise ModelFileError("its network's settings are incomplete")
    if not isinstance(values["name"], str):
        raise ModelFileError("its network has no name")
    check_specs(validated(NetworkSettings, values["settings"]), values["inputs"], values["outputs"])
    return content, values


def _check_shapes(config: dict[str, Any], weights: h5py.File) -> None:
    """Compares what the settings ask for with what the weights hold, without reserving memory for either."""
    held: list[tuple[int, ...]] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual or item.chunks or item.dtype.kind != "f":
                raise ModelFileError(f"its weights are not plain arrays ({name})")
            held.append(item.shape)

    weights.visititems(visit)  # does not follow links
    size = sum(math.prod(shape) for shape in held) * 4
    if size > 2 * weights.id.get_filesize():
        raise ModelFileError("its weights claim more than the file holds")
    if keras.backend.backend() == "jax":
        import jax

        build = SequenceToSequence.from_config
        with override_initializers(keras.ops.zeros):
            wanted = jax.eval_shape(lambda: [weight.value for weight in build(config).weights])
        if Counter(tuple(array.shape) for array in wanted) != Counter(held):
            raise ModelFileError("its weights do not fit its settings")
