"""What another process needs to know to train a case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from benchsuite.case import Case, SweepRange
from benchsuite.engine import Trainer
from benchsuite.errors import DeviceError
from benchsuite.plugins import PluginId, Registry, load_registry, select_treatments
from benchsuite.settings import Settings
from benchsuite.system import machine
from benchsuite.variants import make_variants


@dataclass(frozen=True)
class Job:
    """A case to train, in plain words: cases are made of functions, which only their plugins can make again.

    Args:
        case: the id, with what is done to it.
        name: of the untreated case.
        settings: what the user decided.
        workers: how many share the rounds.
        left_out: plugins that could not be loaded, and are not to be waited for again.
    """

    case: str
    name: str
    settings: Settings
    workers: int = 1
    left_out: tuple[PluginId, ...] = ()

    @classmethod
    def of(cls, case: Case, settings: Settings, workers: int = 1, left_out: Iterable[PluginId] = ()) -> Job:
        """The job of training a case. Where its rows are left and what becomes of them is no business of others."""
        elsewhere = replace(
            settings, run_dir=None, resume=False, report=None, convergence_compare=None, convergence_compare_fail=()
        )
        return cls(case.id, case.name, elsewhere, workers, tuple(left_out))

    def registry(self) -> Registry:
        """The plugins of this process."""
        machine.configure(self.settings.platform)
        return load_registry(but=self.left_out)

    def trainer(self) -> Trainer:
        """A trainer in this process, which finds the case itself, among its own plugins.

        Raises:
            BenchsuiteError: the case cannot be trained here.
        """
        registry = self.registry()
        chosen = select_treatments(self.settings.treatment, self.settings.optimizer, registry.treatments)
        over = SweepRange.parse(self.settings.sweep) if self.settings.sweep else None
        for variant in make_variants([registry.case(self.name)], chosen, over):
            if variant.treated and variant.treated.id == self.case:
                return Trainer(variant.treated, self.settings, self.workers)
        raise DeviceError(f"a worker cannot make {self.case} of its plugins", "give all workers the same versions")
