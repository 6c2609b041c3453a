"""What another process needs to know to train a case."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchsuite import machine
from benchsuite.case import Case
from benchsuite.choice import choose
from benchsuite.errors import DeviceError
from benchsuite.plugins import load_registry
from benchsuite.settings import Settings
from benchsuite.sweep import Range
from benchsuite.trainer import Trainer
from benchsuite.variant import make_variants


@dataclass(frozen=True)
class Job:
    """A case to train, in plain words: cases are made of functions, which only their plugins can make again.

    Args:
        case: the id, with what is done to it.
        name: of the untreated case.
        settings: what the user decided.
        workers: how many share the rounds.
    """

    case: str
    name: str
    settings: Settings
    workers: int = 1

    @classmethod
    def of(cls, case: Case, settings: Settings, workers: int = 1) -> Job:
        """The job of training a case. Where its rows are left and what becomes of them is no business of others."""
        elsewhere = replace(
            settings, run_dir=None, resume=False, report=None, convergence_compare=None, convergence_compare_fail=()
        )
        return cls(case.id, case.name, elsewhere, workers)

    def trainer(self) -> Trainer:
        """A trainer in this process, which finds the case itself, among its own plugins.

        Raises:
            BenchsuiteError: the case cannot be trained here.
        """
        machine.configure(self.settings.platform)
        registry = load_registry()
        chosen = choose(self.settings.treatment, self.settings.optimizer, registry.treatments)
        over = Range.parse(self.settings.sweep) if self.settings.sweep else None
        for variant in make_variants([registry.case(self.name)], chosen, over):
            if variant.treated and variant.treated.id == self.case:
                return Trainer(variant.treated, self.settings, self.workers)
        raise DeviceError(f"a worker cannot make {self.case} of its plugins", "give all workers the same versions")
