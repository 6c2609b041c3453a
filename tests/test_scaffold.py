"""A new plugin: what is written, what is refused, and that nothing is written anywhere else."""

from __future__ import annotations

import ast
import tempfile
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from hypothesis import example, given, settings
from hypothesis import strategies as st
from toys import line

from benchsuite.errors import BenchsuiteError, OptionError, StoreError
from benchsuite.names import NAME
from benchsuite.plugins import scaffold

FILES = [
    "pyproject.toml",
    "benchsuite_noisy_line.py",
    "test_benchsuite_noisy_line.py",
    "README.md",
    ".gitignore",
    ".github/workflows/test.yml",
    ".github/workflows/publish.yml",
]


@pytest.fixture(params=scaffold.KINDS)
def plugin(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The folder of a new plugin `noisy-line`, of each kind."""
    folder = tmp_path / "new"
    scaffold.write_plugin("noisy-line", folder, kind=request.param)
    return folder


def below(folder: Path) -> list[str]:
    """Every file below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def about(folder: Path) -> dict[str, Any]:
    """The table `project` of a plugin's pyproject.toml."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_new_plugin_is_complete(tmp_path: Path) -> None:
    """There is a module, its tests, metadata, a README, and workflows; what was written is told in full."""
    written = scaffold.write_plugin("noisy-line", tmp_path / "a" / "b")

    assert written == [tmp_path / "a" / "b" / path for path in FILES]
    assert below(tmp_path) == sorted(f"a/b/{path}" for path in FILES)


def test_metadata_is_what_benchsuite_and_pypi_look_for(plugin: Path) -> None:
    """The distribution has the plugin's entry point, and needs this version of benchsuite."""
    project = about(plugin)

    assert project["name"] == "benchsuite-noisy-line"
    assert project["version"] == "0.1.0"
    assert project["dependencies"] == [f"benchsuite>={version('benchsuite')}"]
    assert project["entry-points"] == {"benchsuite": {"noisy-line": "benchsuite_noisy_line"}}
    assert "pytest" in project["optional-dependencies"]["test"][0]
    assert (plugin / project["readme"]).exists()


def supplied(folder: Path, hook: str) -> Any:
    """What the hook of the module of a new plugin supplies."""
    code: dict[str, Any] = {"__name__": "benchsuite_noisy_line"}
    exec((folder / "benchsuite_noisy_line.py").read_text(encoding="utf-8"), code)  # noqa: S102  # it is our own
    (made,) = code[hook]()
    return made


def test_module_supplies_the_case(tmp_path: Path) -> None:
    """The module can be imported unchanged, and its case, which has a solution, has the name that was given."""
    scaffold.write_plugin("noisy-line", tmp_path / "new")

    case = supplied(tmp_path / "new", "benchsuite_cases")

    assert case.name == "noisy-line"
    assert case.solution
    assert set(case.model_options) == {"kernel_init", "bias_init"}
    assert case.optimizer_options["learning_rate"] == 0.1


@pytest.mark.parametrize(
    ("kind", "options"), [("treatment", {"norm": 1.0}), ("optimizer", {"learning_rate": 0.1, "decay": 0.5})]
)
def test_module_supplies_the_treatment(tmp_path: Path, kind: str, options: dict[str, float]) -> None:
    """The treatment has the name that was given, options to sweep, and applies to a case."""
    scaffold.write_plugin("noisy-line", tmp_path / "new", kind=kind)

    treatment = supplied(tmp_path / "new", "benchsuite_treatments")

    assert treatment.name == "noisy-line"
    assert treatment.options == options
    assert treatment.apply(line()).make_optimizer()


def test_nothing_is_left_to_fill_in_but_what_is_marked(plugin: Path) -> None:
    """No file has a placeholder of the template; what the author has to change is marked, in code and README alike."""
    texts = {path: (plugin / path).read_text(encoding="utf-8") for path in FILES}

    for path, text in texts.items():
        assert "$" not in text.replace("${{", ""), path
        assert ("CHANGE" in text) == (path.endswith((".toml", ".py", ".md"))), path
        assert all(len(line) <= 120 for line in text.splitlines()), path
    for path in FILES[1:3]:
        ast.parse(texts[path])


def test_workflows_have_the_least_permissions(plugin: Path) -> None:
    """Tests run on two versions of Python; a tag publishes, and only the job that uploads may ask for an identity."""
    yaml = pytest.importorskip("yaml")
    test, publish = (yaml.safe_load((plugin / path).read_text(encoding="utf-8")) for path in FILES[-2:])

    assert test["jobs"]["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    assert test["jobs"]["test"]["steps"][1]["with"]["python-version"] == "${{ matrix.python }}"
    assert test["permissions"] == {"contents": "read"}
    assert publish[True] == {"push": {"tags": ["v*"]}}  # YAML takes `on` for a truth value
    assert publish["permissions"] == {}
    assert publish["jobs"]["build"]["permissions"] == {"contents": "read"}
    assert publish["jobs"]["publish"]["permissions"] == {"id-token": "write"}
    assert publish["jobs"]["publish"]["steps"][-1]["uses"].startswith("pypa/gh-action-pypi-publish@")


@pytest.mark.parametrize("name", ["a.b", "1L", "My_Case-2.x"])
def test_every_kind_of_name_gives_a_sound_distribution(tmp_path: Path, name: str) -> None:
    """Dots, digits and capitals of a case's name do no harm to the metadata, and its module is in lower case."""
    scaffold.write_plugin(name, tmp_path / "new")

    ((key, module),) = about(tmp_path / "new")["entry-points"]["benchsuite"].items()
    assert key == name
    assert module == module.lower()
    assert module.isidentifier()
    assert (tmp_path / "new" / f"{module}.py").exists()


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a\\b", "/etc", "..", "a b", "a--b", "-a", "a\n", "é", "$name"])
def test_no_case_can_have_this_name(tmp_path: Path, name: str) -> None:
    """A name that no case can have is refused, with what a name is made of."""
    with pytest.raises(OptionError, match=r"is not a valid name of a case(\n).*use letters, digits and single"):
        scaffold.write_plugin(name, tmp_path / "new")

    assert not list(tmp_path.glob("new*"))


def test_prefix_of_the_distribution_is_not_doubled(tmp_path: Path) -> None:
    """Who gives the distribution's name in place of the case's is told so."""
    with pytest.raises(OptionError, match="benchsuite new noisy-line"):
        scaffold.write_plugin("benchsuite-noisy-line", tmp_path / "new")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("line", "plugin_line of plugin_line 1.0 supplies 'line'"),
        ("Relu_Bias", "benchsuite_library.relu.relu_bias of benchsuite "),
        ("library", "a module benchsuite_library is installed"),
        ("leaky-relu", "benchsuite_library.treatments.activations of benchsuite "),
        ("../x", "use letters, digits and single - _ or ."),
    ],
)
def test_taken_name_is_refused(benchsuite: Command, name: str, said: str) -> None:
    """A case, plugin or module of that name is there already, if only for a package index: who supplies it is told."""
    code, _, err = benchsuite("new", name, "-o", "new")

    assert code == 2
    assert said in err
    assert "\n  try: " in err
    assert not Path("new").exists()


