"""The schema of settings: declares, lists and validates them.

A setting is one field of a `Section`. Its name, type, bounds, default, description and option are declared there and
nowhere else. Validation, settings files, keyword arguments, flags, help and docs/settings.md are derived from it.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from passerelle.errors import SettingsError, brief, did_you_mean, listed

__all__ = [
    "Section",
    "Setting",
    "check_value",
    "named_sections",
    "section",
    "sections",
    "setting",
    "settings_in",
    "validated",
]


class Section(BaseModel):
    """Base class of all sections of settings. Sections are frozen and refuse unknown names.

    Attributes:
        group: the group that shows the section's options in the command line's help; one of `cli.groups.GROUPS`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    group: ClassVar[str] = "Model"


S = TypeVar("S", bound=Section)

MAX_NAMES = 1000
"""Maximum number of names that are validated, because each unknown one is an error; there are about 100 settings."""


def setting(
    default: Any,
    description: str,
    *,
    option: bool | str = False,
    data_only: bool = False,
    implies: Mapping[str, Any] | None = None,
    from_file: bool = False,
    stored: bool = False,
    group: str | None = None,
    **bounds: Any,
) -> Any:
    """Declare a setting of a section.

    Args:
        default: the default value.
        description: one or more sentences for the help and docs/settings.md.
        option: name of the flag and keyword argument that set it. True means the setting's own name. With False,
            the setting has no option and is set by its dotted name only.
        data_only: for settings of a search, whether the compiled program receives the value as data, so that another
            value does not compile another program.
        implies: values of other settings of the section that the option also sets, unless they are set explicitly.
        from_file: whether the flag takes a file with one text per line instead of the texts themselves.
        stored: for settings of a search, whether a model file stores a value that is the default for this model.
        group: the group that shows its option in the help; by default that of the section.
        **bounds: constraints of `pydantic.Field`, such as `ge` and `le`.

    Returns:
        The pydantic field.
    """
    facts = {
        "option": option,
        "data_only": data_only,
        "implies": dict(implies or {}),
        "from_file": from_file,
        "stored": stored,
        "group": group,
    }
    return Field(default, description=description, json_schema_extra=facts, **bounds)


def section(default: Section, description: str, *, is_side: bool = False) -> Any:
    """Declare a section inside a section.

    Args:
        default: the section with its defaults.
        description: one sentence.
        is_side: whether the section is a side (`source` or `target`). An option of a side, such as `level`, sets both
            sides; `source_level` sets only one.
    """
    return Field(default, description=description, json_schema_extra={"is_side": is_side})


def sections(kind: type[Section], description: str) -> Any:
    """Declare sections of one kind by name, such as `outputs.de` and `outputs.fr`; empty by default.

    Args:
        kind: the class of the sections.
        description: one sentence.
    """
    return Field(default_factory=dict, description=description, json_schema_extra={"named": kind.__name__})


