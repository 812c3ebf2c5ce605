"""Boards: tables rendered from the records of `submissions/`, by the definitions in `leaderboard/`.

Rendering is a pure function of those two folders: the same records give the same bytes. A board
mixes neither protocols nor data, shows what it refuses and why, and ranks declared answers only.
"""

import os
from pathlib import Path

from easy2hard import atomic, record
from easy2hard.board import collect, definition, latex, markdown, sheet, tidy
from easy2hard.board.definition import Board, folder

__all__ = ["Board", "folder", "render", "rendered", "stale"]


def render(boards: Path, submissions: Path, out: Path) -> list[Path]:
    """Write the page, each board's CSV and LaTeX, and the schema of a record; returns the files.

    Each is replaced whole, and one that is up to date is left alone. Raises `UserError` for a board's
    definition that is not valid; a record that is not is listed under its board.
    """
    files = rendered(boards, submissions, out)
    for path, content in files.items():
        if not _fresh(path, content):
            atomic.write_text(path, content)
    return list(files)


def stale(boards: Path, submissions: Path, out: Path) -> list[Path]:
    """The rendered files that are missing, or are not what the records say today."""
    return [path for path, text in rendered(boards, submissions, out).items() if not _fresh(path, text)]


def rendered(boards: Path, submissions: Path, out: Path) -> dict[Path, str]:
    """What `render` writes, by file; the page comes last."""
    found, unread = collect.read_all(submissions)
    files, pages = {}, []
    for name, (board, asked) in definition.read_all(boards).items():
        sheets = []
        for track in board.tracks:
            strays = [refused for refused in unread if sheet.belongs(refused.path, asked, track)]
            sheets.append(sheet.lay_out(name, board, asked, track, found, strays))
        files[out / f"{name}.csv"] = tidy.csv(sheets)
        files[out / f"{name}.tex"] = latex.document(sheets)
        pages.append(sheets)
    link = Path(os.path.relpath(submissions, out)).as_posix()
    return {
        **files,
        out / "record.schema.json": record.schema(),
        out / "README.md": markdown.page(pages, link),
    }


def _fresh(path: Path, content: str) -> bool:
    return path.is_file() and path.read_bytes() == content.encode()
