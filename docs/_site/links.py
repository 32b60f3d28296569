"""The documentation site takes pages from the repository's root, and keeps the repository's links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
BLOB = "https://github.com/recomart/recomart/blob/main/"
PAGES = {
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""Files at the root that are pages of the site too."""

_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Any, *, config: Any) -> Any:
    """Add the pages that are files at the root."""
    for name, page in PAGES.items():
        content = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Turn links that work in the repository into links that work on the site.

    Raises:
        PluginError: a link leads to a file that does not exist.
    """
    source = page.file.src_uri
    folder = ROOT if source in PAGES.values() else ROOT / "docs"

    def target(link: re.Match[str]) -> str:
        path = (folder / link[1]).resolve()
        if not path.exists():
            raise PluginError(f"{source}: the link {link[1]} leads to no file")
        name = path.relative_to(ROOT).as_posix()
        if name.startswith("docs/"):
            new = name.removeprefix("docs/")
        else:
            new = PAGES.get(name, BLOB + name)
        return f"]({new}{link[2] or ''})"

    return _LINK.sub(target, markdown)
