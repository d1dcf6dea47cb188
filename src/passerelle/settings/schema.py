"""The schema: sections of settings, and what is known of each setting besides its value.

A setting is one field of a `Section`: name, type, bounds, default, description and option are written there and
nowhere else. Validation, settings files, keyword arguments, flags, help and docs/settings.md are all derived from it.
"""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from passerelle.errors import SettingsError, did_you_mean

__all__ = ["Section", "Setting", "section", "setting", "settings_in", "validated"]


class Section(BaseModel):
    """A group of settings. Sections are frozen and refuse unknown names.

    Attributes:
        group: the group of the command line's help that shows the section's options; one of `cli.groups.GROUPS`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    group: ClassVar[str] = "Model"


S = TypeVar("S", bound=Section)


def setting(
    default: Any,
    description: str,
    *,
    option: bool | str = False,
    data_only: bool = False,
    implies: Mapping[str, Any] | None = None,
    from_file: bool = False,
    **bounds: Any,
) -> Any:
    """Declare a setting of a section.

    Args:
        default: the default value.
        description: sentences for the help and the table of settings.
        option: name of the flag and keyword argument that sets it; True for the setting's own name, False for none
            (the setting is then reached by its dotted name).
        data_only: whether a search passes the value to its compiled program as data. Such a setting does not select
            the program.
        implies: values of settings of the same section that the option sets too, unless they are given.
        from_file: whether the flag takes a file with one text per line instead of the texts.
        **bounds: constraints of `pydantic.Field`, such as `ge` and `le`.

    Returns:
        The pydantic field.
    """
    facts = {"option": option, "data_only": data_only, "implies": dict(implies or {}), "from_file": from_file}
    return Field(default, description=description, json_schema_extra=facts, **bounds)


def section(default: Section, description: str, *, is_side: bool = False) -> Any:
    """Declare a section inside a section.

    Args:
        default: the section with its defaults.
        description: a sentence for the table of settings.
        is_side: whether it is one of several sections of the same kind (`source`, `target`). An option `level` in
            it then sets all of them, and an option `source_level` only this one.
    """
    return Field(default, description=description, json_schema_extra={"is_side": is_side})


@dataclass(frozen=True)
class Setting:
    """One setting, as declared in its section.

    Attributes:
        path: dotted name, such as `network.encoder.units`.
        field: the pydantic field: type, bounds, default, description.
        section: the section's class.
        side: name of the side that the setting belongs to, or None.
    """

    path: str
    field: FieldInfo
    section: type[Section]
    side: str | None = None

    @property
    def name(self) -> str:
        """The last part of `path`."""
        return self.path.rpartition(".")[2]

    @property
    def parent(self) -> str:
        """`path` without the name; empty for a setting of the outermost section."""
        return self.path.rpartition(".")[0]

    @property
    def description(self) -> str:
        """The description, in sentences."""
        return self.field.description or ""

    @property
    def option(self) -> str | None:
        """Name of the option that sets it, without a side; None if there is none."""
        option = _facts(self.field).get("option", False)
        return (self.name if option is True else option) or None

    @property
    def data_only(self) -> bool:
        """See `setting`."""
        return bool(_facts(self.field).get("data_only"))

    @property
    def implies(self) -> dict[str, Any]:
        """See `setting`."""
        return _facts(self.field).get("implies", {})

    @property
    def from_file(self) -> bool:
        """See `setting`."""
        return bool(_facts(self.field).get("from_file"))

    @property
    def optional(self) -> bool:
        """Whether the value may be None."""
        return NoneType in get_args(self.field.annotation)

    @property
    def kind(self) -> Any:
        """The type of a value that is not None: bool, int, float, str, tuple, or a `Literal`."""
        if not self.optional:
            return self.field.annotation
        (kind, *_) = (one for one in get_args(self.field.annotation) if one is not NoneType)
        return kind

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed values of a `Literal`; empty for other types."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()

    @property
    def plain_kind(self) -> type:
        """`kind`, but str for a `Literal` and tuple for every tuple."""
        return str if self.choices else get_origin(self.kind) or self.kind

    @property
    def bounds(self) -> str:
        """The bounds in words, such as `1 to 8192`; empty if there are none."""
        found: dict[str, Any] = {}
        for part in self.field.metadata:
            found |= {name: getattr(part, name) for name in ("ge", "gt", "le", "lt") if hasattr(part, name)}
        number = {name: f"{int(bound) if bound == int(bound) else bound:,}" for name, bound in found.items()}
        low = f"above {number['gt']}" if "gt" in number else number.get("ge", "")
        high = f"below {number['lt']}" if "lt" in number else number.get("le", "")
        if low and high:
            return f"{low} to {high}"
        return f"{low} or more" if "ge" in number else low or high


def settings_in(kind: type[Section], parent: str = "", side: str | None = None) -> Iterator[Setting]:
    """Yield every setting of a section and of the sections in it, a section's own ones before inherited ones."""
    own = inspect.get_annotations(kind)
    for name, field in sorted(kind.model_fields.items(), key=lambda item: item[0] not in own):
        path = f"{parent}.{name}" if parent else name
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from settings_in(field.annotation, path, name if _facts(field).get("is_side") else side)
        else:
            yield Setting(path, field, kind, side)


def validated(kind: type[S], values: Mapping[str, Any]) -> S:
    """Build a section from plain values.

    Raises:
        SettingsError: naming every wrong value, in one line.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(kind, dict(problem)) for problem in error.errors())) from None


def _facts(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _explain(kind: type[Section], problem: dict[str, Any]) -> str:
    path = [str(step) for step in problem["loc"]]
    name = ".".join(path) or "settings"
    if problem["type"] == "extra_forbidden":
        within: Any = kind
        for step in path[:-1]:
            within = within.model_fields[step].annotation
        return f"unknown setting {name!r}.{did_you_mean(path[-1], within.model_fields)}"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error":
        return f"{name}: {message}"
    return f"{name}: {message[0].lower()}{message[1:]}, received: {problem['input']!r}"
