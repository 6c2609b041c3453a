"""Find the plugins, load them one by one, and leave the broken ones out with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

import pluggy

from benchsuite import hookspecs
from benchsuite.case import Case, Download, Table
from benchsuite.errors import BenchsuiteError, OptionError, PluginError, near_matches
from benchsuite.hookspecs import PROJECT
from benchsuite.settings import AUTO, STAND_IN

#: Every hook that is specified, by name.
HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("benchsuite_"))


@dataclass(frozen=True)
class Plugin:
    """An entry point of group `benchsuite`: what it supplies, or why it was left out."""

    name: str
    target: str
    origin: str
    cases: tuple[Case, ...] = ()
    error: BenchsuiteError | None = None


@dataclass(frozen=True)
class Registry:
    """Every plugin found, sorted by name, and the cases of those that work."""

    plugins: tuple[Plugin, ...]

    @property
    def cases(self) -> dict[str, Case]:
        """The cases that can be run, by name, in the order of their names."""
        return {case.name: case for case in sorted((c for p in self.plugins for c in p.cases), key=lambda c: c.name)}

    @property
    def left_out(self) -> tuple[Plugin, ...]:
        """The plugins that cannot be used."""
        return tuple(plugin for plugin in self.plugins if plugin.error)

    @property
    def downloads(self) -> dict[str, Download]:
        """The files of the datasets that are made of any, by the name of the dataset."""
        tables = (case.dataset for case in self.cases.values() if isinstance(case.dataset, Table))
        return {table.name: table.download for table in tables if table.download}

    def check_dataset(self, choice: str) -> None:
        """Refuse a `--dataset` that no case has.

        Raises:
            OptionError: it is neither a dataset nor a word for a choice among them.
        """
        choices = {AUTO, STAND_IN, *self.downloads}
        if choice not in choices:
            raise OptionError(f"there is no dataset {choice!r}", near_matches(choice, choices))

    def case(self, name: str) -> Case:
        """The case called `name`.

        Raises:
            OptionError: there is none; the message names near matches.
        """
        try:
            return self.cases[name]
        except KeyError:
            raise OptionError(f"there is no case {name!r}", near_matches(name, self.cases)) from None


def load_registry(found: Iterable[EntryPoint] | None = None) -> Registry:
    """Load every plugin of the installed distributions, or of the entry points `found`."""
    found = entry_points(group=PROJECT) if found is None else found
    plugins = sorted((load_plugin(entry) for entry in found), key=lambda plugin: (plugin.name, plugin.origin))
    return Registry(_without_duplicate_cases(_without_duplicate_plugins(plugins)))


def load_plugin(entry: EntryPoint) -> Plugin:
    """Import one plugin and collect what it supplies; whatever goes wrong becomes its reason to be left out."""
    origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "no distribution"
    plugin = Plugin(entry.name, entry.value, origin)
    try:
        return replace(plugin, cases=_supplied_cases(entry.name, _import(entry)))
    except BenchsuiteError as error:
        return replace(plugin, error=error)


def _import(entry: EntryPoint) -> ModuleType:
    try:
        return entry.load()
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"importing {entry.value} failed: {type(error).__name__}: {error}",
            "mend the plugin or install what it needs; `pip uninstall` its distribution to be rid of it",
        ) from error


def _supplied_cases(name: str, module: ModuleType) -> tuple[Case, ...]:
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
    return tuple(case for supplied in _call(manager) for case in _checked(supplied))


def _call(manager: pluggy.PluginManager) -> list[list[object]]:
    try:
        return [list(supplied) for supplied in manager.hook.benchsuite_cases()]
    except BenchsuiteError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"benchsuite_cases failed: {type(error).__name__}: {error}",
            "benchsuite_cases must yield Case(…) objects with every required field",
        ) from error


def _checked(supplied: Sequence[object]) -> Iterable[Case]:
    for case in supplied:
        if not isinstance(case, Case):
            raise PluginError(f"benchsuite_cases supplied a {type(case).__name__}, not a Case", "yield Case(…)")
        yield case


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


def _without_duplicate_cases(plugins: Sequence[Plugin]) -> tuple[Plugin, ...]:
    # A case belongs to the plugin that is named like it, else to the first by name: a stranger cannot take it over.
    owner: dict[str, Plugin] = {}
    for plugin in plugins:
        for case in plugin.cases:
            if case.name not in owner or plugin.name == case.name:
                owner[case.name] = plugin
    return tuple(
        next((_refused(p, f"case {c.name}", owner[c.name]) for c in p.cases if owner[c.name] is not p), _distinct(p))
        for p in plugins
    )


def _distinct(plugin: Plugin) -> Plugin:
    names = [case.name for case in plugin.cases]
    twice = next((name for name in names if names.count(name) > 1), None)
    return _refused(plugin, f"case {twice}", plugin) if twice else plugin


def _refused(plugin: Plugin, what: str, owner: Plugin) -> Plugin:
    message = f"{what} is already supplied by {owner.target} of {owner.origin}"
    return replace(plugin, cases=(), error=PluginError(message, f"rename it in {plugin.target} of {plugin.origin}"))
