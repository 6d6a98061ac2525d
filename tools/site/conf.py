"""What Sphinx is told: the theme, and how pages and docstrings are read."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

from trainlab import versions

HERE = Path(__file__).parent

project = "trainlab"
author = "the trainlab authors"
copyright = f"2026, {author}"
version = release = versions.own()

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = [
    "_examples",
    "**.ipynb",
    "examples/sg_execution_times.rst",
    "sg_execution_times.rst",
]
nitpicky = True
# Names of others are not linked: the site is built without a network.
nitpick_ignore_regex = [(r"py:.*", r"(?!trainlab).*")]

# --- pages ------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_fence_as_directive = {"math"}  # as forges write displayed formulas
myst_heading_anchors = 4
default_role = "literal"  # `name` in docstrings is code
highlight_language = "python3"

# --- names ------------------------------------------------------------------------------------

autodoc_typehints = "none"  # types stand in the tables of parameters
autodoc_class_signature = "mixed"
autodoc_inherit_docstrings = True
autosummary_generate = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
add_module_names = False
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

# --- examples ---------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "_examples",
    "gallery_dirs": "examples",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "staging.InOrder",
    "download_all_examples": True,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 60,
    "write_computation_times": False,
    "abort_on_example_error": True,
    "copyfile_regex": "",
    "remove_config_comments": True,
    "matplotlib_animations": False,
}

# --- look -------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "trainlab"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # it would be fetched, which browsers refuse to a file
html_theme_options = {
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc", "sg_download_links"],
    "show_prev_next": True,
    "search_bar_text": "Search",
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": []}
copybutton_prompt_text = ">>> "

# MathJax without a network: one file, in which the fonts are.
MATHJAX = importlib.util.find_spec("sphinx-mathjax-offline")
assert MATHJAX is not None, "the dependency group `docs` has it"
mathjax_path = "mathjax/tex-svg.js"


def add_mathjax(app: Any, _: Any) -> None:
    """Copies the one file of MathJax that the pages ask for."""
    assert MATHJAX is not None
    source = Path(*MATHJAX.submodule_search_locations or ()) / "static" / mathjax_path
    target = Path(app.outdir, "_static", mathjax_path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())


def escape(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Signs of mathematics in docstrings that reStructuredText would read as its own."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[i] = re.sub(r"(?<!\\)\|", r"\\|", line)


def escape_names(app: Any, what: str, name: str, thing: Any, o: Any, lines: list[str]) -> None:
    """The `_` at the end of scikit-learn's attributes, which would be a link."""
    pattern = re.compile(r"(`+.+?`+)|(?<![\\\w])(\w*[^\W_])_(?!\w)")
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[i] = pattern.sub(lambda found: found[1] or found[2] + r"\_", line)


def lead_back(app: Any, page: str, template: str, context: Any, doctree: Any) -> None:
    """The links of source pages to what they define: viewcode knows one package of each file."""

    def link(found: re.Match[str]) -> str:
        folder, name, more, anchor = found.groups("")
        room, _, last = name.rpartition(".")
        return f"{folder}{name}{more}.html#{room}.{anchor[anchor.index('.' + last) + 1 :]}"

    if page.startswith("_modules/trainlab"):
        pattern = r'(?<=href=")([^"]*reference/names/)([\w.]+?)(-function)?\.html#([^"]+)'
        context["body"] = re.sub(pattern, link, context["body"])


def setup(app: Any) -> None:
    """What the options cannot say."""
    app.connect("build-finished", add_mathjax)
    app.connect("html-page-context", lead_back)
    app.connect("autodoc-process-docstring", escape, priority=400)  # before numpydoc
    app.connect("autodoc-process-docstring", escape_names, priority=600)  # after it
