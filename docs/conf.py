"""Sphinx configuration of the documentation site; `make docs` builds it.

The source directory is the repository itself, so a link between two pages works both here and on a Git web page.
"""

import inspect
import re
import shutil
from itertools import pairwise
from pathlib import Path
from types import FunctionType
from typing import Any

from docutils.nodes import TextElement, document, literal
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject
from sphinx.environment import BuildEnvironment
from sphinx.search.en import SearchEnglish

import passerelle

ROOT = Path(__file__).parents[1]

# The pages in each section of the sidebar, without the start page. To add a page, add a line.
CONTENTS = {
    "Guide": [
        "docs/how-it-works",
        "docs/recipes",
        "docs/coming-from-another-tool",
        "docs/settings",
    ],
    "Reference": [
        "docs/api",
        "docs/architecture",
        "docs/quality",
        "docs/performance",
    ],
    "Project": [
        "CHANGELOG",
        "CONTRIBUTING",
        "SECURITY",
    ],
    "中文": [
        "README.zh-CN",
        "docs/recipes.zh-CN",
    ],
}

project = "Passerelle"
author = "The Passerelle authors"
version = release = passerelle.__version__

root_doc = "README"
exclude_patterns = [path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "docs"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
nitpicky = True

myst_heading_anchors = 4  # anchors named as on a Git web page

autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_maximum_signature_line_length = 100
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"
next(field for field in PyObject.doc_field_types if field.name == "variable").label = "Attributes"
default_role = "code"  # docstrings quote code in single backticks
nitpick_ignore_regex = [
    # Types of other projects: links to them would need their inventories, downloaded for each build.
    ("py:class", r"(?:collections\.abc|numpy|os)\.\w+"),
    # Types of arguments and properties that are passed on and not used by hand, so the reference leaves them out.
    (
        "py:class",
        r"passerelle\..+\.(?:Bundle|Calibration|InferenceModel|Interruption|Lengths|NetworkSettings|NumbersField|"
        r"RegressionModel|SearchSettings|Signature|Stepper|Storage|Tokenizer)",
    ),
]

html_theme = "furo"
html_title = "Passerelle"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_search_language = "en-zh"


class SearchEnglishAndChinese(SearchEnglish):
    """English, and Chinese without a dictionary of words.

    The index has each Chinese character and each pair of neighbouring characters; a query is split into such pairs.
    """

    lang = "en-zh"
    language_name = "English"  # the stemmer's
    js_splitter_code = r"""
var splitQuery = (query) =>
  (query.match(/[\u3400-\u9fff]+|(?:(?![\u3400-\u9fff])[\p{L}\p{N}_])+/gu) || []).flatMap((run) =>
    /[\u3400-\u9fff]{2}/.test(run) ? [...run.slice(1)].map((next, i) => run[i] + next) : [run]);
"""

    def split(self, input: str) -> list[str]:
        words = []
        for run in re.findall(r"[\u3400-\u9fff]+|[^\W\u3400-\u9fff]+", input):
            pairs = map("".join, pairwise(run))
            words += [*run, *pairs] if "\u3400" <= run[0] <= "\u9fff" else [run]
        return words


def add_contents(app: Sphinx, page: str, text: list[str]) -> None:
    """Append the table of contents to the start page; a Git web page would show it as code."""
    if page != root_doc:
        return
    for caption, pages in CONTENTS.items():
        present = [page for page in pages if page in app.env.found_docs]
        if present:
            text[0] += "\n".join(["\n```{toctree}", ":hidden:", f":caption: {caption}", "", *present, "```\n"])


def is_documented(owner: Any, name: str) -> bool:
    """Whether the API reference has this method or property of a public class."""
    member = vars(owner).get(name) if inspect.isclass(owner) else None
    return isinstance(member, FunctionType | classmethod | property) and bool(member.__doc__) and name[0] != "_"


def prepare_docstring(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Link public names in backticks, mark indented code, and keep napoleon from reading "words: words" as a type."""
    owner = getattr(passerelle, name.split(".")[1], None)

    def link(match: re.Match[str]) -> str:
        first, _, rest = match[1].partition(".")
        known = is_documented(getattr(passerelle, first, None), rest) if rest else first in passerelle.__all__
        return f":py:obj:{match[0]}" if known or is_documented(owner, match[1]) else match[0]

    text = "\n".join(lines)
    text = re.sub(r"(?<![:`])`([A-Za-z]\w*(?:\.\w+)?)`(?![`_])", link, text)
    text = re.sub(r"^( *)(\S.*[^:]):\n\n(?=\1 {4})", r"\1\2::\n\n", text, flags=re.MULTILINE)
    text = re.sub(r"^Returns:$", ":returns:", text, flags=re.MULTILINE)
    lines[:] = ["..", "", *text.split("\n")] if what == "property" else text.split("\n")  # begins with an empty comment


def hide_settings(app: Sphinx, obj: Any, bound_method: bool) -> None:
    """Show `**options` instead of the options themselves, which are listed in docs/settings.md."""
    if inspect.isfunction(obj):
        vars(obj).pop("__signature__", None)


def find_public_name(app: Sphinx, env: BuildEnvironment, node: pending_xref, contents: TextElement) -> Any:
    """Resolve a class by its last name: passerelle.data.pairs.Pairs is documented as passerelle.Pairs."""
    name = node["reftarget"].rpartition(".")[2]
    known = [full for full in env.domains.python_domain.objects if full.rpartition(".")[2] == name]
    if node.get("refdomain") != "py" or len(known) != 1 or name[:1].islower():
        return None
    return env.domains.python_domain.resolve_xref(env, node["refdoc"], app.builder, "obj", known[0], node, contents)


def mark_long_code(app: Sphinx, page: document) -> None:
    """Let site.css break code that would widen a table."""
    for code in page.findall(literal):
        if max(map(len, code.astext().split()), default=0) > 30:
            code["classes"].append("long")


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Copy the start page to index.html, the name that web servers look for."""
    if exception is None and app.builder.name == "html":
        shutil.copyfile(Path(app.outdir, f"{root_doc}.html"), Path(app.outdir, "index.html"))


def setup(app: Sphinx) -> None:
    app.add_search_language(SearchEnglishAndChinese)
    app.connect("source-read", add_contents)
    app.connect("autodoc-process-docstring", prepare_docstring, priority=400)  # before napoleon
    app.connect("autodoc-before-process-signature", hide_settings)
    app.connect("missing-reference", find_public_name)
    app.connect("doctree-read", mark_long_code)
    app.connect("build-finished", write_index)
