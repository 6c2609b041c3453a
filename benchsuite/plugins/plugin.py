"""A plugin: what it supplies, and how it is imported without touching another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any, Self

import pluggy

from benchsuite.case import Case
from benchsuite.errors import BenchsuiteError, OutOfTimeError, PluginError, near_matches, wrap_errors
from benchsuite.plugins import hookspecs
from benchsuite.plugins.declared import Declared, DeclaredCase, DeclaredLadder
from benchsuite.plugins.hookspecs import PROJECT
from benchsuite.plugins.observer import RunObserver
from benchsuite.system import machine, signals
from benchsuite.variants import Ladder, Treatment

#: Hook -> the types of the objects that it supplies.
HOOKS: dict[str, tuple[type, ...]] = {
    "benchsuite_cases": (Case, Ladder),
    "benchsuite_treatments": (Treatment,),
    "benchsuite_observers": (RunObserver,),
}

#: Name, target and origin of a plugin.
PluginId = tuple[str, str, str]


@dataclass(frozen=True)
class Supplied:
    """The objects that the hooks of a plugin supply; `cases` include those of its ladders."""

    cases: tuple[Case, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    ladders: tuple[Ladder, ...] = ()
    observers: tuple[RunObserver, ...] = ()

    @property
    def declared(self) -> Declared:
        """What a list shows of them."""
        return Declared(
            tuple(map(DeclaredCase.of, self.cases)),
            tuple(map(DeclaredLadder.of, self.ladders)),
            tuple(treatment.name for treatment in self.treatments),
            tuple(type(observer).__name__ for observer in self.observers),
        )


@dataclass(eq=False)
class Plugin:
    """An entry point of the group `benchsuite`: what it declares, or the error that it was left out for.

    Its objects are there when they are first used, which imports it.

    Args:
        name: of the entry point.
        target: the module.
        origin: the distribution with its version.
        declared: what it supplies.
        load: imports it.
        error: why it was left out.
    """

    name: str
    target: str
    origin: str
    declared: Declared = Declared()
    load: Callable[[], Supplied] = Supplied
    error: BenchsuiteError | None = None

    @classmethod
    def of(cls, name: str, target: str, origin: str, supplied: Supplied) -> Self:
        """Make a plugin of objects."""
        return cls(name, target, origin, supplied.declared, lambda: supplied)

    @cached_property
    def supplied(self) -> Supplied:
        """Its objects; none where it fails, then `error` says why."""
        try:
            return self.load()
        except BenchsuiteError as error:
            self.error = error
            return Supplied()

    @property
    def place(self) -> PluginId:
        """Its identity: name, target and origin."""
        return self.name, self.target, self.origin

    @property
    def reason(self) -> str:
        """Why it was left out, as a sentence; empty if it was not."""
        return f"plugin {self.name} ({self.origin}) was left out: {self.error.message}" if self.error else ""


def import_plugin(entry: EntryPoint) -> Supplied:
    """Import a plugin and call its hooks.

    Raises:
        BenchsuiteError: it fails.
    """
    try:
        with signals.time_limit(signals.PLUGIN_TIMEOUT), machine.restore_settings(f"plugin {entry.name}"):
            manager = _manager(entry.name, _import(entry))
            supplied = {hook: _supplied(manager, hook) for hook in HOOKS}
            cases = [case for item in supplied["benchsuite_cases"] for case in _cases_of(item)]
    except OutOfTimeError:
        raise _too_slow(entry) from None
    ladders = tuple(item for item in supplied["benchsuite_cases"] if isinstance(item, Ladder))
    treatments, observers = (tuple(supplied[f"benchsuite_{kind}"]) for kind in ("treatments", "observers"))
    return Supplied(tuple(cases), treatments, ladders, observers)


def _cases_of(item: Case | Ladder) -> list[Case]:
    return item.make_cases() if isinstance(item, Ladder) else [item]


def _too_slow(entry: EntryPoint) -> PluginError:
    return PluginError(
        f"importing {entry.value} timed out after {signals.PLUGIN_TIMEOUT} s",
        "move slow code out of the module and its hooks, such as into the load function of a Table",
    )


def _import(entry: EntryPoint) -> ModuleType:
    hint = "fix the plugin, install its dependencies, or `pip uninstall` its distribution"
    with wrap_errors(lambda raised: PluginError(f"importing {entry.value} failed: {raised}", hint)):
        return entry.load()


def _manager(name: str, module: ModuleType) -> pluggy.PluginManager:
    # A manager for each plugin: one that is broken cannot touch another, and every failure has its plugin's name.
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(str(error).strip(), _hook_hint(module)) from error
    if not manager.get_hookcallers(module):
        raise PluginError(f"{module.__name__} implements no hook", _hook_hint(module))
    return manager


def _supplied(manager: pluggy.PluginManager, hook: str) -> list[Any]:
    nouns = [kind.__name__ for kind in HOOKS[hook]]
    hint = f"{hook} must yield {'(…) or '.join(nouns)}(…) objects with every required field"
    with wrap_errors(lambda raised: PluginError(f"{hook} failed: {raised}", hint)):
        supplied = [item for items in getattr(manager.hook, hook)() for item in items]
    for item in supplied:
        if not isinstance(item, HOOKS[hook]):
            supply = f"{hook} supplied a {type(item).__name__}, not a {' or '.join(nouns)}"
            raise PluginError(supply, f"yield {'(…) or '.join(nouns)}(…)")
    return supplied


def _hook_hint(module: ModuleType) -> str:
    tried = next((name for name in vars(module) if name.startswith("benchsuite_") and name not in HOOKS), None)
    if tried:
        return f"{tried}: {near_matches(tried, HOOKS)}"
    return f"write a function {' or '.join(HOOKS)} and mark it with @benchsuite.hookimpl"
