"""Convert a notebook with its stored results to a page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: What a picture of a result shows, where its code does not title it.
UNTITLED = "result of the cell above"


def page(path: Path) -> str:
    """Convert a notebook to Markdown."""
    cells = json.loads(path.read_text())["cells"]
    return "\n\n".join(part for cell in cells for part in _parts(cell)) + "\n"


def _parts(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    titles = re.findall(r"title=\"([^\"]+)\"", source)
    for output in cell["outputs"]:
        yield from _result(output, titles[0] if titles else UNTITLED)


def _result(output: dict[str, Any], title: str) -> Iterator[str]:
    data = {kind: "".join(text) for kind, text in output.get("data", {}).items()}
    if "image/png" in data:
        yield f'<img alt="{title}" src="data:image/png;base64,{data["image/png"].strip()}">'
    elif "text/html" in data:
        html = re.sub(r"\n\s*\n", "\n", data["text/html"])  # a blank line would end the block
        yield f'<div class="result">\n{html}\n</div>'
    else:
        yield f"```text\n{''.join(output.get('text', data.get('text/plain', ''))).rstrip()}\n```"
