"""What people write for treatments is read, never evaluated, and refused in sentences."""

from __future__ import annotations

import textwrap
from functools import partial
from pathlib import Path
from typing import Any

import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import line, treatment

from benchsuite import BenchsuiteError, Case, Treatment
from benchsuite.case.factory import options_of
from benchsuite.case.names import NAME
from benchsuite.errors import OptionError
from benchsuite.plugins.call import Call
from benchsuite.plugins.selection import select_treatments


def scaled(case: Case, factor: float = 2.0) -> Case:
    """A change with an option."""
    return case.with_optimizer(learning_rate=factor)


KNOWN = {name: treatment(scaled, name) for name in ("he", "adam", "learning-rate-x10")}


def chosen(*texts: str, optimizers: tuple[str, ...] = ()) -> list[Treatment]:
    """What these words choose among the known ones."""
    return select_treatments(texts, optimizers, KNOWN)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text ends in anything but a treatment or a sentence."""
    for words in ((text,), ()):
        try:
            select_treatments(words, () if words else (text,), KNOWN)
        except BenchsuiteError as error:
            assert error.message  # noqa: PT017  # a text may also be a good one


NUMBERS = st.one_of(st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False), st.booleans())


@given(st.lists(NUMBERS, max_size=3), st.dictionaries(st.sampled_from(["a", "b_2", "lr"]), NUMBERS))
def test_numbers_are_read_as_they_are_written(values: list[Any], options: dict[str, Any]) -> None:
    """Every Python number, positional or by name."""
    written = ", ".join([*map(repr, values), *(f"{name}={value!r}" for name, value in options.items())])

    call = Call.parse(f"leaky-relu({written})", "")

    assert call.name == "leaky-relu"
    assert call.values == tuple(values)
    assert call.options == options
    assert NAME.fullmatch(call.label)


def test_treatments_are_chosen_by_name() -> None:
    """One, all, none, or several as one; each of them once."""
    assert [item.name for item in chosen("he", "adam", "he")] == ["he", "adam"]
    assert [item.name for item in chosen("all")] == list(KNOWN)
    assert chosen("none") == []
    assert [item.name for item in chosen("he+adam(factor=1e+2)")] == ["he+adam-factor-100.0"]


def test_treatments_are_applied_with_the_options_said() -> None:
    """An option replaces its default, by name or by place, and the name of the treatment says so."""
    (item,) = chosen("adam(0.5)")

    assert item.name == "adam-0.5"
    assert item.options == {"factor": 0.5}


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("optax.adam(1e-2)", {"learning_rate": 1e-2}),
        ("adam(learning_rate=1e-2, b1=0.5)", {"learning_rate": 1e-2, "b1": 0.5}),
        ("optax.sgd(0.1, momentum=0.9, nesterov=True)", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
        ("optax.contrib.prodigy(1.0)", {"learning_rate": 1.0}),
    ],
)
def test_optimizers_of_optax_are_made(text: str, options: dict[str, float]) -> None:
    """A call becomes a treatment that puts the optimiser in the place of the case's own, with options to sweep."""
    (item,) = chosen(optimizers=(text,))
    treated = item.apply(line())

    assert treated.id == f"line+{item.name}"
    assert options.items() <= treated.optimizer_options.items()
    assert hasattr(treated.make_optimizer(), "update")


MODULE = """
import optax
from benchsuite import Treatment

MINE = Treatment("mine", "Mine.", "me", lambda case, factor=3.0: case)
NUMBER = 3

def make(learning_rate=0.5):
    return optax.sgd(learning_rate)

def treatment():
    return MINE

def change(case, rate=0.5):
    return case.with_optimizer(learning_rate=rate)

def needs(it):
    return optax.sgd(it)

def fails():
    raise RuntimeError("no")

def other():
    return 3
"""


@pytest.fixture
def own_module() -> None:
    """A module of the user's in the folder that they work in."""
    Path("mine_to_try.py").write_text(textwrap.dedent(MODULE))


@pytest.mark.usefixtures("own_module")
def test_own_modules_are_imported_from_the_working_folder() -> None:
    """A treatment, or a function that makes one or an optimiser, with or without options."""
    said = ("MINE(factor=4)", "treatment", "make", "make(0.25)", "change(8)")
    mine, made, half, quarter, changed = chosen(*(f"mine_to_try:{text}" for text in said))

    assert mine.options == {"factor": 4}
    assert made.name == "mine-to-try-treatment"
    assert half.apply(line()).optimizer_options == {"learning_rate": 0.5}
    assert quarter.apply(line()).optimizer_options == {"learning_rate": 0.25}
    assert quarter.name == "mine-to-try-make-0.25"
    assert changed.apply(line(optimizer=partial(optax.sgd, 1.0))).optimizer_options["learning_rate"] == 8.0


