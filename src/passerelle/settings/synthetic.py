"""Settings of synthetic pairs: pairs of which a model wrote one side, by distillation or back-translation."""

from typing import Annotated, ClassVar

from pydantic import Field

from passerelle.settings.schema import Section, setting

__all__ = ["SyntheticSettings"]


class SyntheticSettings(Section):
    """Synthetic pairs among the training pairs: distillation and back-translation."""

    group: ClassVar[str] = "Training"

    reference_copies: int = setting(
        1,
        "With synthetic pairs: number of copies of each original pair in the training pairs; 2 gives the original "
        "pairs twice the weight, and 0 trains on synthetic pairs only.",
        option=True,
        ge=0,
        le=100,
    )
    translation_share: Annotated[float, Field(gt=0.0, lt=1.0)] = setting(
        0.5,
        "If minutes is set: maximum share of this time for translating the texts of synthetic pairs. Texts are "
        "translated in random order, and those that are left are not used.",
        option=True,
    )
