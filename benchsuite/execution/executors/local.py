"""Train in this process."""

from __future__ import annotations

from typing import Any

from benchsuite.case import Case
from benchsuite.execution.executors.base import RoundTrainer
from benchsuite.settings import TrainingSettings
from benchsuite.system import machine


class LocalExecutor:
    """Trains in this process, on all local devices, one round after the other."""

    def describe(self, training: TrainingSettings) -> dict[str, Any]:
        """Describe this machine, as `machine.describe` does."""
        return machine.describe(machine.devices(training.platform))

    def trainer(self, case: Case, training: TrainingSettings) -> RoundTrainer:
        """Create the trainer of a case."""
        from benchsuite.engine import Trainer

        return Trainer(case, training)


LOCAL_EXECUTOR = LocalExecutor()
