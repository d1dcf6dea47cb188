"""The groups of the help. Without the settings, so that `passerelle --help` does not wait for them."""

from cyclopts import Group

__all__ = ["ARGUMENTS", "GROUPS", "IN_GROUP"]

GROUPS = ("Data", "Text", "Model", "Training", "Search", "Output")
"""The groups of options, in order. A section of the settings names its group; Output holds options of commands only."""

ARGUMENTS = Group("Arguments", sort_key=0)
IN_GROUP = {name: Group(name, sort_key=number) for number, name in enumerate(GROUPS, start=1)}
"""The groups of the help by name, in order; for `Parameter(group=...)`."""
