"""Calls of treatments and optimisers are parsed, never evaluated; a mistake is pointed at."""

from __future__ import annotations

import textwrap
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import line, treatment

from benchsuite import BenchsuiteError, Case, DoesNotApply, Treatment
from benchsuite.case.factory import options_of
from benchsuite.errors import OptionError
from benchsuite.names import NAME
from benchsuite.plugins.call import Call
from benchsuite.plugins.selection import label_calls, recall_labels, select_treatments
from benchsuite.settings import TrainingSettings


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
    assert call.values == values
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

def wrap(factory, options):
    return factory(**options)
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
    "adam(": "'(' was never closed",
    "adam(1)(2)": "there is no treatment 'adam(1)(2)'",
    "adam(x)": "x is not a number",
    "adam('1')": "'1' is not a number",
    "adam([1])": "[1] is not a number",
    "adam(1, 2)": "has 1 options",
    "adam(1, factor=2)": "twice",
    "adam(facto=2)": "did you mean factor?",
    "adam(**{})": "not supported",
    "adam(__import__('os').system('touch hacked'))": "is not a name of a function",
    "adam(10**10**10)": "arithmetic is not supported",
    "mine_to_try:nothing": "AttributeError",
    "mine_to_try:NUMBER": "is a int",
    "mine_to_try:needs": "requires it",
    "mine_to_try:fails": "RuntimeError: no",
    "mine_to_try:other": "gives a number, not an optax transformation",
    "mine_to_try:make(rate=1)": "has no option 'rate'",
    "nowhere_at_all:make": "ModuleNotFoundError",
    "os:system('touch hacked')": "a module of Python itself",
    "optax.chain(os:system('touch hacked'))": "a module of Python itself",
    "optax.chain(adma(1))": "did you mean adam",
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


NESTED = {
    "optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(1e-2, 2000)))": (
        "optax.chain-clip-by-global-norm-1.0-adam-cosine-decay-schedule-0.01-2000"
    ),
    "chain(clip(1.0), scale(-.1),)": "chain-clip-1.0-scale-minus0.1",
    "MultiSteps(adam(0.1), every_k_schedule=4)": "MultiSteps-adam-0.1-every-k-schedule-4",
    "chain(MultiSteps(adam(0.1), 4), scale(2.0))": "chain-MultiSteps-adam-0.1-4-scale-2.0",
    "apply_if_finite(sgd(0.1), max_consecutive_errors=3)": "apply-if-finite-sgd-0.1-max-consecutive-errors-3",
    "optax.inject_hyperparams(optax.adam)(learning_rate=0.1)": "optax.inject-hyperparams-adam-learning-rate-0.1",
    "contrib.schedule_free(adam(0.1), 0.1)": "contrib.schedule-free-adam-0.1-0.1",
    "schedule_free(adam(0.1), 0.1)": "schedule-free-adam-0.1-0.1",
    "lookahead(sgd(0.1), sync_period=5, slow_step_size=0.5)": "lookahead-sgd-0.1-sync-period-5-slow-step-size-0.5",
    "partition({'a': adam(0.1), 'b': sgd(1.0)}, 'a')": "partition-a-adam-0.1-b-sgd-1.0-a",
    "named_chain(('clip', clip(1.0)), ['step', sgd(0.1)])": "named-chain-clip-clip-1.0-step-sgd-0.1",
    "adam(join_schedules([linear_schedule(0.0, 1.0, 9), constant_schedule(0.1)], [9]))": (
        "adam-join-schedules-linear-schedule-0.0-1.0-9-constant-schedule-0.1-9"
    ),
    "sgd(0.1, momentum=None, nesterov=False, accumulator_dtype='bfloat16')": (
        "sgd-0.1-momentum-None-nesterov-False-accumulator-dtype-bfloat16"
    ),
    "chain(mine_to_try:make(0.25), scale(2.0))": "chain-mine-to-try-make-0.25-scale-2.0",
    "mine_to_try:wrap(adam, {'learning_rate': 0.5})": "mine-to-try-wrap-adam-learning-rate-0.5",
}


@pytest.mark.usefixtures("own_module")
@pytest.mark.parametrize(("text", "name"), NESTED.items())
def test_nested_calls_are_made(text: str, name: str) -> None:
    """Calls in calls, in lists, tuples and dicts, with texts and None; the name of the treatment is readable."""
    (item,) = chosen(optimizers=(text,))
    made = item.apply(line()).make_optimizer()

    assert item.name == name
    assert callable(made.init)
    assert callable(made.update)


