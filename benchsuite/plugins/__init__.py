"""Plugins: what is installed, and what the user selected of it.

In: the entry points of the group `benchsuite`, and names typed by the user.
Out: a registry of cases and treatments, the selected variants, and new plugins from a template.
"""

from benchsuite.plugins.call import Call
from benchsuite.plugins.declared import DeclaredCase, DeclaredLadder
from benchsuite.plugins.hookspecs import hookimpl
from benchsuite.plugins.objects import treatment_of
from benchsuite.plugins.observer import CaseFinished, JsonLinesLog, RoundFinished, RunObserver, RunStarted
from benchsuite.plugins.plugin import Plugin, PluginId, Supplied
from benchsuite.plugins.registry import Registry, load_registry
from benchsuite.plugins.scaffold import KINDS, PREFIX, write_plugin
from benchsuite.plugins.selection import label_calls, recall_labels, select_cases, select_treatments, select_variants

__all__ = [
    "KINDS",
    "PREFIX",
    "Call",
    "CaseFinished",
    "DeclaredCase",
    "DeclaredLadder",
    "JsonLinesLog",
    "Plugin",
    "PluginId",
    "Registry",
    "RoundFinished",
    "RunObserver",
    "RunStarted",
    "Supplied",
    "hookimpl",
    "label_calls",
    "load_registry",
    "recall_labels",
    "select_cases",
    "select_treatments",
    "select_variants",
    "treatment_of",
    "write_plugin",
]