def test_new_tells_what_to_type_next(benchsuite: Command) -> None:
    """The files are named, and the commands that install, check and test the plugin; a second one is refused."""
    code, out, _ = benchsuite("new", "noisy-line")
    again = benchsuite("new", "noisy-line")

    assert code == 0
    for path in FILES:
        assert f"written: {Path('benchsuite-noisy-line', path)}\n" in out
    for command in ("cd benchsuite-noisy-line", 'pip install -e ".[test]"', "benchsuite check noisy-line", "pytest"):
        assert f"\n  {command}\n" in out
    assert again[0] == 2
    assert "benchsuite-noisy-line is not empty" in again[2]
    assert below(Path("benchsuite-noisy-line")) == sorted(FILES)


def test_new_treatment_is_tried_by_a_run(benchsuite: Command) -> None:
    """The commands to type next train a case with it."""
    code, out, _ = benchsuite("new", "--optimizer", "my-descent")

    assert code == 0
    assert "\n  benchsuite run relu-bias --treatment my-descent\n" in out
    assert Path("benchsuite-my-descent/benchsuite_my_descent.py").exists()


def test_empty_folder_is_used(tmp_path: Path) -> None:
    """A folder that was made for it will do."""
    (tmp_path / "new").mkdir()

    assert len(scaffold.write_plugin("noisy-line", tmp_path / "new")) == len(FILES)


