"""`push page`: the rendered boards as a static Space, one page that needs nothing from anywhere else."""

import base64
import html
import re
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from easy2hard.errors import UserError
from easy2hard.hub.client import connect
from easy2hard.hub.sending import Sent, Target, Wanted, file_of, send
from easy2hard.progress import Listener, silent

if TYPE_CHECKING:
    from collections.abc import Collection

    from markdown_it.token import Token

_PAGE = "README.md"
_BESIDE = ("*.csv", "*.tex", "*.json")  # files that the page links to


def push_page(folder: Path, target: Target, *, listen: Listener = silent) -> Sent:
    """Send what `easy2hard leaderboard` rendered into `folder` as a static Space: a page, and the tables beside it.

    Raises `UserError` where nothing was rendered, and for whatever the Hub or the network does.
    """
    if not (folder / _PAGE).is_file():
        raise UserError(
            f"{folder} holds no rendered boards; run `easy2hard leaderboard --out {folder}` first."
        )
    tables = {path.name: file_of(path) for pattern in _BESIDE for path in sorted(folder.glob(pattern))}
    page = render((folder / _PAGE).read_text(encoding="utf-8"), tables)
    header = {"title": "easy2hard leaderboard", "sdk": "static", "app_file": "index.html", "license": "mit",
              "tags": ["leaderboard", "easy2hard"]}  # fmt: skip
    text = "Rendered by `easy2hard leaderboard`, sent by `easy2hard push page`; a change made here is lost."
    readme = f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n\n# easy2hard leaderboard\n\n{text}\n"
    files = {**tables, "index.html": file_of(page), "README.md": file_of(readme)}
    return send(connect(), target, "space", lambda remote: Wanted(files), "Render the boards", listen)


def render(markdown: str, beside: "Collection[str]" = ()) -> str:
    """The page of boards as HTML in one piece: tables that sort by a click, a field that filters their rows.

    Links lead to headings, to the files `beside` the page, and to the web; others become plain text. No script but
    the page's own runs in it, whatever the names of entries contain.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = parser.parse(markdown)
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            before.attrSet("id", _anchor(token.content))
        if token.children:
            token.children = _links(token.children, beside)
    body = parser.renderer.render(tokens, parser.options, {})
    digest = base64.b64encode(sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return _FRAME.format(policy=html.escape(policy), style=_STYLE, body=body, script=_SCRIPT)


def _anchor(title: str) -> str:
    """The name of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _links(tokens: "list[Token]", beside: "Collection[str]") -> "list[Token]":
    """The tokens of a paragraph without links that lead nowhere from the page."""
    kept, dropped = [], 0
    for token in tokens:
        if token.type == "link_open":
            href = str(token.attrGet("href"))
            if not (href.startswith(("#", "https://")) or href in beside):
                dropped += 1
                continue
        if token.type == "link_close" and dropped:
            dropped -= 1
            continue
        kept.append(token)
    return kept


_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; margin: 0.5rem 0 1rem; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid #ddd; white-space: nowrap; }
th { cursor: pointer; text-align: left; background: #f4f4f4; }
th[aria-sort=ascending]::after { content: " ▲"; } th[aria-sort=descending]::after { content: " ▼"; }
input { font: inherit; padding: 0.3rem 0.6rem; width: 20rem; max-width: 100%; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } th { background: #222; }
  th, td { border-color: #333; } a { color: #8bf; } }
"""

_SCRIPT = """
const value = cell => { const text = cell.textContent.trim();
  const number = parseFloat(text.replace(/,/g, '')); return isNaN(number) ? text.toLowerCase() : number; };
for (const head of document.querySelectorAll('th')) head.addEventListener('click', () => {
  const table = head.closest('table'), column = [...head.parentNode.children].indexOf(head);
  const down = head.getAttribute('aria-sort') !== 'descending';
  for (const other of head.parentNode.children) other.removeAttribute('aria-sort');
  head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
  const order = (a, b) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === 'number' ? -1 : 1;
  const rows = [...table.tBodies[0].rows].sort((a, b) => order(value(a.cells[column]), value(b.cells[column])));
  table.tBodies[0].append(...(down ? rows.reverse() : rows)); });
document.querySelector('input').addEventListener('input', event => {
  const wanted = event.target.value.toLowerCase();
  for (const row of document.querySelectorAll('tbody tr'))
    row.hidden = !row.textContent.toLowerCase().includes(wanted); });
"""

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>easy2hard leaderboard</title>
<style>{style}</style>
</head>
<body>
<input type="search" placeholder="show rows with …" aria-label="show rows with">
{body}
<script>{script}</script>
</body>
</html>
"""