BAD = {
    "adma": "did you mean adam?",
    "all+he": "there is no treatment 'all'",
    "": "not a name",
    "adam(": "not a name",
    "adam(1)(2)": "do not match",
    "adam(x)": "x is not a number",
    "adam('1')": "'1' is not a number",
    "adam(1, 2)": "has 1 options",
    "adam(1, factor=2)": "twice",
    "adam(facto=2)": "did you mean factor?",
    "adam(**{})": "not supported",
    "adam(__import__('os').system('touch hacked'))": "is not a number",
    "adam(10**10**10)": "is not a number",
    "mine_to_try:nothing": "AttributeError",
    "mine_to_try:NUMBER": "is a int",
    "mine_to_try:needs": "requires it",
    "mine_to_try:fails": "RuntimeError: no",
    "mine_to_try:other": "returns a int, not an optax transformation",
    "nowhere_at_all:make": "ModuleNotFoundError",
    "os:system('touch hacked')": "is not a number",
}


@pytest.mark.usefixtures("own_module")
@pytest.mark.parametrize(("text", "said"), BAD.items())
def test_bad_treatment_is_refused(text: str, said: str) -> None:
    """Each mistake is told with what to write instead, and nothing is run."""
    with pytest.raises(OptionError) as refused:
        chosen(text)

    assert said in str(refused.value)
    assert refused.value.hint
    assert not Path("hacked").exists()


BAD_OPTIMIZERS = {
    "optax.adma(1e-2)": "did you mean adam",
    "optax.adam": "requires learning_rate",
    "optax.adam(lr=1)": "has no option 'lr'",
    "optax.cosine_decay_schedule(0.1, 10)": "not an optax transformation",
    "optax.polynomial_schedule(1, 1)": "requires",
    "optax._src.alias.adam(1)": "is not an optimiser of optax",
    "optax.tree.map(1)": "is not an optimiser of optax",
    "optax.apply_if_finite(1, 2)": "AttributeError",
    "os.system(1)": "is not an optimiser of optax",
    "numpy": "no optimiser 'numpy'",
}


@pytest.mark.parametrize(("text", "said"), BAD_OPTIMIZERS.items())
def test_bad_optimizer_is_refused(text: str, said: str) -> None:
    """Only optax's own names are looked up, and what they make must be an optimiser."""
    with pytest.raises(OptionError) as refused:
        chosen(optimizers=(text,))

    assert said in str(refused.value)


def test_different_numbers_have_different_names() -> None:
    """Written in any way that Python has; what would be called the same is refused."""
    texts = ("adam(1e+2)", "adam(1e-2)", "adam(-0.1)", "adam(.1)", "adam(+2)", "adam(1.)", "adam(-1e-05)")

    names = [item.name for item in chosen(*texts)]

    assert names == ["adam-100.0", "adam-0.01", "adam-minus0.1", "adam-0.1", "adam-2", "adam-1.0", "adam-minus1e-05"]
    with pytest.raises(OptionError, match="has the same name as another treatment"):
        chosen("adam(0.1)", "adam(.1)")


def test_none_stands_alone() -> None:
    """No treatment together with one is a contradiction."""
    with pytest.raises(OptionError, match="none excludes other treatments"):
        chosen("none", "he")


@pytest.mark.filterwarnings("ignore")  # optax deprecates some
def test_every_optimizer_of_optax_that_needs_a_learning_rate_alone_can_be_named() -> None:
    """The parser keeps up with optax: what `optax.<name>(0.1)` is in Python, it is here."""
    names = [name for name in dir(optax) if options(name) == ["learning_rate"]]

    assert {"sgd", "adam", "lion", "rmsprop"} <= set(names)
    for name in names:
        (item,) = chosen(optimizers=(f"optax.{name}(0.1)",))
        assert item.name == f"optax.{name}-0.1".replace("_", "-")


def options(name: str) -> list[str]:
    """The options without a default of something in optax that has a learning rate, if it is an optimiser."""
    from benchsuite.case.factory import UNSET

    found = getattr(optax, name)
    if not (name.islower() and callable(found) and getattr(found, "__module__", "").endswith("alias")):
        return []
    return [option for option, value in options_of(found).items() if value is UNSET]
