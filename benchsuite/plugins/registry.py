"""Find and load the installed plugins; those that fail are left out with an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import pluggy

from benchsuite.case import Case, Download
from benchsuite.errors import BenchsuiteError, OptionError, OutOfTimeError, PluginError, near_matches, wrap_errors
from benchsuite.plugins import hookspecs
from benchsuite.plugins.call import Call
from benchsuite.plugins.hookspecs import PROJECT
from benchsuite.plugins.observer import RunObserver
from benchsuite.settings import AUTO, STAND_IN
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
class Plugin:
    """An entry point of the group `benchsuite`: what it supplies, or the error that it was left out for.

    Its `cases` include those of its ladders.
    """

    name: str
    target: str
    origin: str
    cases: tuple[Case, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    ladders: tuple[Ladder, ...] = ()
    observers: tuple[RunObserver, ...] = ()
    error: BenchsuiteError | None = None

    @property
    def place(self) -> PluginId:
        """Its identity: name, target and origin."""
        return self.name, self.target, self.origin

    @property
    def reason(self) -> str:
        """Why it was left out, as a sentence; empty if it was not."""
        return f"plugin {self.name} ({self.origin}) was left out: {self.error.message}" if self.error else ""


@dataclass(frozen=True)
class Registry:
    """All plugins, sorted by name, with the cases and treatments that they supply."""

    plugins: tuple[Plugin, ...]

    @property
    def cases(self) -> dict[str, Case]:
        """Name -> case, in the order of the names; the cases of a ladder in the order of the values."""
        cases = [case for plugin in self.plugins for case in plugin.cases]
        return {case.name: case for case in sorted(cases, key=lambda c: c.rung.ladder if c.rung else c.name)}

    @property
    def ladders(self) -> dict[str, Ladder]:
        """Name -> ladder of cases."""
        return {ladder.name: ladder for plugin in self.plugins for ladder in plugin.ladders}

    @property
    def treatments(self) -> dict[str, Treatment]:
        """Name -> treatment, in the order of the plugins."""
        return {treatment.name: treatment for plugin in self.plugins for treatment in plugin.treatments}

    @property
    def observers(self) -> list[RunObserver]:
        """The observers, in the order of the plugins."""
        return [observer for plugin in self.plugins for observer in plugin.observers]

    @property
    def left_out(self) -> tuple[Plugin, ...]:
        """The plugins that could not be loaded."""
        return tuple(plugin for plugin in self.plugins if plugin.error)

    @property
    def downloads(self) -> dict[str, Download]:
        """Dataset → its files, for the datasets that have any."""
        datasets = [case.dataset for case in self.cases.values() if case.dataset]
        return {dataset.name: dataset.download for dataset in datasets if dataset.download}

    def check_dataset(self, choice: str) -> None:
        """Check that a dataset named by `--dataset` exists.

        Raises:
            OptionError: it is neither the name of a dataset, "auto" nor "stand-in".
        """
        choices = {AUTO, STAND_IN, *self.downloads}
        if choice not in choices:
            raise OptionError(f"there is no dataset {choice!r}", near_matches(choice, choices))

    def case(self, name: str) -> Case:
        """Look up a case by name, or by ladder and value as in "abs-width(units=4)".

        Raises:
            OptionError: there is none, and the hint suggests similar names; or it is a ladder of several.
        """
        cases, ladders = self.cases, self.ladders
        if name in cases:
            return cases[name]
        if name in ladders:
            names = ladders[name].names
            raise OptionError(f"{name} is a ladder of {len(names)} cases; expected one", f"one of: {', '.join(names)}")
        if name.partition("(")[0].strip() in ladders:
            return cases[_name_of_rung(name, ladders)]
        for plugin in self.left_out:
            if name in (plugin.name, plugin.target.rpartition(".")[2]):
                raise OptionError(
                    f"there is no case {name!r}: {plugin.reason}", plugin.error.hint if plugin.error else ""
                )
        with self.left_out_named():
            raise OptionError(f"there is no case {name!r}", near_matches(name, [*cases, *ladders]))

    @contextmanager
    def left_out_named(self) -> Iterator[None]:
        """Name the plugins that were left out in the errors for names that do not exist.

        Raises:
            OptionError: as inside the context.
        """
        try:
            yield
        except OptionError as error:
            if not self.left_out:
                raise
            reasons = "; ".join(plugin.reason for plugin in self.left_out)
            raise OptionError(f"{error.message} ({reasons})", error.hint) from error

    def select(self, name: str) -> list[Case]:
        """The case called `name`, or all cases of the ladder called so.

        Raises:
            OptionError: there is none, with near matches.
        """
        ladder = self.ladders.get(name)
        return [self.case(each) for each in (ladder.names if ladder else [name])]


def _name_of_rung(text: str, ladders: Mapping[str, Ladder]) -> str:
    """The name of the case that "ladder(option=value)" means."""
    call = Call.parse(text, 'name a case such as "abs-width(units=4)"')
    ladder = ladders[call.name]
    given = [*((ladder.option, value) for value in call.values), *call.options.items()]
    places = [place for place, value in enumerate(ladder.values) if given == [(ladder.option, value)]]
    if not places:
        raise OptionError(f"{text!r} is no case of the ladder {ladder.name}", f"one of: {', '.join(ladder.names)}")
    return ladder.names[places[0]]


def load_registry(found: Iterable[EntryPoint] | None = None, but: Iterable[PluginId] = ()) -> Registry:
    """Load every plugin of the installed distributions, or of the entry points `found`.

    Args:
        found: entry points to load instead of the installed ones.
        but: plugins to skip.
    """
    found, but = entry_points(group=PROJECT) if found is None else found, set(but)
    plugins = [load_plugin(entry) for entry in found if _unloaded(entry).place not in but]
    plugins.sort(key=lambda plugin: (plugin.name, plugin.origin))
    return Registry(_without_duplicate_names(_without_duplicate_plugins(plugins)))


def load_plugin(entry: EntryPoint) -> Plugin:
    """Import one plugin and call its hooks; any error becomes that of the plugin."""
    plugin = _unloaded(entry)
    try:
        with signals.time_limit(signals.PLUGIN_TIMEOUT), machine.restore_settings(f"plugin {entry.name}"):
            manager = _manager(entry.name, _import(entry))
            supplied = {hook: _supplied(manager, hook) for hook in HOOKS}
            cases = [case for item in supplied["benchsuite_cases"] for case in _cases_of(item)]
    except OutOfTimeError:
        return replace(plugin, error=_too_slow(entry))
    except BenchsuiteError as error:
        return replace(plugin, error=error)
    ladders = tuple(item for item in supplied["benchsuite_cases"] if isinstance(item, Ladder))
    treatments = tuple(supplied["benchsuite_treatments"])
    observers = tuple(supplied["benchsuite_observers"])
    return replace(plugin, cases=tuple(cases), treatments=treatments, ladders=ladders, observers=observers)


def _cases_of(item: Case | Ladder) -> list[Case]:
    return item.make_cases() if isinstance(item, Ladder) else [item]


def _unloaded(entry: EntryPoint) -> Plugin:
    origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "no distribution"
    return Plugin(entry.name, entry.value, origin)


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


def _without_duplicate_plugins(plugins: Sequence[Plugin]) -> tuple[Plugin, ...]:
    first: dict[str, Plugin] = {}
    for plugin in plugins:
        first.setdefault(plugin.name, plugin)
    return tuple(p if p is first[p.name] else _refused(p, f"plugin {p.name}", first[p.name]) for p in plugins)


def _without_duplicate_names(plugins: Sequence[Plugin]) -> tuple[Plugin, ...]:
    # A case belongs to the plugin that is called like it, a name else to one of ours, else to the first by name: a
    # stranger cannot take it over.
    owner: dict[str, Plugin] = {}
    for plugin in sorted(plugins, key=lambda plugin: not plugin.origin.startswith(f"{PROJECT} ")):
        for what in _names(plugin):
            if what not in owner or what == f"case {plugin.name}":
                owner[what] = plugin
    return tuple(_refused_for_duplicates(plugin, owner) for plugin in plugins)


def _refused_for_duplicates(plugin: Plugin, owner: Mapping[str, Plugin]) -> Plugin:
    names = _names(plugin)
    taken = next((what for what in names if owner[what] is not plugin or names.count(what) > 1), None)
    return _refused(plugin, taken, owner[taken]) if taken else plugin


def _names(plugin: Plugin) -> list[str]:
    ladders, cases = ((f"case {item.name}" for item in items) for items in (plugin.ladders, plugin.cases))
    return [*ladders, *cases, *(f"treatment {treatment.name}" for treatment in plugin.treatments)]


def _refused(plugin: Plugin, what: str, owner: Plugin) -> Plugin:
    message = f"{what} is already supplied by {owner.target} of {owner.origin}"
    error = PluginError(message, f"rename it in {plugin.target} of {plugin.origin}")
    return replace(plugin, cases=(), treatments=(), ladders=(), observers=(), error=error)
