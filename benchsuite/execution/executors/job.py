"""Send the training of a case to another process."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from benchsuite.case import Case, SweepRange
from benchsuite.errors import CaseError, DeviceError, OptionError, wrap_errors
from benchsuite.execution.executors.base import RoundTrainer
from benchsuite.plugins import PluginId, Registry, load_registry, select_treatments
from benchsuite.results import OnTrained
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine
from benchsuite.variants import make_variants


@dataclass(frozen=True)
class Job:
    """A picklable description of a case to train.

    A case consists of functions. Its plugin defines them in the other process as well; those of a script are pickled.

    Args:
        case: id of the case, with its treatment and sweep.
        name: of the untreated case.
        settings: how to train.
        workers: number of workers that share the rounds.
        left_out: plugins that could not be loaded, and are not tried again.
        pickled: the case itself, where no plugin supplies it.
    """

    case: str
    name: str
    settings: TrainingSettings
    workers: int = 1
    left_out: tuple[PluginId, ...] = ()
    pickled: bytes = b""

    @classmethod
    def of(cls, case: Case, settings: TrainingSettings, workers: int = 1, left_out: Iterable[PluginId] = ()) -> Job:
        """Describe the training of a case that a plugin supplies."""
        return cls(case.id, case.name, settings, workers, tuple(left_out))

    @classmethod
    def of_object(cls, case: Case, settings: TrainingSettings, workers: int = 1) -> Job:
        """Describe the training of a case that a script defines.

        Raises:
            OptionError: cloudpickle is not installed.
            CaseError: the case cannot be pickled.
        """
        try:
            import cloudpickle
        except ImportError as error:
            raise OptionError(
                f"sending case {case.id} to another process requires cloudpickle, which is not installed",
                "install it with `pip install cloudpickle`, or supply the case by a plugin",
            ) from error
        hint = "supply it by a plugin, or omit --time-limit and --executor"
        with wrap_errors(lambda raised: CaseError(f"case {case.id} cannot be pickled: {raised}", hint)):
            return cls(case.id, case.name, settings, workers, pickled=cloudpickle.dumps(case))

    def registry(self) -> Registry:
        """Load the plugins in this process."""
        machine.configure(self.settings.platform)
        return load_registry(but=self.left_out)

    def trainer(self) -> RoundTrainer:
        """Create the trainer in this process, for the case that the plugins of this process define.

        Raises:
            BenchsuiteError: the case cannot be trained here.
        """
        from benchsuite.engine import Trainer

        if self.pickled:
            machine.configure(self.settings.platform)
            return Trainer(pickle.loads(self.pickled), self.settings, self.workers)  # noqa: S301  # by `of_object`
        registry = self.registry()
        chosen = select_treatments(self.settings.treatment, self.settings.optimizer, registry.treatments)
        over = SweepRange.parse_all(self.settings.sweep)
        for variant in make_variants([registry.case(self.name)], chosen, over):
            if variant.treated and variant.treated.id == self.case:
                return Trainer(variant.treated, self.settings, self.workers)
        raise DeviceError(
            f"the plugins of a worker do not define {self.case}", "install the same versions for all workers"
        )


def perform(trainer: RoundTrainer, operation: str, arguments: Iterable[Any], on_trained: OnTrained) -> Any:
    """Perform an operation of a trainer by its name.

    Args:
        trainer: in this process.
        operation: a method of `RoundTrainer`, or "plan"; "train" takes the seeds of one round.
        arguments: of the operation.
        on_trained: called with the progress of "train".
    """
    if operation == "plan":
        return trainer.plan
    if operation == "train":
        (result,) = trainer.train(list(arguments), on_trained)
        return result
    return getattr(trainer, operation)(*arguments)
