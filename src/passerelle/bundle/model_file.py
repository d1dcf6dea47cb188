"""The model file: one `.keras` file, written atomically and checked before it is loaded.

The file is a zip archive in Keras's format: `config.json` (the settings of the network), `model.weights.h5`, and
`assets/translator.json` with everything else. `keras.saving.load_model` can open it too, if
`passerelle.SequenceToSequence` has been imported. Loading never executes code from the file: its only class must be
`SequenceToSequence`, and sizes, settings, JSON content and array shapes are checked against each other before the
network is built. Nothing is unpacked into a folder.
"""

import errno
import io
import json
import os
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from passerelle.backend import computing
from passerelle.bundle.archive import ASSET_MEMBER, CONFIG_MEMBER, METADATA_MEMBER, WEIGHTS_MEMBER, open_archive
from passerelle.bundle.json_text import parse_json
from passerelle.bundle.weights import check_size, read_arrays, variables_by_name
from passerelle.data.writing import replace_atomically, require_space, require_writable_file
from passerelle.errors import BackendError, ModelFileError, OutputError, SettingsError, brief
from passerelle.layers.initializers import override_initializers
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.models.specs import check_specs
from passerelle.settings import NetworkSettings, validated

__all__ = ["SUFFIX", "load_network", "require_model_path", "save_network", "space_to_save"]

SUFFIX = ".keras"
ASSET = ASSET_MEMBER.removeprefix("assets/")
FORMAT = 3
"""Version of the format, incremented when code for the old format would misread the new one."""
OLDEST_FORMAT = 2
"""Oldest format that can be read; it lacks `ignore_spacing`, so its models at level word are refused."""

_CONFIG = {"settings", "inputs", "outputs", "name"}
_MACHINE_ERRORS = {errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EROFS}
"""Errors of the machine, which say nothing about the file that was being read."""

_OVERHEAD = 2**12  # bytes, generous: what HDF5 adds to an array, and the archive to its members


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
        BackendError: if the backend or the device cannot be used, or memory is too small.
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


def space_to_save(network: SequenceToSequence, content: int) -> tuple[int, int]:
    """Return the bytes of the two files that exist at the same time while a network is saved, at most.

    Args:
        network: the network.
        content: bytes of the other parts of the translator.
    """
    size = sum(weight.nbytes for weight in network.get_weights()) + _OVERHEAD * len(network.weights)
    return size, size + content + _OVERHEAD


def _write(network: SequenceToSequence, text: str, path: Path) -> None:
    """Write a model file with the members that Keras writes. Keras itself would use the system's temporary folder."""
    weights = path.with_name("new.weights.h5")
    require_space(path.parent, *space_to_save(network, len(text.encode())))
    network.save_weights(weights)
    metadata = {"keras_version": keras.__version__, "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S")}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(METADATA_MEMBER, json.dumps(metadata))
        archive.writestr(CONFIG_MEMBER, json.dumps(keras.saving.serialize_keras_object(network)))
        archive.write(weights, WEIGHTS_MEMBER)
        archive.writestr(ASSET_MEMBER, text)


def _to_json(content: dict[str, Any]) -> str:
    """Return JSON; a lone surrogate, as in a file name that is not UTF-8, becomes an escape such as `\\udce9`."""
    return json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace").decode()


def load_network(path: str | os.PathLike[str]) -> tuple[SequenceToSequence, dict[str, Any]]:
    """Load a file that `save_network` wrote.

    Keras does not read the file: it would first unpack all of it into a temporary folder.

    Returns:
        The network, not compiled, and the content that was saved with it.

    Raises:
        ModelFileError: if the file is missing, damaged, no model file, from another version, or unsafe.
        BackendError: if the backend or the device cannot be used, or memory is too small.
    """
    path = Path(path)
    with _one_line_errors(path), computing():
        with open_archive(path) as archive:
            archive.read(METADATA_MEMBER)  # compares it with its checksum
            content = _read_content(archive.read(ASSET_MEMBER))
            config = _read_config(archive.read(CONFIG_MEMBER))
            shapes = _expected_shapes(config)
            check_size(archive.getinfo(WEIGHTS_MEMBER).file_size, shapes)
            with h5py.File(io.BytesIO(archive.read(WEIGHTS_MEMBER)), "r") as weights:
                arrays = read_arrays(weights, shapes)
        network = _build(config)
        for name, variable in variables_by_name(network).items():
            variable.assign(arrays[name])
        return network, content


def _build(config: dict[str, Any]) -> SequenceToSequence:
    with override_initializers(np.zeros):
        return SequenceToSequence.from_config(config)


def _expected_shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of the weights by name; on JAX, without allocating the arrays."""
    shapes: dict[str, tuple[int, ...]] = {}

    def record(network: SequenceToSequence) -> None:
        shapes.update((name, tuple(variable.shape)) for name, variable in variables_by_name(network).items())

    if keras.backend.backend() == "jax":
        import jax

        with override_initializers(keras.ops.zeros):
            jax.eval_shape(lambda: record(SequenceToSequence.from_config(config)))
    else:
        record(_build(config))
    return shapes


@contextmanager
def _one_line_errors(path: Path) -> Iterator[None]:
    """Convert every error of reading a file to a `ModelFileError` with a one-line message."""
    try:
        if path.suffix != SUFFIX:
            raise ModelFileError(f"the name of a model file must end in {SUFFIX}")
        yield
    except BackendError as error:  # the machine's fault, not the file's
        raise type(error)(f"{path} cannot be loaded: {error}") from error
    except FileNotFoundError as error:
        if path.exists():
            raise ModelFileError(f"{path} cannot be loaded: {error}.") from error
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
    # The zip, JSON, HDF5 and Keras readers raise many kinds of errors for damaged or manipulated files.
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _MACHINE_ERRORS:
            raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelFileError(f"{path} is damaged: {reason:.200}. Copy or train it again.") from error


def _read_content(data: bytes) -> dict[str, Any]:
    """Parse `translator.json` and check its format."""
    content = parse_json(data, ASSET)
    if not isinstance(content, dict) or type(content.get("format")) is not int:
        raise ModelFileError(f"its {ASSET} has no integer `format`")
    if content["format"] > FORMAT:
        raise ModelFileError(
            f"it has format {brief(content['format'])}, and this version reads formats up to {FORMAT}; a newer "
            f"version wrote it. Upgrade with: pip install --upgrade passerelle"
        )
    if content["format"] < OLDEST_FORMAT:
        raise ModelFileError(
            f"it has format {brief(content['format'])}, which is older than the first release. Train it again"
        )
    return content


def _read_config(data: bytes) -> dict[str, Any]:
    """Parse `config.json`, check it, and return the arguments of the network."""
    config = parse_json(data, CONFIG_MEMBER)
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
    if not re.fullmatch(r"[A-Za-z][\w-]{0,99}", values["name"]):
        raise ModelFileError(f"the name of its network is no name of a Keras model, received: {brief(values['name'])}")
    check_specs(validated(NetworkSettings, values["settings"]), values["inputs"], values["outputs"])
    return values