def test_nested_calls_make_what_python_makes() -> None:
    """The updates are those of the same expression in Python."""
    (item,) = chosen(optimizers=("chain(clip_by_global_norm(1.0), sgd(linear_schedule(1.0, 0.0, 4), momentum=0.5))",))
    expected = optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(optax.linear_schedule(1.0, 0.0, 4), momentum=0.5))

    mine, theirs = (updates_of(made) for made in (item.apply(line()).make_optimizer(), expected))

    np.testing.assert_array_equal(mine, theirs)


def updates_of(made: optax.GradientTransformation) -> np.ndarray:
    """The updates of three steps with a gradient of norm 5."""
    parameters, updates = jnp.array([3.0, 4.0]), []
    state = made.init(parameters)
    for _ in range(3):
        update, state = made.update(parameters, state, parameters)
        updates.append(np.asarray(update))
    return np.array(updates)


def test_optimizers_are_parts_of_combined_treatments() -> None:
    """With the prefix optax. they stand among treatments, and can be joined to others."""
    (item,) = chosen("optax.chain(clip(+1.0), adam(0.1))+adam(0.5)")

    assert item.name == "optax.chain-clip-1.0-adam-0.1+adam-0.5"


OPTIONS = {
    "max_norm": 1.0,
    "clip_by_global_norm.max_norm": 1.0,
    "init_value": 0.01,
    "cosine_decay_schedule.init_value": 0.01,
    "adam.1.b1": 0.9,
    "adam.2.learning_rate": 0.1,
    "learning_rate": 0.1,
}


def test_options_of_nested_calls_have_names_and_paths() -> None:
    """A name alone where one number has it, else a path; the second of two calls of a name has the number 2."""
    text = "chain(clip_by_global_norm(1.0), adam(cosine_decay_schedule(0.01, 10)), adam(0.1))"
    (item,) = chosen(optimizers=(text,))
    case = item.apply(line())
    changed = case.with_optimizer(max_norm=2.0).with_optimizer(**{"adam.2.b1": 0.5})

    assert OPTIONS.items() <= case.optimizer_options.items()
    assert "b1" not in case.optimizer_options
    assert changed.optimizer_options["clip_by_global_norm.max_norm"] == 2.0
    assert changed.optimizer_options["adam.2.b1"] == 0.5
    assert changed.optimizer_options["adam.1.b1"] == 0.9
    with pytest.raises(DoesNotApply, match="its optimiser has no option 'b1'"):
        case.with_optimizer(b1=0.5)


def test_long_names_are_cut_and_stay_different() -> None:
    """The end of a long name is a digest of the whole call."""
    texts = [f"chain({', '.join(['clip_by_global_norm(1.0)'] * 5)}, adam({rate}))" for rate in (0.1, 0.2)]
    names = [item.name for item in chosen(optimizers=tuple(texts))]

    assert len(set(names)) == 2
    assert all(len(name) <= 90 for name in names)


