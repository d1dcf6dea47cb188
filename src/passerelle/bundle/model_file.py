"""The model file: one `.keras` file, written atomically and checked before it is loaded.

The file is a zip archive in Keras's format: `config.json` (the settings of the network), `model.weights.h5`, and
`assets/translator.json` with everything else. `keras.saving.load_model` can open it too, if
`passerelle.SequenceToSequence` has been imported. Loading never executes code from the file: its only class must be
`SequenceToSequence`, and settings, JSON content and array shapes are checked against each other before the network is
built.
"""

import io
import json
import math
import os
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from passerelle.data.writing import replace_atomically, require_space, require_writable_file
from passerelle.errors import ModelFileError, OutputError, SettingsError
from passerelle.layers.initializers import override_initializers
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.models.specs import check_specs
from passerelle.settings import NetworkSettings, validated

__all__ = ["SUFFIX", "load_network", "require_model_path", "save_network"]

SUFFIX = ".keras"
ASSET = "translator.json"
FORMAT = 3
"""Version of the format, incremented when code for the old format would misread the new one."""
OLDEST_FORMAT = 2
"""Oldest format that can be read; it lacks `ignore_spacing`, so its models at level word are refused."""

_ASSET_MEMBER = f"assets/{ASSET}"
_WEIGHTS_MEMBER = "model.weights.h5"
_MEMBERS = {"metadata.json", "config.json", _WEIGHTS_MEMBER, _ASSET_MEMBER}
_CONFIG = {"settings", "inputs", "outputs", "name"}
_OVERHEAD = 2**13  # bytes, generous: what HDF5 adds to an array, and the archive to its members
_LARGEST_TEXT = 2**28  # bytes; a vocabulary of a million long words takes a tenth of it


def require_model_path(path: str | os.PathLike[str], *, overwrite: bool = True) -> Path:
    """Return `path` if a model file can be written there.

    Raises:
        OutputError: if `path` does not end in `.keras`, its folder does not exist or is not writable, or the file
            exists and `overwrite` is false.
    """
    if Path(path).suffix != SUFFIX:
        raise OutputError(f"the name of a model file must end in {SUFFIX}, received: {os.fspath(path)}. Add {SUFFIX}.")
    return require_writable_file(path, overwrite=overwrite)


def save_network(
    network: SequenceToSequence,
    content: dict[str, Any],
    path: str | os.PathLike[str],
    *,
    check: Callable[[SequenceToSequence, dict[str, Any]], object],
    overwrite: bool = True,
    dry_run: bool = False,
) -> None:
    """Save the network and `content` in one file.

    A temporary file next to `path` is written, loaded, compared with the arguments, and then renamed to `path`.

    Args:
        network: the network; its optimizer is not saved.
        content: the other parts of the translator, as JSON values.
        path: path of the file; it must end in `.keras`, and its folder must exist.
        check: function (loaded network, loaded content) that raises a ValueError if they are no valid translator.
        overwrite: whether an existing file may be replaced.
        dry_run: only check that the file can be saved; `path` does not change.

    Raises:
        OutputError: if the file cannot be written, differs from the arguments when loaded, or exists and must not be
            replaced. An existing file is unchanged then.
    """
    path = require_model_path(path, overwrite=overwrite)
    clone = SequenceToSequence.from_config(network.get_config())  # not compiled, so without an optimizer
    weights = network.get_weights()
    clone.set_weights(weights)
    text = _to_json({"format": FORMAT} | content)
    with replace_atomically(path, overwrite=overwrite, dry_run=dry_run) as temporary:
        try:
            _write(clone, text, temporary)
            loaded, loaded_content = load_network(temporary)
            if _to_json(loaded_content) != text or loaded.get_config() != network.get_config():
                raise ModelFileError("its content or settings differ")
            pairs = zip(weights, loaded.get_weights(), strict=True)
            if not all(np.array_equal(before, after, equal_nan=True) for before, after in pairs):
                raise ModelFileError("its weights differ")
            check(loaded, loaded_content)
        except (ModelFileError, RuntimeError, ValueError) as error:  # HDF5 and Keras raise these for a full disk
            raise OutputError(f"{path} was not saved; writing or verifying the file failed: {error}") from error


def _write(network: SequenceToSequence, text: str, path: Path) -> None:
    """Write a model file with the members that Keras writes. Keras itself would use the system's temporary folder."""
    weights = path.with_name("new.weights.h5")
    size = sum(weight.nbytes for weight in network.get_weights()) + _OVERHEAD * len(network.weights)
    require_space(path.parent, size, size + len(text.encode()) + _OVERHEAD)
    network.save_weights(weights)
    metadata = {"keras_version": keras.__version__, "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S")}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps(metadata))
        archive.writestr("config.json", json.dumps(keras.saving.serialize_keras_object(network)))
        archive.write(weights, _WEIGHTS_MEMBER)
        archive.writestr(_ASSET_MEMBER, text)


def _to_json(content: dict[str, Any]) -> str:
    """Return JSON; a lone surrogate, as in a file name that is not UTF-8, becomes an escape such as `\\udce9`."""
    return json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace").decode()


