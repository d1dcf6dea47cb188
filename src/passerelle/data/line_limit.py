"""The limit of the length of a line, so that a file that is no text, or a small packed one, cannot exhaust the RAM."""

from passerelle.errors import DataError
from passerelle.settings import MAX_LINE

__all__ = ["LineLimit"]


class LineLimit:
    """The maximum length of a line in characters; a row of several lines counts as one line.

    Args:
        name: name of the file, for messages.
        max_line: maximum number of characters, without the line end.
        unit: the unit that is counted, for messages.
        advice: what to do about a line that is too long, for messages.
    """

    def __init__(self, name: str, max_line: int = MAX_LINE, unit: str = "line", advice: str = "Split it"):
        self._name = name
        self._max_line = max_line
        self._unit = unit
        self._advice = advice

    def check(self, length: int, number: int) -> None:
        """Check the length of a line, or of its part that was read so far.

        Args:
            length: number of characters.
            number: number of the line, from 1.

        Raises:
            DataError: if it is too long.
        """
        if length > self._max_line:
            raise DataError(
                f"{self._name}, {self._unit} {number:,}: longer than {self._max_line:,} characters, the limit "
                f"`max_line`. {self._advice}, or raise the limit."
            )