@dataclass(frozen=True)
class Setting:
    """One setting, as declared in its section.

    Attributes:
        path: dotted name, such as `network.encoder.units`.
        field: the pydantic field, with type, bounds, default and description.
        section: the class of its section.
        side: name of its side, `source` or `target`; None if it belongs to no side.
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
        """Dotted name of the section that contains this setting; empty for the outermost section."""
        return self.path.rpartition(".")[0]

    @property
    def description(self) -> str:
        """The description for the help and docs/settings.md."""
        return self.field.description or ""

    @property
    def option(self) -> str | None:
        """Name of its option, without a side; None if it has no option."""
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
    def stored(self) -> bool:
        """See `setting`."""
        return bool(_facts(self.field).get("stored"))

    @property
    def group(self) -> str:
        """The group that shows its option in the command line's help."""
        return _facts(self.field).get("group") or self.section.group

    @property
    def optional(self) -> bool:
        """Whether the value may be None."""
        return NoneType in get_args(self.field.annotation)

    @property
    def value_type(self) -> Any:
        """The type without None: bool, int, float, str, a tuple type, or a `Literal`."""
        if not self.optional:
            return self.field.annotation
        (value_type, *_) = (part for part in get_args(self.field.annotation) if part is not NoneType)
        return value_type

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed values of a `Literal`; empty for other types."""
        return get_args(self.value_type) if get_origin(self.value_type) is Literal else ()

    @property
    def plain_type(self) -> type:
        """`value_type`, but str for a `Literal`, and tuple for every tuple type."""
        return str if self.choices else get_origin(self.value_type) or self.value_type

    @property
    def bounds(self) -> str:
        """The bounds in words, such as `1 to 8,192`; empty if there are none."""
        found: dict[str, Any] = {}
        for part in self.field.metadata:
            found |= {name: getattr(part, name) for name in ("ge", "gt", "le", "lt") if hasattr(part, name)}
        number = {name: f"{int(bound) if bound == int(bound) else bound:,}" for name, bound in found.items()}
        low = f"above {number['gt']}" if "gt" in number else number.get("ge", "")
        high = f"below {number['lt']}" if "lt" in number else number.get("le", "")
        if low and high:
            return f"{low} to {high}"
        return f"{low} or more" if "ge" in number else low or high


def settings_in(section_type: type[Section], parent: str = "", side: str | None = None) -> Iterator[Setting]:
    """Yield every setting of a section and of the sections inside it, without sections by name (`named_sections`).

    Settings that the class itself declares come before inherited ones.

    Args:
        section_type: the class of the section.
        parent: dotted name of the section; empty for the outermost one.
        side: name of the side that the section belongs to.
    """
    own = inspect.get_annotations(section_type)
    for name, field in sorted(section_type.model_fields.items(), key=lambda item: item[0] not in own):
        path = f"{parent}.{name}" if parent else name
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from settings_in(field.annotation, path, name if _facts(field).get("is_side") else side)
        elif not _facts(field).get("named"):
            yield Setting(path, field, section_type, side)


def named_sections(section_type: type[Section], parent: str = "") -> dict[str, type[Section]]:
    """Return the class of sections by name (`sections`), under the dotted name of their mapping: `network.decoders`."""
    found = {}
    for name, field in section_type.model_fields.items():
        path = f"{parent}.{name}" if parent else name
        if _facts(field).get("named"):
            found[path] = get_args(field.annotation)[1]
        elif isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found |= named_sections(field.annotation, path)
    return found


def validated(section_type: type[S], values: Mapping[str, Any]) -> S:
    """Build a section from plain values and validate it.

    Raises:
        SettingsError: if a name is unknown or a value invalid; one line that lists all of them by dotted name.
    """
    if (count := _count_names(values)) > MAX_NAMES:
        raise SettingsError(f"settings with {count:,} names; at most {MAX_NAMES:,} are read.")
    try:
        return section_type.model_validate(values)
    except ValidationError as error:
        raise SettingsError(listed(_explain(section_type, dict(problem)) for problem in error.errors())) from None


def check_value(setting: Setting, value: Any) -> None:
    """Check a value of one setting, without the checks that concern several settings.

    Raises:
        SettingsError: if it has another type, or is out of bounds.
    """
    field = setting.field
    checked: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    adapter = TypeAdapter(checked, config=ConfigDict(strict=True))
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        raise SettingsError(f"{setting.path}: {message[0].lower()}{message[1:]}, received: {brief(value)}") from None


def _count_names(values: Any) -> int:
    """Return the number of names in nested values, those that do not exist included."""
    return len(values) + sum(map(_count_names, values.values())) if isinstance(values, Mapping) else 0


def _facts(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _explain(section_type: type[Section], problem: dict[str, Any]) -> str:
    """Return the message for one problem that pydantic reports."""
    path = [str(step) for step in problem["loc"]]
    name = ".".join(path) or "settings"
    if problem["type"] == "extra_forbidden":
        within = _section_at(section_type, path[:-1])
        return f"unknown setting {brief(name)}.{did_you_mean(path[-1], within.model_fields)}"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error":
        return f"{name}: {message}"
    return f"{name}: {message[0].lower()}{message[1:]}, received: {brief(problem['input'])}"


def _section_at(section_type: type[Section], path: Sequence[str]) -> type[Section]:
    """Return the class of the section with this path."""
    within: Any = section_type
    steps = iter(path)
    for step in steps:
        field = within.model_fields[step]
        if _facts(field).get("named"):
            next(steps, None)  # the name of the section
        within = get_args(field.annotation)[1] if _facts(field).get("named") else field.annotation
    return within
