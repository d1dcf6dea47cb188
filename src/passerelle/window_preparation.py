"""Preparation of a forecaster: check windows, fit the fields and encode the windows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from passerelle.data.batches import Batches
from passerelle.data.layout import Layout
from passerelle.data.windows import Windows
from passerelle.errors import DataError, SettingsError
from passerelle.fields.field import Field
from passerelle.fields.numbers import NumbersField, Use
from passerelle.fields.signature import Signature
from passerelle.fields.text import TextField
from passerelle.settings import AUTO_PRESET, FORECAST_PRESET, Settings
from passerelle.text.level import make_tokenizer

__all__ = ["PreparedWindows", "prepare_windows"]

VALIDATION_BATCH_SIZE = 256


@dataclass(frozen=True)
class PreparedWindows:
    """Prepared windows: the result of `prepare_windows`.

    Attributes:
        training: training windows.
        validation: validation windows; may be empty.
        settings: complete settings.
        signature: fields of the model, fitted to the training windows only.
        training_batches: encoded training windows.
        validation_batches: encoded validation windows; None without validation windows.
        layout: columns of the file of time series; None if there is none.
    """

    training: Windows
    validation: Windows
    settings: Settings
    signature: Signature
    training_batches: Batches
    validation_batches: Batches | None
    layout: Layout | None = None

    @classmethod
    def of(
        cls, training: Windows, held_out: Windows, settings: Settings, signature: Signature, layout: Layout | None
    ) -> "PreparedWindows":
        """Encode windows with fields that are fitted."""
        options = settings.training
        batches = _batches(training, signature, options.batch_size, options.seed)
        validation = _batches(held_out, signature, VALIDATION_BATCH_SIZE, None) if len(held_out) else None
        return cls(training, held_out, settings, signature, batches, validation, layout)


def prepare_windows(
    training: Windows, held_out: Windows, settings: Settings, layout: Layout | None = None
) -> PreparedWindows:
    """Fit the fields to the training windows, and encode all windows.

    Args:
        training: training windows.
        held_out: validation windows; may be empty.
        settings: complete settings.
        layout: columns of the file of time series, which the model file stores; None if there is none.

    Raises:
        DataError: if windows have the wrong shape, numbers are missing or infinite, or there are too few windows.
        SettingsError: if the preset is `auto`, or `targets` are no columns of the history.
    """
    if settings.preset == AUTO_PRESET:
        raise SettingsError(
            f"preset {AUTO_PRESET!r} chooses from pairs of texts. Use another preset, such as {FORECAST_PRESET!r}."
        )
    if len(training) < 2:
        raise DataError(f"{training.name}: training needs at least two windows, received: {len(training)}.")
    return PreparedWindows.of(training, held_out, settings, _fit_signature(settings, training), layout)


def _batches(windows: Windows, signature: Signature, size: int, seed: int | None) -> Batches:
    columns = windows.columns
    return Batches(signature.encode_inputs(columns), signature.encode_targets(columns), size, seed=seed)


def _fit_signature(settings: Settings, training: Windows) -> Signature:
    """Fit the fields to the training rows: `history`, `known` and `static` as inputs, `future` as output.

    Raises:
        DataError: if rows have the wrong shape, or numbers are missing or infinite.
    """
    columns = training.columns
    mode, season, segment = settings.numbers.scaling, settings.numbers.season, settings.numbers.segment
    inputs: dict[str, Field] = {"history": _fit_history(settings, training)}
    uses: dict[str, Use] = {"known": "steps", "static": "vector"}
    for name, use in uses.items():
        if columns.get(name) is not None:
            inputs[name] = NumbersField.fit(name, columns, names=_names(training, name), use=use, segment=segment)
    names = _names(training, "future")
    relative = _continued(training, len(names))
    target = NumbersField.fit(
        "future",
        columns,
        names=names,
        use="forecast",
        mode=mode,
        season=season,
        segment=segment,
        relative_to=None if relative is None else ("history", relative),
    )
    return Signature(inputs, {"future": target})


def _fit_history(settings: Settings, training: Windows) -> Field:
    if not isinstance(training.history[0], str):
        numbers, names = settings.numbers, _names(training, "history")
        options: dict[str, Any] = {"mode": numbers.scaling, "season": numbers.season, "segment": numbers.segment}
        return NumbersField.fit("history", {"history": training.history}, names=names, **options)
    text = settings.source
    tokenizer = make_tokenizer(
        "character" if text.level == "auto" else text.level,
        text.separator,
        texts=training.history,
        lowercase=text.lowercase,
        exact_whitespace=text.exact_whitespace,
        size=text.vocabulary_size,
        min_count=text.min_count,
        ignore_spacing=text.ignore_spacing,
    )
    if not tokenizer.vocabulary.tokens:
        raise DataError(f"{training.name}: the texts of history contain no tokens.")
    return TextField("history", tokenizer)


def _names(windows: Windows, attribute: str) -> list[str]:
    """Return the names of the columns of an attribute."""
    if windows.names and attribute in windows.names:
        return list(windows.names[attribute])
    first = np.shape(getattr(windows, attribute)[0])
    axes = 1 if attribute == "static" else 2
    width = first[-1] if len(first) >= axes else 1
    return [str(number) for number in range(1, width + 1)]


def _continued(training: Windows, width: int) -> tuple[int, ...] | None:
    """Return the columns of the history that the future continues; None if the history lacks them."""
    if isinstance(training.history[0], str):
        return None
    available = len(_names(training, "history"))
    if training.targets is None:
        return tuple(range(width)) if available == width else None
    targets = tuple(training.targets)
    if len(targets) != width or not all(type(target) is int and 0 <= target < available for target in targets):
        raise SettingsError(
            f"targets must be {width} columns of the history from 0 to {available - 1}, one for each column of the "
            f"future, received: {list(targets)}"
        )
    return targets