def test_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    """Nothing of the user's is written over, nor anything beside it."""
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "README.md").write_text("mine")

    with pytest.raises(OptionError, match=r"it contains README\.md\n.*try: name a new or empty folder"):
        scaffold.write_plugin("noisy-line", tmp_path / "new")

    assert below(tmp_path / "new") == ["README.md"]
    assert (tmp_path / "new" / "README.md").read_text() == "mine"


def test_file_in_the_way_is_told(tmp_path: Path) -> None:
    """A file is no folder, nor can there be one below it."""
    (tmp_path / "file").write_text("mine")

    for folder in (tmp_path / "file", tmp_path / "file" / "new"):
        with pytest.raises(OptionError, match="is a file, or is below a file"):
            scaffold.write_plugin("noisy-line", folder)


def test_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a folder cannot be made, the reason is told."""

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)

    with pytest.raises(StoreError, match=r"cannot be written: Permission denied\n.*try: name"):
        scaffold.write_plugin("noisy-line", tmp_path / "new")


@pytest.mark.parametrize(
    ("fault", "raised"),
    [(OSError(28, "No space left on device"), StoreError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
@pytest.mark.parametrize("there", [False, True])
def test_nothing_half_made_is_left(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: BaseException,
    raised: type[BaseException],
    there: bool,
) -> None:
    """When the disk is full or the user interrupts, all that was begun is gone, and what was there before is not."""
    folder = tmp_path / "parent" / "new"
    if there:
        folder.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    really, count = Path.open, 0

    def fail_at_the_last(path: Path, *args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += path.is_relative_to(folder)
        if count == len(FILES):
            raise fault
        return really(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", fail_at_the_last)

    with pytest.raises(raised):
        scaffold.write_plugin("noisy-line", folder)

    assert count == len(FILES)
    assert sorted(tmp_path.rglob("*")) == before


NAMES = st.text(max_size=30) | st.from_regex(NAME, fullmatch=True) | st.text("aB1-_./\\~$\0 ", max_size=12)


@settings(max_examples=40, deadline=None)
@given(NAMES)
@example("../../x")
@example("a" * 300)
@example("con.aux")
def test_any_text_is_refused_or_stays_inside_its_folder(name: str) -> None:
    """Whatever is given for a name, there is a sentence and no file, or there are sound files in the folder only."""
    with tempfile.TemporaryDirectory() as parent:
        folder, refused = Path(parent) / "work" / "new", ""
        try:
            written = scaffold.write_plugin(name, folder)
        except BenchsuiteError as error:
            refused = error.hint
        if not list(Path(parent).iterdir()):
            assert refused
            return
        assert list(Path(parent).iterdir()) == [folder.parent]
        assert list(folder.parent.iterdir()) == [folder]
        assert below(folder) == sorted(path.relative_to(folder).as_posix() for path in written)
        assert name in about(folder)["entry-points"]["benchsuite"]
        for path in written:
            if path.suffix == ".py":
                ast.parse(path.read_text(encoding="utf-8"))