def load_network(path: str | os.PathLike[str]) -> tuple[SequenceToSequence, dict[str, Any]]:
    """Load a file that `save_network` wrote.

    Returns:
        The network, not compiled, and the content that was saved with it.

    Raises:
        ModelFileError: if the file is missing, damaged, no model file, from another version, or unsafe.
    """
    path = Path(path)
    with _one_line_errors(path):
        with zipfile.ZipFile(path) as archive:
            content, config = _read_json(archive)
            with h5py.File(io.BytesIO(archive.read(_WEIGHTS_MEMBER)), "r") as weights:
                _check_shapes(config, weights)
        with override_initializers(np.zeros):
            network = SequenceToSequence.from_config(config)
        network.load_weights(path)
        return network, content


@contextmanager
def _one_line_errors(path: Path) -> Iterator[None]:
    """Convert every error of reading a file to a `ModelFileError` with a one-line message."""
    try:
        if path.suffix != SUFFIX:
            raise ModelFileError(f"the name of a model file must end in {SUFFIX}")
        yield
    except FileNotFoundError:
        raise ModelFileError(
            f"{path}: no such file. Check the path, or train a translator and save it there."
        ) from None
    except IsADirectoryError:
        raise ModelFileError(f"{path} is a folder. Specify a {SUFFIX} file.") from None
    except PermissionError:
        raise ModelFileError(f"{path} cannot be read: permission denied.") from None
    except (ModelFileError, SettingsError) as error:
        reason = str(error)
        raise ModelFileError(
            f"{path} cannot be loaded as a translator: {reason}{'' if reason.endswith(('.', '?')) else '.'}"
        ) from None
    except zipfile.BadZipFile:
        raise ModelFileError(f"{path} is not a model file, or incomplete. Copy or train it again.") from None
    except MemoryError:
        raise ModelFileError(f"{path} requires more memory than this machine has.") from None
    # The zip, JSON, HDF5 and Keras readers raise many kinds of errors for damaged or manipulated files.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelFileError(f"{path} is damaged: {reason:.200}. Copy or train it again.") from error


def _read_json(archive: zipfile.ZipFile) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the content and the configuration of the network, after checking both."""
    names = archive.namelist()
    if _ASSET_MEMBER not in names:
        raise ModelFileError("it contains no translator; it may be another Keras model")
    if set(names) != _MEMBERS or len(names) != len(_MEMBERS):
        unexpected = sorted(set(names) ^ _MEMBERS) or ["duplicate members"]
        raise ModelFileError(f"missing or unexpected archive members ({', '.join(unexpected)[:100]})")
    for info in archive.infolist():
        if info.filename != _WEIGHTS_MEMBER and info.file_size > _LARGEST_TEXT:
            raise ModelFileError(f"its member {info.filename} is too large ({info.file_size:,} bytes)")
        if info.filename == _WEIGHTS_MEMBER and info.file_size > 1.1 * info.compress_size + 2**20:
            raise ModelFileError("its weights are compressed, and Keras does not compress weights")
    content = json.loads(archive.read(_ASSET_MEMBER))
    if not isinstance(content, dict) or type(content.get("format")) is not int:
        raise ModelFileError(f"its {ASSET} has no integer `format`")
    if content["format"] > FORMAT:
        raise ModelFileError(
            f"it has format {content['format']}, and this version reads formats up to {FORMAT}; a newer version "
            f"wrote it. Upgrade with: pip install --upgrade passerelle"
        )
    if content["format"] < OLDEST_FORMAT:
        raise ModelFileError(
            f"it has format {content['format']}, which is older than the first release. Train it again"
        )
    config = json.loads(archive.read("config.json"))
    cls = SequenceToSequence
    expected = {
        "module": cls.__module__,
        "class_name": cls.__name__,
        "registered_name": f"passerelle>{cls.__name__}",
    }
    if not isinstance(config, dict) or any(config.get(key) != value for key, value in expected.items()):
        raise ModelFileError("the class of its network is not SequenceToSequence of this package")
    if config.get("compile_config") or set(config.get("build_config") or {}) - {"input_shape"}:
        raise ModelFileError("its network configuration has unexpected entries")
    values = config.get("config")
    if not isinstance(values, dict) or set(values) != _CONFIG:
        raise ModelFileError(f"its network configuration must have the entries {', '.join(sorted(_CONFIG))}")
    if not isinstance(values["name"], str):
        raise ModelFileError("the name of its network is not a string")
    check_specs(validated(NetworkSettings, values["settings"]), values["inputs"], values["outputs"])
    return content, values


def _check_shapes(config: dict[str, Any], weights: h5py.File) -> None:
    """Compare the array shapes that the settings imply with those of the file, without allocating the arrays."""
    shapes: list[tuple[int, ...]] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual or item.chunks or item.dtype.kind != "f":
                raise ModelFileError(f"its weights are not plain arrays of floats ({name})")
            shapes.append(item.shape)

    weights.visititems(visit)  # does not follow links
    size = sum(math.prod(shape) for shape in shapes) * 4
    if size > 2 * weights.id.get_filesize():
        raise ModelFileError("its weights are larger than the file")
    if keras.backend.backend() == "jax":
        import jax

        build = SequenceToSequence.from_config
        with override_initializers(keras.ops.zeros):
            expected = jax.eval_shape(lambda: [weight.value for weight in build(config).weights])
        if Counter(tuple(array.shape) for array in expected) != Counter(shapes):
            raise ModelFileError("the shapes of its weights do not match its settings")
