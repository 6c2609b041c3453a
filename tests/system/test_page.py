"""The page of a run: everything is on it, nothing leaves it, and no text of a plugin becomes part of it."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import LINE, SUPPLY, Command, InstallPlugin
from playwright.sync_api import Browser, Page
from test_page import EVIL, Elements, finished, hostile
from test_pytest_plugin import CASES

from benchsuite.report.html.page import sort_value
from benchsuite.store.folder import RunFolder

#: A plugin that is installed, with a name of a stranger's in a place where names are free.
HOSTILE = f"""
@hookimpl
def benchsuite_cases():
    evil = {EVIL!r}
    yield line("hostile", starts={{evil: {{"kernel[0, 0]": 2.0, "bias[0]": 0.0}}}}, summary=evil, source=evil)
"""


@pytest.mark.usefixtures("hostile")
def test_foreign_texts_stay_texts(benchsuite: Command, install_plugin: InstallPlugin) -> None:
    """HTML, script, quotes, line breaks, control characters and marks of direction are shown, not obeyed."""
    install_plugin("hostile", LINE + HOSTILE)
    content = Path("page/index.html").read_text()
    page = Elements(content)

    assert "<script>alert" not in content
    assert not any(letter in content.replace("\n", "") for letter in "\u202e\x1b")
    assert "<script>alert(1)</script>\"'|`$\\frac$ [red]" in page.text
    assert "\\u202egnp\\x1b[31m" in page.text
    assert not [about for tag, about in page.found if tag == "a" and "script" in str(about["href"])]
    for command in COMMANDS:
        code, *printed = benchsuite(*command)
        out = "".join(printed)
        assert code == 0
        assert "\u202e" not in out
        assert "\x1b" not in out


#: Commands that print texts of plugins.
COMMANDS = [
    ("report", "out"),
    ("replay", "hostile", "--start", EVIL),
    ("replay", "hostile", "--start", EVIL, "-o", "path.svg"),
    ("landscape", "hostile", "--no-basins", "--seeds=1", "--grid=4", "-o", "loss.svg"),
    ("list",),
    ("plugins",),
    ("treatments", "hostile"),
]


def test_pytest_writes_a_page(pytester: pytest.Pytester, install_plugin: InstallPlugin) -> None:
    """With --benchsuite-report; where it cannot, the session fails."""
    install_plugin("line", LINE + SUPPLY)
    pytester.makepyfile(test_cases=CASES)
    options = ("--benchmark-only", "-k", "[line]", "--benchsuite-seeds=6")

    result = pytester.runpytest_inprocess(*options, "--benchsuite-report=page", "--benchsuite-run-dir=out")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["page: page/index.html"])
    assert "line" in (pytester.path / "page" / "summary.md").read_text()
    assert len(RunFolder(pytester.path / "out").surfaces("line")) == 1
    (pytester.path / "file").touch()
    failed = pytester.runpytest_inprocess(*options, "--benchsuite-report=file")
    assert failed.ret == pytest.ExitCode.TESTS_FAILED
    failed.stdout.fnmatch_lines(["the page cannot be written: *"])


def opened(browser: Browser, noticed: list[str], at: str = "", **how: Any) -> Page:
    """The page of the run, drawn; what the browser complains of or asks for is noticed."""
    page = browser.new_context(**how).new_page()
    own = Path("page/index.html").resolve().as_uri()
    page.on("console", lambda message: noticed.append(message.text))
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.on("dialog", lambda dialog: noticed.append(dialog.message))
    page.on("request", lambda asked: None if asked.url == own else noticed.append(asked.url))
    page.goto(own + at)
    page.wait_for_selector("body[data-drawn=all]", timeout=60_000)
    return page


@pytest.mark.usefixtures("hostile")
def test_page_in_a_browser(chromium: Browser) -> None:
    """All charts are drawn without a complaint or request; filter, sorting and downloads work without a page load."""
    noticed: list[str] = []
    page = opened(chromium, noticed)

    drawn = page.evaluate(
        "[...document.querySelectorAll('figure')].map(f => [f.dataset.drawn, !!f.querySelector('svg path')])"
    )
    assert drawn == [["yes", True]] * len(drawn)
    first = "section#answer tbody tr:visible"
    assert page.locator(first).count() == 4
    page.locator("section#answer th button", has_text="rate").press("Enter")
    rates = page.locator(f"{first} td:nth-child(3)").all_inner_texts()
    assert rates == sorted(rates, key=sort_value)
    page.locator("section#treatments td button").press("Enter")
    assert "McNemar" in page.locator("[popover]:popover-open").inner_text()
    page.keyboard.press("Escape")
    page.hover("figure[data-figure=learning-slow] svg")
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert re.search(r"seed\s+\d+\s+step\s+\d+", page.locator("#vg-tooltip-element").inner_text())
    page.locator("figure[data-figure=learning-slow] details summary").click()
    with page.expect_download() as saved:
        page.click("figure[data-figure=learning-slow] [data-save=csv]")
    table = list(csv.reader(saved.value.path().read_text().splitlines()))
    assert {"median", "seed", "value"} <= set(table[0])
    assert {len(row) for row in table} == {len(table[0])}, "the data of all layers are one table"
    with page.expect_download() as saved:
        page.click("figure[data-figure=learning-slow] [data-save=png]")
    assert saved.value.path().read_bytes().startswith(b"\x89PNG")
    page.get_by_label("Filter").fill("steep")
    page.wait_for_function("document.querySelector('.filter output').textContent === '1 of 4 cases'")
    page.wait_for_function("!document.querySelector('figure[data-figure=costs] svg').textContent.includes('line')")
    assert page.locator(first).count() == 1
    assert page.locator("figure[data-case]:visible").count() == 3, (
        "its learning curves, starts and ends, and its landscape"
    )
    assert page.locator("section#treatments").is_hidden(), "no row of it is left"
    page.get_by_label("Filter").fill("")
    page.wait_for_function("location.hash === ''")
    assert noticed == []


@pytest.mark.usefixtures("hostile")
def test_filter_lives_in_the_address(chromium: Browser) -> None:
    """It matches whole names, and names that begin so only where none is whole."""
    page = opened(chromium, noticed := [], at="#filter=slow")
    shown = "section#answer tbody tr:visible th"

    assert page.locator(shown).all_inner_texts() == ["slow"]
    page.get_by_label("Filter").fill("s")
    page.wait_for_function("location.hash === '#filter=s'")
    assert page.locator(shown).all_inner_texts() == ["steep", "slow"]
    page.get_by_label("Filter").fill("sgd-0.0 line")
    page.wait_for_function("location.hash === '#filter=sgd-0.0+line'")
    assert page.locator(shown).all_inner_texts() == ["line"]
    assert page.locator("section#treatments td[data-treatment]:visible").count() == 1
    assert noticed == []


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_on_a_phone(chromium: Browser, scheme: str) -> None:
    """Nothing is wider than it, and letters stand out from the paper by day and by night."""
    noticed: list[str] = []
    page = opened(chromium, noticed, viewport={"width": 360, "height": 740}, color_scheme=scheme)

    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate(CONTRAST) > 4.5
    assert page.evaluate(SMALLEST) >= 12
    assert noticed == []


#: The least contrast of visible text with its paper, see https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.
CONTRAST = """() => {
  const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = (colour) => {
    const [r, g, b] = parts(colour).slice(0, 3).map((part) => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = (element) => {
    const colour = getComputedStyle(element).backgroundColor;
    const opaque = colour.startsWith("rgb") && (parts(colour)[3] ?? 1) === 1;
    return opaque || !element.parentElement ? colour : paper(element.parentElement);
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const texts = [...document.querySelectorAll("body *:not(svg *, script, style)")];
  return Math.min(...texts.filter((element) => element.checkVisibility() && hasText(element)).map((element) => {
    const [high, low] = [getComputedStyle(element).color, paper(element)].map(light).sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  }));
}"""

#: The size of the smallest text in pixels, of the page and of its charts.
SMALLEST = """() => Math.min(...[...document.querySelectorAll("body *")]
  .filter((e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
  .filter((e) => !e.closest("script, style"))
  .map((e) => parseFloat(getComputedStyle(e).fontSize)))"""
