"""A ladder: a case for each value of a structural option, shown as a ladder; and such options in a sweep."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optax
import pytest
from conftest import LINE, Command, InstallPlugin
from flax import nnx
from pyarrow import parquet
from stored import GOOD, STUCK, a_case, store_run, treated
from toys import line

from benchsuite import Case, CaseError, DoesNotApply, FailureRate, Ladder
from benchsuite.case import SweepRange
from benchsuite.errors import OptionError, StoreError
from benchsuite.plugins import Registry, load_registry
from benchsuite.store import RunFolder
from benchsuite.system import files
from benchsuite.variants.variant import sweep_cases

PLUGIN = (
    LINE
    + """
from functools import partial
from benchsuite import Ladder

class Net(nnx.Module):
    def __init__(self, rngs, units=2):
        self.hidden, self.out = nnx.Linear(1, units, rngs=rngs), nnx.Linear(units, 1, rngs=rngs)

    def __call__(self, x):
        return self.out(self.hidden(x))

def width(units):
    return line("net", model=partial(Net, units=units), schedule=Schedule(steps=4, evaluate_every=2, seeds=4))

@hookimpl
def benchsuite_cases():
    yield Ladder("net", "Linear layers of several widths learn a line.", options={"units": (10, 1, 2)}, case=width,
                 published={1: FailureRate(equals=0.5), 2: 0.25})
