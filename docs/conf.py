"""Sphinx configuration of the documentation site; `make docs` builds it.

The source directory is the repository itself, so each link between two pages works here and on a Git web page alike.
"""

import inspect
import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

from docutils.nodes import TextElement, document, literal
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject
from sphinx.environment import BuildEnvironment
from sphinx.search.en import SearchEnglish

import passerelle

ROOT = Path(__file__).parents[1]

# The pages by section of the sidebar, the start page excepted. To add a page, add a line.
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
    # Other projects' types: their inventories would have to be downloaded for each build.
    (r"py:.*", r"(?:collections|keras|np|numpy|os|pathlib|pydantic|typing)\..*"),
    # Types of this package that no public name gives access to.
    (r"py:.*", r"passerelle\.(?:bundle|data|fields|inference|models|settings|text|training)\..*"),
]

html_theme = "furo"
html_title = "Passerelle"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_search_language = "en-zh"


class SearchEnglishAndChinese(SearchEnglish):
    """The search's English, with Chinese indexed by characters and by pairs of neighbouring ones.

    It needs no dictionary of words: a Chinese query is split into the same pairs, and all must be on a page.
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
    """Append the table of contents to the start page, which has none on a Git web page."""
    if page != root_doc:
        return
    for caption, pages in CONTENTS.items():
        present = [page for page in pages if page in app.env.found_docs]
        if present:
            text[0] += "\n".join(["\n```{toctree}", ":hidden:", f":caption: {caption}", "", *present, "```\n"])


def prepare_docstring(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Link the public names that a docstring quotes, and keep napoleon from reading "Words: more words" as a type."""
    owner = getattr(passerelle, name.split(".")[1], None)

    def link(match: re.Match[str]) -> str:
        member = getattr(owner, match[1], None)
        public = match[1].partition(".")[0] in passerelle.__all__ or callable(member) or isinstance(member, property)
        return f":py:obj:{match[0]}" if public else match[0]

    text = "\n".join(lines)
    text = re.sub(r"(?<![:`])`([A-Za-z]\w*(?:\.\w+)?)`(?![`_])", link, text)
    text = re.sub(r"^( *)(\S.*[^:]):\n\n(?=\1 {4})", r"\1\2::\n\n", text, flags=re.MULTILINE)  # indented code
    text = re.sub(r"^Returns:$", ":returns:", text, flags=re.MULTILINE)
    lines[:] = ["..", "", *text.split("\n")] if what == "property" else text.split("\n")  # an empty comment first


def hide_settings(app: Sphinx, obj: Any, bound_method: bool) -> None:
    """Show `**options` instead of the options themselves, which are listed in docs/settings.md."""
    if inspect.isfunction(obj):
        vars(obj).pop("__signature__", None)


def find_public_name(app: Sphinx, env: BuildEnvironment, node: pending_xref, contents: TextElement) -> Any:
    """Resolve a name by its last part, wherever the class is defined: Pairs for passerelle.data.pairs.Pairs."""
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
    """Give the start page the name that web servers look for, too."""
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
