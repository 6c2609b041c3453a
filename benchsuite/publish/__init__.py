"""Publish: many runs as a static site, and the nightly run that adds to it.

In: run folders, night by night, and gates on what changed since the last good night.
Out: an index, a page per run and per case, a feed, a badge, and whether the night is good.
"""

from benchsuite.publish.nightly import GATES, NightResult, Nights, nightly_settings
from benchsuite.publish.site import Site

__all__ = ["GATES", "NightResult", "Nights", "Site", "nightly_settings"]
