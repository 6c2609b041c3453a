"""Encode the changes of a site as an Atom feed, see https://www.rfc-editor.org/rfc/rfc4287."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from benchsuite.errors import printable
from benchsuite.publish.history import ChangePoint

_ATOM = "http://www.w3.org/2005/Atom"

#: Largest number of entries; readers keep older ones.
_ENTRIES = 100


def feed(changes: Sequence[ChangePoint], updated: str, title: str, address: str = "") -> bytes:
    """Encode the feed, the latest change first.

    Args:
        changes: of the site.
        updated: start of the latest night.
        title: of the site.
        address: where the site is published; empty for relative links.
    """
    ET.register_namespace("", _ATOM)
    root = ET.Element(f"{{{_ATOM}}}feed")
    _add(root, "title", title)
    _add(root, "id", _id(title))
    _add(root, "updated", updated)
    _add(_add(root, "author"), "name", "benchsuite")
    _add(root, "link", rel="self", href=f"{address}feed.xml")
    for change in sorted(changes, key=lambda change: change.known.created, reverse=True)[:_ENTRIES]:
        entry = _add(root, "entry")
        _add(entry, "title", change.sentence)
        _add(entry, "id", _id(f"{change.label}|{change.series}|{change.figure}|{change.night.name}"))
        _add(entry, "updated", change.known.created)
        _add(entry, "link", rel="alternate", href=f"{address}{change.night.page}")
        _add(entry, "summary", f"{change.sentence}, on {change.series}, from {change.night.created} on")
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    child.text = printable(text).replace("\n", " ") or None
    return child


def _id(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"benchsuite:{name}").urn
