"""Groups of options in the help. Does not import the settings, so that `passerelle --help` does not wait for them."""

from cyclopts import Group

__all__ = ["ARGUMENTS", "GROUPS", "IN_GROUP"]

GROUPS = ("Data", "Text", "Numbers", "Model", "Training", "Search", "Output")
"""Names of the groups, in order. A section of settings names its group; Output has only options of commands."""

ARGUMENTS = Group("Arguments", sort_key=0)
IN_GROUP = {name: Group(name, sort_key=number) for number, name in enumerate(GROUPS, start=1)}
"""Groups by name, for `Parameter(group=...)`."""
