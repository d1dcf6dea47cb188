"""passerelle encode"""

from typing import Annotated

from cyclopts import Parameter

from passerelle.cli.arguments import WHOLE_NUMBER
from passerelle.cli.display import note
from passerelle.cli.groups import IN_GROUP
from passerelle.cli.lines import check_texts
from passerelle.cli.output import Overwrite, require_absent
from passerelle.settings import MAX_LINE

__all__ = ["encode"]


def encode(
    model: str,
    /,
    *texts: str,
    out: str,
    overwrite: Overwrite = False,
    tags: Annotated[str | None, Parameter(group=IN_GROUP["Data"])] = None,
    max_line: Annotated[int, Parameter(group=IN_GROUP["Data"]), WHOLE_NUMBER] = MAX_LINE,
) -> None:
    """Write the encoder's vector (sentence embedding) of each text to a NumPy file.

    Parameters
    ----------
    model
        Model file (.keras) of a translator.
    texts
        Texts to encode. Without any, each line of standard input is encoded.
    out
        Output file (.npy): float32, one row per text.
    overwrite
        Replace an existing file. Without it, an existing file is an error.
    tags
        Tags of all texts, for a model with tags. Without it, each text must be followed by a tab and its tags.
    max_line
        Maximum number of characters of a text; a longer one is an error.
    """
    import numpy as np

    from passerelle.cli.texts import note_file_names, split_tags
    from passerelle.data.files import STANDARD_INPUT, read_lines
    from passerelle.data.writing import require_writable_file, write_atomically
    from passerelle.translator import Translator

    require_absent([out], overwrite=overwrite)
    path = require_writable_file(out)
    check_texts(texts, max_line)
    note_file_names(texts, "passerelle encode MODEL --out OUT < FILE")
    translator = Translator.load(model)
    lines = list(texts) if texts else list(read_lines(STANDARD_INPUT, max_line=max_line))
    tags_of_texts: str | list[str] | None = tags
    if tags is None and translator.signature.tagged:
        lines, tags_of_texts = split_tags(lines)
    vectors = translator.encode(lines, tags=tags_of_texts)
    write_atomically(path, lambda stream: np.save(stream, vectors), overwrite=overwrite)
    note(f"wrote {path}: {vectors.shape[0]:,} vectors of {vectors.shape[1]:,} numbers")
