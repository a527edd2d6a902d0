"""How Sphinx builds the pages; `make docs` runs it once for each language."""

import re
from typing import Any

import sphinx.locale
from sphinx.search.zh import SearchChinese

from grok_imagine_video import __version__

project = html_title = "grok-imagine-video"
version = release = __version__
language = "en"  # Chinese: -D language=zh_CN, with docs/zh as the source

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["zh"]
myst_heading_anchors = 3

add_module_names = False
default_role = "py:obj"  # a name in backticks is code, and a link if the reference has it
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 80
napoleon_numpy_docstring = False
# A field of a model is in its signature and under "Attributes" already.
napoleon_use_ivar = True

html_theme = "furo"
pygments_dark_style = "github-dark"
html_static_path = ["static"]
html_css_files = ["site.css"]
templates_path = ["templates"]
html_sidebars = {
    "**": [
        *("sidebar/brand.html", "sidebar/search.html", "sidebar/scroll-start.html"),
        *("sidebar/navigation.html", "sidebar/languages.html", "sidebar/scroll-end.html"),
    ]
}
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
# The summaries would be fetched, which no browser does from a disk.
html_show_search_summary = False


def without_nothing(*event: Any) -> tuple[str | None, str | None]:
    """Show a default that attrs makes anew for each object as `...`."""
    *_, signature, returned = event
    return signature and signature.replace("= NOTHING", "= ..."), returned


# What furo has in English alone.
FURO_IN_CHINESE = {
    "Home": "首页",
    "Next": "下一页",
    "On this page": "本页内容",
    "Previous": "上一页",
}


def translate_furo(app: Any, *event: Any) -> None:
    """Show the words of the theme in the language of the page."""
    *_, context, _ = event
    if app.config.language == "zh_CN":
        context["_"] = lambda text: FURO_IN_CHINESE.get(text) or sphinx.locale._(text)


class Chinese(SearchChinese):
    """Finds Chinese words by each two characters in a row, so that no dictionary is needed."""

    language_name = "English"  # of the stemmer: Sphinx 9.0 names one that it does not have
    js_splitter_code = r"""
function splitQuery(query) {
  const words = query.match(/[a-zA-Z0-9_]+|[\u4e00-\u9fff]+/g) ?? [];
  const pairs = (word) => [...word].slice(1).map((next, n) => word[n] + next);
  return words.flatMap((word) => (/\w/.test(word) || word.length < 2 ? [word] : pairs(word)));
}
"""

    def split(self, input: str) -> list[str]:  # noqa: A002 - the name that Sphinx has
        runs = re.findall(r"[\u4e00-\u9fff]{2,}", input)
        pairs = [run[n : n + 2] for run in runs for n in range(len(run) - 1)]
        return pairs + super().split(input)


def setup(app: Any) -> None:
    app.add_search_language(Chinese)
    app.connect("autodoc-process-signature", without_nothing)
    app.connect("html-page-context", translate_furo)
