"""Any text as text of an XML document."""

import re
from xml.sax.saxutils import escape

__all__ = ["valid_characters", "xml_text"]

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def valid_characters(text: str) -> str:
    """Replace the characters that XML cannot contain, such as control characters and lone surrogates, by U+FFFD."""
    return _NOT_XML.sub("\ufffd", text)


def xml_text(text: str) -> str:
    """Return the text with valid characters only, and with `&`, `<` and `>` escaped."""
    return escape(valid_characters(text))
