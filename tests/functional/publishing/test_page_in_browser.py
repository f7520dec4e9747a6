"""The results page in a real browser, opened from the disk without a network."""

import json
import shutil
from dataclasses import replace

import pytest
from playwright.sync_api import expect, sync_playwright
from support.repo import ROOT

from sisa.publishing import runs
from sisa.publishing.page.render import page

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def file(tmp_path_factory, attacked):
    """A page of the committed run, and of one that differs in the forgotten class's fate and in leakage."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(attacked)
        run = runs.in_place()
    scores = {"prior_corrected": {"undecided": 1.0}, "mean_logits": {"overall": 0.5, "forgotten": 0.125}}
    other = replace(
        run,
        scenario="other",
        label="other",
        short="other",
        metrics=run.metrics | {"retrained": run.metrics["retrained"] | {"held_out": scores}},
        params=run.params | {"leakage": run.params["leakage"] | {"leaked": 10}},
    )
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(page([run, other]), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=CHROMIUM) as browser:
        yield browser


@pytest.fixture
def opened(browser, file):
    """Opens the page in a window of this width; what goes wrong, or over the network, fails the test at its end."""
    context, trouble = browser.new_context(offline=True), []

    def open_it(width=1280):
        tab = context.new_page()
        tab.set_viewport_size({"width": width, "height": 800})
        tab.on("console", lambda message: trouble.append(message.text))
        tab.on("pageerror", lambda error: trouble.append(str(error)))
        tab.on("request", lambda request: trouble.append(request.url) if request.url != file.as_uri() else None)
        tab.goto(file.as_uri())
        return drawn(tab)

    yield open_it
    context.close()
    assert trouble == []


def drawn(tab):
    expect(tab.locator("main")).to_have_attribute("aria-busy", "false", timeout=30_000)
    return tab


def answer(tab):
    return tab.locator(".answer .main dd").inner_text()


def charts(tab):
    """What each chart shows, as it is drawn."""
    return tab.locator("figure .plot").evaluate_all("plots => plots.map(plot => plot.innerHTML)")


def test_every_chart_is_drawn_described_and_has_a_table(opened):
    tab = opened()
    plots = tab.locator(".plot")
    assert plots.count() == tab.locator(".plot > svg").count() > 30
    assert tab.locator("figure.absent").count() == 0
    descriptions = plots.evaluate_all("plots => plots.map(plot => plot.ariaLabel)")
    assert len(set(descriptions)) == plots.count()
    states = f"Held-out accuracy in each state, forgotten: before {forgotten('before')}; after {forgotten('after')}"
    assert states in " ".join(descriptions)
    assert all(tab.locator("figure").evaluate_all("all => all.map(each => each.querySelectorAll('td').length > 2)"))


def forgotten(state):
    """What the committed metrics say of the forgotten class."""
    scores = json.loads((ROOT / f"metrics/{state}.json").read_text())["held_out"]["prior_corrected"]
    return f"{scores['forgotten']:.1%}".replace("%", " %")


def test_the_scenario_picked_by_keyboard_changes_the_charts(opened):
    tab = opened()
    before = charts(tab)
    assert answer(tab) == forgotten("retrained")
    tab.locator("#scenario").focus()
    tab.keyboard.press("ArrowDown")
    expect(tab.locator(".status")).to_contain_text("other")
    assert answer(drawn(tab)) == "undecided"
    assert len(set(before) - set(charts(tab))) >= 5


def test_the_aggregation_picked_by_mouse_changes_the_charts(opened):
    tab = opened()
    before = charts(tab)
    tab.locator("#scenario").select_option("other")
    tab.locator("#aggregation").click()
    tab.keyboard.press("Escape")
    tab.locator("#aggregation").select_option("mean_logits")
    assert answer(drawn(tab)) == "12.5 %"
    assert len(set(before) - set(charts(tab))) >= 5


def test_what_a_run_did_not_measure_is_said(opened):
    tab = opened()
    tab.locator("#aggregation").select_option("majority_vote")
    expect(drawn(tab).locator("#states .panels")).not_to_be_empty()
    tab.locator("#scenario").select_option("other")
    assert answer(drawn(tab)) == "–"  # noqa: RUF001


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_the_page_never_scrolls_sideways(opened, width):
    tab = opened(width)
    tab.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for plot in tab.locator(".plot").all():
        assert plot.evaluate("plot => plot.firstElementChild.getBoundingClientRect().width") <= width


def test_a_definition_opens_on_focus_and_on_hover_and_closes_on_escape(opened):
    tab = opened(320)
    term, tip = tab.locator("#states .term").first, tab.locator("#states .tip").first
    expect(tip).to_be_hidden()
    term.focus()
    expect(tip).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    term.hover()
    expect(tip).to_be_visible()
    expect(tip).to_have_text("The ensemble with all members.")


def test_it_prints_with_the_scenario_and_without_the_pickers(opened):
    tab = opened()
    tab.emulate_media(media="print")
    expect(tab.locator(".pickers")).to_be_hidden()
    expect(tab.locator(".status")).to_contain_text("5 classes")
    assert tab.pdf(format="A4").startswith(b"%PDF")