"""
)


class Net(nnx.Module):
    """A hidden layer of linear units."""

    def __init__(self, rngs: nnx.Rngs, units: int = 2, scale: float = 1.0) -> None:
        self.hidden, self.out = nnx.Linear(1, units, rngs=rngs), nnx.Linear(units, 1, rngs=rngs)
        self.scale = scale

    def __call__(self, x: Any) -> Any:
        """The prediction for a batch (n, 1)."""
        return self.scale * self.out(self.hidden(x))


def net(units: int) -> Case:
    """A case of the ladder "net"."""
    return line(name="net", model=partial(Net, units=units))


@pytest.fixture
def registry(install_plugin: InstallPlugin) -> Registry:
    """The installed plugins, with the ladder "net"."""
    install_plugin("net", PLUGIN, module="ladder_of_nets")
    return load_registry()


def test_cases_of_a_ladder_are_named_after_their_values() -> None:
    """Each is a case of its own, in the order of the values, with the result of the source as a claim."""
    published = {2: FailureRate(failed=10, of=20), 10: 0.1}
    ladder = Ladder("net", options={"units": np.array([10, 2])}, case=net, published=published)

    two, ten = ladder.make_cases()

    assert (two.name, ten.name) == ("net-units-2", "net-units-10")
    assert two.model_options["units"] == 2
    assert type(two.model_options["units"]) is int
    assert (two.rung.ladder, two.rung.option, two.rung.value, two.rung.published) == ("net", "units", 2, 0.5)  # type: ignore[union-attr]  # it has one
    assert [str(claim.check) for claim in two.claims] == ["10 of 20 fail"]
    assert ten.claims == ()


def test_fractions_and_negative_values_have_names() -> None:
    """Any number can be part of a name."""
    ladder = Ladder("net", options={"learning_rate": (-0.5, 1e-5)}, case=net)

    assert ladder.names == ["net-learning-rate-minus0.5", "net-learning-rate-1e-05"]


UNITS = {"units": (1, 2)}

BAD = {
    "name": ({"name": "a net"}, "a ladder is named 'a net'"),
    "summary": ({"summary": 3}, "summary is 3"),
    "no options": ({"options": {}}, "has 0 options, expected one"),
    "two options": ({"options": {"units": (1,), "depth": (2,)}}, "has 2 options, expected one"),
    "list": ({"options": [1, 2]}, "options is [1, 2]"),
    "option": ({"options": {"two words": (1,)}}, "give {name: values}"),
    "no values": ({"options": {"units": ()}}, "options['units'] has no values"),
    "number": ({"options": {"units": 3}}, "options['units'] is 3"),
    "text": ({"options": {"units": ("a",)}}, "the value 'a', expected numbers"),
    "nan": ({"options": {"units": (float("nan"),)}}, "the value nan, expected numbers"),
    "twice": ({"options": {"units": (1, 2, 1.0)}}, "has the value 1 twice"),
    "no function": ({"case": line()}, "case is not a function"),
    "no rung": ({"published": {3: 0.5}}, "a result at units = 3, which is no rung"),
    "share": ({"published": {1: 1.5}}, "is 1.5 at units = 1"),
    "bound": ({"published": {1: FailureRate(at_most=0.5)}}, "give FailureRate(failed=…, of=…)"),
    "fails": ({"case": lambda units: 1 // (units - 1)}, "ladder net: case(units=1) failed: ZeroDivisionError"),
    "argument": ({"case": lambda depth=1: line(name=f"{depth}")}, "unexpected keyword argument 'units'"),
    "no case": ({"case": lambda units: units}, "case(units=1) returns a int, expected a Case"),
    "other": ({"case": lambda units: line(name=f"net-{units}")}, "returns a case named 'net-1', expected 'net'"),
    "case": ({"case": lambda units: line(name="net", restarts=0)}, "case(units=1): case net: restarts is 0"),
}


@pytest.mark.parametrize(("fields", "expected"), BAD.values(), ids=BAD)
def test_bad_ladder_is_refused(fields: dict[str, Any], expected: str) -> None:
    """A sentence names the ladder, the field and what was expected, and a hint says what to change."""
    with pytest.raises(CaseError) as refused:
        Ladder(**({"name": "net", "options": UNITS, "case": net} | fields)).make_cases()

    assert expected in str(refused.value)
    assert refused.value.hint


def test_plugin_with_a_bad_ladder_is_left_out(install_plugin: InstallPlugin) -> None:
    """None of its cases is there, and a ladder cannot have the name of a case."""
    install_plugin("net", PLUGIN.replace("(10, 1, 2)", "()"), module="ladder_without_values")
    install_plugin("other", PLUGIN.replace('"net"', '"relu-bias"'), module="ladder_named_like_a_case")

    registry = load_registry()

    errors = {plugin.name: str(plugin.error) for plugin in registry.left_out}
    assert "ladder net: options['units'] has no values" in errors["net"]
    assert "case relu-bias is already supplied" in errors["other"]
    assert "net" not in registry.ladders


def test_ladder_is_selected_whole_or_by_value(registry: Registry) -> None:
    """By its name, by the name of a case, or by option and value; an error names what there is."""
    names = ["net-units-1", "net-units-2", "net-units-10"]

    assert [case.name for case in registry.select("net")] == names
    assert [name for name in registry.cases if name.startswith("net")] == names
    for text in ("net-units-10", "net(units=10)", "net(10)", "net(units=10.0)"):
        assert [case.name for case in registry.select(text)] == ["net-units-10"]
    for text in ("net(units=3)", "net(width=1)", "net(1, 2)", "net()"):
        with pytest.raises(OptionError, match="is no case of the ladder net"):
            registry.select(text)
    with pytest.raises(OptionError, match=r"did you mean .*net"):
        registry.select("nett")
    with pytest.raises(OptionError, match="net is a ladder of 3 cases; expected one"):
        registry.case("net")


@pytest.mark.usefixtures("registry")
def test_ladder_is_one_line_of_the_lists(benchsuite: Command) -> None:
    """With the values of its option."""
    _, cases, _ = benchsuite("list")
    _, plugins, _ = benchsuite("plugins")

    assert "units = 1, 2, 10" in cases
    assert "net-units-1" not in cases
    assert "net (units = 1, 2, 10)" in plugins


def rung(units: int, *ends: list[float], **plan: Any) -> Any:
    """A case of the ladder "net" that nobody trained."""
    return a_case(f"net-units-{units}", *ends, plan={"ladder_name": "net", "rung": {"units": units}, **plan})


@pytest.fixture
def finished(benchsuite: Command) -> Command:
    """Run a command, with a finished run of the ladder in the folder "out"."""
    rate = {"published": 0.25}
    high = treated("net-units-16", "adam", *[GOOD] * 6, ladder_name="net", rung={"units": 16}, **rate)
    low = treated("net-units-1", "adam", *[GOOD] * 6, ladder_name="net", rung={"units": 1})
    store_run(Path("out"), rung(16, *[GOOD] * 6, **rate), rung(1, *[GOOD, STUCK] * 3), high, low)
    return benchsuite


def test_ladder_is_a_table(finished: Command) -> None:
    """A row for each value in their order, with the published rate, for each treatment."""
    _, out, _ = finished("report", "-v", "out")

    plain, adam = out.split("The ladder net: units from 1 to 16")[1], out.split("The ladder net+adam: units from 1")[1]
    rows = [line.split() for line in plain.splitlines() if line.startswith("  ")]
    assert "published" in plain.splitlines()[2]
    assert [row[:3] for row in rows if row[0] in ("1", "16")][:2] == [["1", "50.0", "%"], ["16", "100.0", "%"]]
    assert "75.0 %" in plain
    assert "published" not in adam.split("2 cases:")[0]


def test_ladder_is_a_picture(finished: Command) -> None:
    """The rate over the option, with a tick at each value and the published rate."""
    code, out, _ = finished("report", "out", "-o", "thresholds.svg")

    assert (code, "drawn into thresholds.svg" in out) == (0, True)
    text = Path("thresholds.svg").read_text()
    for label in ("net: rate over units", "net", "net+adam", "published", "units", "16"):
        assert f">{label}</text>" in text or f">{label}</tspan>" in text
    assert finished("report", "out", "-o", "other.svg", "--picture", "thresholds")[0] == 0
    assert "published" not in Path("other.svg").read_text()


def test_picture_of_a_ladder_needs_one(benchsuite: Command) -> None:
    """Without two cases of a ladder, the error says so."""
    store_run(Path("out"), rung(1, GOOD, GOOD))

    code, _, err = benchsuite("report", "out", "-o", "ladder.svg", "--picture", "ladder")

    assert code == 2
    assert "no two cases of this run are of one ladder" in err


def test_exported_rows_have_the_value(finished: Command) -> None:
    """Of the ladder's option, beside its name."""
    finished("export", "out", "--format=parquet", "-o", "seeds.parquet")

    table = parquet.read_table("seeds.parquet").to_pydict()
    assert set(zip(table["case"], table["ladder"], table["rung.units"], strict=True)) == {
        ("net-units-1", "net", 1),
        ("net-units-16", "net", 16),
    }


