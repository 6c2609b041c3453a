"""Find the installed plugins, and import those that are used; those that fail are left out with an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar, cast

from benchsuite.case import Case, Download
from benchsuite.errors import OptionError, PluginError, near_matches
from benchsuite.plugins.call import Call
from benchsuite.plugins.declared import DeclarationCache, DeclaredCase, DeclaredLadder
from benchsuite.plugins.hookspecs import PROJECT
from benchsuite.plugins.observer import RunObserver
from benchsuite.plugins.plugin import Plugin, PluginId, Supplied, import_plugin
from benchsuite.settings import AUTO, STAND_IN
from benchsuite.variants import Treatment

T = TypeVar("T")


@dataclass(frozen=True)
class _ByName(Mapping[str, T]):
    """Objects of plugins by name; a plugin is imported when one of its objects is first used."""

    kind: str
    owners: Mapping[str, Plugin]

    def __getitem__(self, name: str) -> T:
        plugin = self.owners[name]
        for item in getattr(plugin.supplied, self.kind):
            if item.name == name:
                return cast("T", item)
        error = plugin.error or PluginError(f"{plugin.target} supplies no {name} any more", "run the command again")
        raise OptionError(f"{name} cannot be used: {error.message}", error.hint)

    def __iter__(self) -> Iterator[str]:
        return iter(self.owners)

    def __len__(self) -> int:
        return len(self.owners)


@dataclass(frozen=True)
class Registry:
    """All plugins, sorted by name, with the cases and treatments that they supply."""

    plugins: tuple[Plugin, ...]

    @cached_property
    def declared(self) -> dict[str, DeclaredCase]:
        """Name → what a list shows of a case, in the order of the names; those of a ladder in that of the values."""
        cases = [case for plugin in self.plugins for case in plugin.declared.cases]
        return {case.name: case for case in sorted(cases, key=lambda c: c.rung.ladder if c.rung else c.name)}

    @cached_property
    def cases(self) -> Mapping[str, Case]:
        """Name → case, in the same order."""
        owners = {case.name: plugin for plugin in self.plugins for case in plugin.declared.cases}
        return _ByName("cases", {name: owners[name] for name in self.declared})

    @cached_property
    def ladders(self) -> dict[str, DeclaredLadder]:
        """Name → what a list shows of a ladder of cases."""
        return {ladder.name: ladder for plugin in self.plugins for ladder in plugin.declared.ladders}

    @cached_property
    def treatments(self) -> Mapping[str, Treatment]:
        """Name → treatment, in the order of the plugins."""
        return _ByName("treatments", {name: plugin for plugin in self.plugins for name in plugin.declared.treatments})

    @property
    def observers(self) -> list[RunObserver]:
        """The observers, in the order of the plugins."""
        return [o for plugin in self.plugins if plugin.declared.observers for o in plugin.supplied.observers]

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
        if choice not in (AUTO, STAND_IN) and choice not in self.downloads:
            choices = {AUTO, STAND_IN, *self.downloads}
            raise OptionError(f"there is no dataset {choice!r}", near_matches(choice, choices))

    def case(self, name: str) -> Case:
        """Look up a case by name, or by ladder and value as in "abs-width(units=4)".

        Raises:
            OptionError: there is none, and the hint suggests similar names; or it is a ladder of several.
        """
        return self.cases[self._full_name(name)]

    def _full_name(self, name: str) -> str:
        ladders = self.ladders
        if name in self.declared:
            return name
        if name in ladders:
            names = ladders[name].names
            raise OptionError(f"{name} is a ladder of {len(names)} cases; expected one", f"one of: {', '.join(names)}")
        if name.partition("(")[0].strip() in ladders:
            return _name_of_rung(name, ladders)
        for plugin in self.left_out:
            if name in (plugin.name, plugin.target.rpartition(".")[2]):
                raise OptionError(
                    f"there is no case {name!r}: {plugin.reason}", plugin.error.hint if plugin.error else ""
                )
        with self.left_out_named():
            raise OptionError(f"there is no case {name!r}", near_matches(name, [*self.declared, *ladders]))

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

    def names(self, name: str) -> list[str]:
        """The name of the case called `name`, or of all cases of the ladder called so.

        Raises:
            OptionError: there is none, with near matches.
        """
        ladder = self.ladders.get(name)
        return list(ladder.names) if ladder else [self._full_name(name)]

    def select(self, name: str) -> list[Case]:
        """The case called `name`, or all cases of the ladder called so.

        Raises:
            OptionError: there is none, with near matches.
        """
        return [self.cases[each] for each in self.names(name)]


def _name_of_rung(text: str, ladders: Mapping[str, DeclaredLadder]) -> str:
    """The name of the case that "ladder(option=value)" means."""
    call = Call.parse(text, 'name a case such as "abs-width(units=4)"')
    ladder = ladders[call.name]
    given = [*((ladder.option, value) for value in call.values), *call.options.items()]
    places = [place for place, value in enumerate(ladder.values) if given == [(ladder.option, value)]]
    if not places:
        raise OptionError(f"{text!r} is no case of the ladder {ladder.name}", f"one of: {', '.join(ladder.names)}")
    return ladder.names[places[0]]


def load_registry(
    found: Iterable[EntryPoint] | None = None,
    but: Iterable[PluginId] = (),
    before_import: Callable[[], None] = lambda: None,
) -> Registry:
    """List the plugins of the installed distributions; those that changed since the last time are imported.

    Args:
        found: entry points to load instead of the installed ones.
        but: plugins to skip.
        before_import: called before a plugin is imported.
    """
    kept, but = DeclarationCache.load(), set(but)
    placed = _with_origins(list(entry_points(group=PROJECT) if found is None else found))
    plugins = [
        _plugin(entry, origin, kept, before_import)
        for entry, origin in placed
        if (entry.name, entry.value, origin) not in but
    ]
    plugins.sort(key=lambda plugin: (plugin.name, plugin.origin))
    kept.save()
    return Registry(_without_duplicate_names(_without_duplicate_plugins(plugins)))


def _with_origins(found: Sequence[EntryPoint]) -> Iterator[tuple[EntryPoint, str]]:
    """Iterate over entry points with the name and version of their distribution, whose file is read once."""
    origins: dict[int, str] = {}
    for entry in found:
        dist = entry.dist
        if id(dist) not in origins:
            about = dist.metadata if dist else None
            origins[id(dist)] = f"{about['Name']} {about['Version']}" if about else "no distribution"
        yield entry, origins[id(dist)]


def _plugin(entry: EntryPoint, origin: str, kept: DeclarationCache, before_import: Callable[[], None]) -> Plugin:
    def load() -> Supplied:
        before_import()
        return import_plugin(entry)

    plugin = Plugin(entry.name, entry.value, origin, load=load)
    if declared := kept.recall(entry, origin):
        plugin.declared = declared
        return plugin
    plugin.declared = plugin.supplied.declared
    if plugin.error is None:
        kept.keep(entry, origin, plugin.declared)
    return plugin


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
        for what in plugin.declared.names:
            if what not in owner or what == f"case {plugin.name}":
                owner[what] = plugin
    return tuple(_refused_for_duplicates(plugin, owner) for plugin in plugins)


def _refused_for_duplicates(plugin: Plugin, owner: Mapping[str, Plugin]) -> Plugin:
    names = plugin.declared.names
    taken = next((what for what in names if owner[what] is not plugin or names.count(what) > 1), None)
    return _refused(plugin, taken, owner[taken]) if taken else plugin


def _refused(plugin: Plugin, what: str, owner: Plugin) -> Plugin:
    message = f"{what} is already supplied by {owner.target} of {owner.origin}"
    error = PluginError(message, f"rename it in {plugin.target} of {plugin.origin}")
    return Plugin(*plugin.place, error=error)
