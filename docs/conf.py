"""How Sphinx builds the pages; `make docs` runs it once for each language."""

import inspect
import json
import re
from typing import Any

import sphinx.locale
from sphinx.search.zh import SearchChinese
from sphinx.util.inspect import stringify_signature

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
toc_object_entries_show_parents = "hide"
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
html_use_index = html_domain_indices = False  # the reference is one page
html_show_copyright = False
html_show_sphinx = False


def for_users(*event: Any) -> tuple[str | None, str | None]:
    """Leave out what the package itself passes on, and show defaults that are no code as `...`."""
    *_, kind, _, documented, _, signature, returned = event
    if kind == "class" and signature:  # Sphinx looks at `__new__` first
        signature = stringify_signature(inspect.signature(documented), unqualified_typehints=True)
    signature = re.sub(r", (overrides|sessions): .*?(?=, \w+: |\))", "", signature or "")
    return re.sub(r"NOTHING|<environment variable>", "...", signature) or None, returned


PAGES: dict[str, str] = {}
# The search fetches a page to show an excerpt, which no browser does from a disk. And it takes the
# dots of a Python name for classes of CSS.
EXCERPTS = r"""
fetch = async (url) => ({ text: () => PAGES[url.split("/").pop()] });
document.addEventListener("DOMContentLoaded", () => {
  const { htmlToText } = Search;
  Search.htmlToText = (page, anchor) => htmlToText(page, anchor?.replaceAll(".", "\\."));
});
"""


def embed_pages(app: Any, name: str, *event: Any) -> None:
    """Give the search all pages."""
    *_, context, doctree = event
    if doctree:
        PAGES[f"{name}.html"] = f'<div role="main">{context["body"]}</div>'
    elif name == "search":
        pages = json.dumps(PAGES).replace("</", r"<\/")
        app.add_js_file(None, body=f"const PAGES = {pages};{EXCERPTS}")


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
    app.connect("autodoc-process-signature", for_users)
    app.connect("html-page-context", embed_pages)
    app.connect("html-page-context", translate_furo)
