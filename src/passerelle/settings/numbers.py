"""Settings of numbers as inputs and outputs."""

from typing import ClassVar, Literal

from passerelle.settings.schema import Section, setting

__all__ = ["MAX_STEPS", "NumberSettings"]

MAX_STEPS = 100_000
"""Maximum number of steps of a forecast, and maximum length of a season."""


class NumberSettings(Section):
    """Scaling of numbers, inside the model: it reads and returns numbers in their own units."""

    group: ClassVar[str] = "Numbers"

    scaling: Literal["column", "window", "last", "season"] = setting(
        "column",
        "Scaling of the numbers of a sequence and of a forecast: column, by mean and standard deviation of each column "
        "in the training rows; window, by those of each input sequence (RevIN, Kim et al. 2022); last, the difference "
        "to the last input; or season, forecasts as the difference to the last season of the input. A forecast of "
        "columns that the input does not contain is scaled by column.",
        option=True,
    )
    segment: int = setting(
        1,
        "Number of consecutive steps that the encoder reads, and the decoder writes, as one vector (SegRNN, "
        "arXiv:2308.11200). It divides the number of steps of a forecast. Longer segments make a long history short: "
        "training is faster, and often better.",
        option=True,
        ge=1,
        le=MAX_STEPS,
    )
    season: int = setting(
        1,
        "Length of a season in steps, such as 7 for daily numbers with a weekly pattern: for scaling season, and for "
        "the seasonal naive forecast.",
        option=True,
        ge=1,
        le=MAX_STEPS,
    )
