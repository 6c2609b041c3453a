"""Events of MkDocs: add the pages that are generated, and show the README as the first page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import notebook
import reference
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]

#: What the README's links begin with, so that they work on PyPI too.
LINK, PICTURE = (
    "https://github.com/benchsuite/benchsuite/blob/main/",
    "https://raw.githubusercontent.com/benchsuite/benchsuite/main/",
)

NOTEBOOK = "tutorials/half_of_all_relus"


def first_page() -> tuple[str, list[str]]:
    """Convert the README to a page of the site: its links are relative; returns also the pictures that it shows."""
    text = (ROOT / "README.md").read_text()
    text = re.sub(re.escape(LINK) + r"docs/([^)\s#]+)\.ipynb", r"\1.md", text)
    text = re.sub(re.escape(LINK) + r"docs/([^)\s]+\.md)", r"\1", text)
    pictures = re.findall(re.escape(PICTURE) + r"([^)\s\"]+)", text)
    for picture in pictures:
        text = text.replace(PICTURE + picture, picture.removeprefix("docs/"))
    return text, [picture for picture in pictures if not picture.startswith("docs/")]


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages."""
    index, pictures = first_page()
    pages: dict[str, str | bytes] = {
        "index.md": index,
        f"{NOTEBOOK}.md": notebook.page(ROOT / "docs" / f"{NOTEBOOK}.ipynb"),
        **{f"reference/{name}.md": text for name, text in reference.pages().items()},
        **{picture: (ROOT / picture).read_bytes() for picture in pictures},
    }
    for path, content in pages.items():
        files.append(File.generated(config, path, content=content))
    return files