def test_folders_of_earlier_versions_have_no_ladders() -> None:
    """What they do not hold is empty."""
    folder = store_run(Path("out"), a_case("line", GOOD, GOOD))
    path = folder.path / "line" / "case.json"
    content = json.loads(files.unsealed(path.read_bytes()))
    for part in (content["plan"], *content["summaries"]):
        for name in ("ladder_name", "rung", "published"):
            del part[name]
    path.write_bytes(files.sealed(content))

    (summary,) = RunFolder(folder.path).summaries.values()

    assert (summary.ladder_name, summary.rung, summary.published) == ("", {}, None)


@pytest.mark.parametrize("fields", [{"rung": {}}, {"rung": {"units": 1, "depth": 2}}, {"published": 2}])
def test_damaged_place_in_a_ladder_is_refused(fields: dict[str, Any]) -> None:
    """A ladder has one option, and a share lies between 0 and 1."""
    folder = store_run(Path("out"), rung(1, GOOD, GOOD))
    path = folder.path / "net-units-1" / "case.json"
    content = json.loads(files.unsealed(path.read_bytes()))
    content["plan"] |= fields
    path.write_bytes(files.sealed(content))

    with pytest.raises(StoreError, match=r"case\.json is damaged"):
        RunFolder(folder.path).plan("net-units-1")


NET = line(
    name="net",
    model=Net,
    optimizer=partial(optax.sgd, learning_rate=0.1),
    groups={"all": lambda start: np.ones(len(start["hidden.kernel[0, 0]"]), bool)},
)


def test_structural_option_is_swept_one_value_after_another() -> None:
    """Whole numbers stay so, and what may name other parameters is left out."""
    one, three = sweep_cases(NET, None, SweepRange("units", (1.0, 3.0)))

    assert (one.id, three.id) == ("net@units=1", "net@units=3")
    assert three.model_options["units"] == 3
    assert three.groups == {}
    assert three.sweep is None
    (side_by_side,) = sweep_cases(NET, None, SweepRange("scale", (1.0, 3.0)))
    assert side_by_side.id == "net@scale"


@pytest.mark.parametrize(
    ("option", "values", "expected"),
    [
        ("units", (1.0, 2.5), "units of net is a whole number, which 2.5 is not"),
        ("units", (-1.0, 2.0), "units of net cannot be -1: "),
    ],
)
def test_value_that_does_not_fit_is_refused(option: str, values: tuple[float, ...], expected: str) -> None:
    """Before anything is trained."""
    with pytest.raises(DoesNotApply) as refused:
        sweep_cases(NET, None, SweepRange(option, values))

    assert expected in str(refused.value)
