"""passerelle encode"""

from typing import Annotated

from cyclopts import Parameter

from passerelle.cli.display import note
from passerelle.cli.groups import IN_GROUP

__all__ = ["encode"]


def encode(
    model: str, /, *texts: str, out: str, tags: Annotated[str | None, Parameter(group=IN_GROUP["Data"])] = None
) -> None:
    """Write the encoder's vector of each text, or of each line of standard input, into a NumPy file.

    Parameters
    ----------
    model
        A .keras file that passerelle train wrote.
    texts
        The texts to encode; without any, every line of standard input.
    out
        The .npy file to write: float32, one row per text.
    tags
        The tags of all texts, for a model that was trained with tags; without, each text has its own tags after a tab.
    """
    import numpy as np

    from passerelle.cli.translate import tagged
    from passerelle.data.files import STANDARD_INPUT, read_lines, require_writable_file, write_atomically
    from passerelle.translator import Translator

    path = require_writable_file(out)
    translator = Translator.load(model)
    lines = list(texts) if texts else list(read_lines(STANDARD_INPUT))
    own_tags: str | list[str] | None = tags
    if tags is None and translator.signature.tagged:
        lines, own_tags = tagged(lines)
    vectors = translator.encode(lines, tags=own_tags)
    write_atomically(path, lambda stream: np.save(stream, vectors))
    note(f"wrote {path}: {vectors.shape[0]:,} vectors of {vectors.shape[1]:,} numbers")
