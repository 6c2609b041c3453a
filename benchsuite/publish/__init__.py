"""Publish: many runs as a static site.

In: run folders, night by night.
Out: an index, a page per run and per case, a feed, a badge, and the state of the last good night.
"""

from benchsuite.publish.nightly import GATES, NightResult, Nights, nightly_settings
from benchsuite.publish.site import Site

__all__ = ["GATES", "NightResult", "Nights", "Site", "nightly_settings"]
