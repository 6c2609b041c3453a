"""The results of one case, and the picture of its landscape."""

from __future__ import annotations

import html
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchsuite.api.display import png_image, results_html, results_text
from benchsuite.api.messages import name_keywords
from benchsuite.errors import OptionError
from benchsuite.results import ClaimResult, Curves, LandscapeResult, Result, SeedTable, Summary


@dataclass(frozen=True)
class Timings:
    """Where the time of a case went, in seconds.

    Args:
        trace_seconds: JAX's tracing of the program.
        compile_seconds: its compilation.
        compile_cache: whether the program was in the cache: "hit", "miss" or "off".
        first_run_seconds: the first round, which includes the warm-up; None where it was timed in an earlier run.
        round_seconds: each later round.
        seeds_per_second: the median of the later rounds.
        device_seconds: all rounds, times the number of devices.
        device_seconds_per_converged: that over the number of seeds that converged; None where none did.
    """

    trace_seconds: float
    compile_seconds: float
    compile_cache: str
    first_run_seconds: float | None
    round_seconds: Sequence[float]
    seeds_per_second: float
    device_seconds: float
    device_seconds_per_converged: float | None


class CaseResult:
    """The results of one case, untreated or treated, or of one value of a sweep.

    Args:
        result: read from the run folder.

    Attributes:
        summary: all figures of the case.
        rows: the seeds, column by column, each of shape (n,).
        curves: the evaluations of the first seeds, of shape (k, e).
    """

    def __init__(self, result: Result) -> None:
        self._result = result
        self.summary: Summary = result.summary
        self.rows: SeedTable = result.rows
        self.curves: Curves = result.curves

    @property
    def seeds(self) -> int:
        """The number of seeds trained."""
        return self.summary.seeds

    @property
    def rate(self) -> float:
        """The share of the seeds that converged, from 0 to 1."""
        return self.summary.rate

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the rate, by Wilson's method."""
        low, high = self.summary.rate_interval
        return low, high

    @property
    def outcomes(self) -> dict[str, int]:
        """How many seeds ended in each way: outcome → number of seeds."""
        return dict(self.summary.outcomes)

    @property
    def claims(self) -> list[ClaimResult]:
        """The statements of the source with their tests, judged together with all claims of the run."""
        return [ClaimResult(**claim) for claim in self.summary.claims]  # type: ignore[arg-type]  # as `to_json` gave it

    @property
    def timings(self) -> Timings:
        """Where the time went, in seconds."""
        return Timings(**{name: getattr(self.summary, name) for name in Timings.__annotations__})

    def __repr__(self) -> str:
        return results_text([self.summary])

    def _repr_html_(self) -> str:
        return results_html([self.summary])


class LandscapePicture:
    """The loss of a case over its parameters, which a notebook shows.

    Args:
        data: the surfaces, the training paths on them, and the basin map where it was trained.
    """

    def __init__(self, data: LandscapeResult) -> None:
        self.data = data

    def save(self, path: str | Path) -> None:
        """Draw it into a file, .png, .svg or .pdf.

        Raises:
            OptionError: the extra `report` is not installed, or the file cannot be written.
        """
        from benchsuite.report import require_extra

        with name_keywords(), require_extra("a picture"):
            from benchsuite.report.figures import draw_landscape
        draw_landscape(self.data, Path(path))

    def __repr__(self) -> str:
        return f"the loss of {self.data.title} ({len(self.data.surfaces)} surfaces, {len(self.data.paths)} paths)"

    def _repr_html_(self) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "landscape.png")
            try:
                self.save(path)
            except OptionError as error:
                return f"<p>{html.escape(str(error))}</p>"
            return png_image(path.read_bytes(), repr(self))