#: text → (what is wrong, what is pointed at).
BAD_OPTIMIZERS = {
    "optax.adma(1e-2)": ("optax has no function 'adma'", "optax.adma(1e-2)"),
    "optax.adam": ("requires learning_rate", "optax.adam"),
    "optax.adam(lr=1)": ("has no option 'lr'", "lr=1"),
    "optax.cosine_decay_schedule(0.1, 10)": ("not an optax transformation", "optax.cosine_decay_schedule(0.1, 10)"),
    "optax.polynomial_schedule(1, 1)": ("requires", "optax.polynomial_schedule(1, 1)"),
    "optax._src.alias.adam(1)": ("is not a public function of optax", "optax._src.alias.adam(1)"),
    "optax.tree.map(1)": ("is not a public function of optax", "optax.tree.map(1)"),
    "optax.apply_if_finite(1, 2)": ("inner of apply_if_finite is a number", "1"),
    "os.system(1)": ("is not a public function of optax", "os.system(1)"),
    "numpy": ("optax has no function 'numpy'", "numpy"),
    "chain(clip(1.0), adma(0.1))": ("optax has no function 'adma'", "adma(0.1)"),
    "chain(_adam(0.1))": ("optax has no function '_adam'", "_adam(0.1)"),
    "chain(adam(0.1)": ("'(' was never closed", "("),
    "chain(adam(0.1)))": ("unmatched ')'", ")"),
    "chain(adam(0.1).update)": ("is not a name of a function", "adam(0.1).update"),
    "adam(lambda step: 0.1)": ("a lambda expression is not supported", "lambda step: 0.1"),
    "chain([adam(x) for x in y])": ("a comprehension is not supported", "[adam(x) for x in y]"),
    "adam(0.1 if True else 0.2)": ("a condition is not supported", "0.1 if True else 0.2"),
    "adam(1 / 3)": ("arithmetic is not supported", "1 / 3"),
    "adam(f'0.1')": ("a formatted string is not supported", "f'0.1'"),
    "adam(*[0.1])": ("an argument with a star is not supported", "*[0.1]"),
    "adam(**{'b1': 0.1})": ("two stars", "**{'b1': 0.1}"),
    "adam(b'0.1')": ("is not supported", "b'0.1'"),
    "adam(1e999)": ("is too large a number", "1e999"),
    "chain(adam)": ("adam is not called", "adam"),
    "chain(cosine_decay_schedule(0.1, 9))": ("a schedule or function", "cosine_decay_schedule(0.1, 9)"),
    "adam(sgd(0.1))": ("learning_rate of adam is a transformation", "sgd(0.1)"),
    "adam('0.1')": ("learning_rate of adam is the text '0.1'", "'0.1'"),
    "adam('it\\'s')": ("is the text", "'it\\'s'"),
    "clip(linear_schedule(0, 1, 9))": ("max_delta of clip is a schedule", "linear_schedule(0, 1, 9)"),
    "chain(adam(0.1, 0.9, b1=0.8))": ("b1 is given twice", "b1=0.8"),
    "chain(clip(1.0, 2.0))": ("clip has 1 options", "2.0"),
    "chain(adam(cosine_decay_schedule(0.1, 0)))": ("positive decay_steps", "cosine_decay_schedule(0.1, 0)"),
    "chain(sgd())": ("sgd requires learning_rate", "sgd()"),
    "adam(0.1)(2)": ("the result of adam(0.1) is a", "adam(0.1)(2)"),
    "adam(0.1), sgd(0.1)": ("is not a name or a call", "adam(0.1), sgd(0.1)"),
    "[0.1]": ("is not a name or a call", "[0.1]"),
}


@pytest.mark.parametrize(("text", "message", "part"), [(text, *bad) for text, bad in BAD_OPTIMIZERS.items()])
def test_bad_optimizer_is_pointed_at(text: str, message: str, part: str) -> None:
    """The message shows the text with carets below the mistake."""
    with pytest.raises(OptionError) as refused:
        chosen(optimizers=(text,))

    first, shown, carets = refused.value.message.splitlines()
    assert message in first
    assert shown == f"    {text}"
    assert shown[carets.index("^") : len(carets)] == part
    assert refused.value.hint


TOKENS = st.sampled_from(
    [
        *("chain(", "adam(", "optax.", "clip(", "scale(", "contrib.", "_src", "os:", "system(", "builtins:eval("),
        *("'touch hacked'", "lambda x:", "None", "for", "in", "if", "import", "__import__(", "eval(", "'it''s"),
        *("[", "]", "{", "}", "(", ")", ",", "0.1", "-1", "=", "b1=", "**", ".", ":", "+", '"', "\\"),
        *("\n", " # ", "é", "\0", "\ud800"),
    ]
)


@given(st.lists(TOKENS, max_size=12).map("".join))
def test_no_text_calls_anything_else(text: str) -> None:
    """Any text of such parts is made or refused; only functions of optax are called."""
    called = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.system", called.append)
        patch.setattr("builtins.eval", called.append)
        for words in ((text,), ()):
            with suppress(OptionError):
                select_treatments(words, () if words else (text,), KNOWN)

    assert not called


def test_labels_are_recalled() -> None:
    """The name of a call in an earlier run stands for the call; an altered one, or an unknown one, does not."""
    texts = ("he+adam(0.5)",), ("chain(clip(1.0), sgd(0.1))",)
    labels = label_calls(*texts)
    typed = TrainingSettings(treatment=("adam", *labels))

    found = recall_labels(typed, KNOWN, labels.get)

    assert list(labels) == ["he+adam-0.5", "chain-clip-1.0-sgd-0.1"]
    assert found.treatment == ("adam", "he+adam(0.5)")
    assert found.optimizer == ("chain(clip(1.0), sgd(0.1))",)
    assert recall_labels(typed, KNOWN, lambda label: None) == typed
    with pytest.raises(OptionError, match="an earlier run calls"):
        recall_labels(typed, KNOWN, lambda label: ("treatment", "os:system('touch hacked')"))


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
