"""Each scenario has its texts, and a broken template is told from a working one."""

from pathlib import Path

import pytest

from publishers.schedules.renderer import LINKED, Renderer, Unrenderable
from schemas.chatbot.records import Scenario
from tests.build.chatbot import sample


@pytest.mark.parametrize("scenario", list(Scenario))
def test_every_scenario_greets_the_creator_and_names_the_product(scenario: Scenario) -> None:
    text = Renderer().messages(scenario, sample(), "MX")[0]
    assert text.type == "text"
    assert text.content.startswith("¡Hola Lupita!")
    assert "Producto: Mascarilla de arcilla\nID del producto: 1729400000000000011\n\n" in text.content
    assert "\n\n\n" not in text.content


@pytest.mark.parametrize("scenario", list(Scenario))
def test_scenarios_that_ask_for_something_end_with_the_samples_page(scenario: Scenario) -> None:
    messages = Renderer(link_template="https://x.test/{sampleId}?a=1").messages(scenario, sample(id="abc"), "MX")
    links = [message.content for message in messages if message.type == "link"]
    assert links == (["https://x.test/ABC?a=1"] if scenario in LINKED else [])


def test_a_sample_of_few_words_is_still_spoken_of() -> None:
    bare = sample(product_name=None, platform_campaign_name="Primavera", platform_creator_display_name=None)
    text = Renderer().messages(Scenario.SHIPPED, bare, "MX")[0].content
    assert text.startswith("¡Hola! ")
    assert "Producto: Primavera\n" in text
    barer = Renderer().messages(Scenario.SHIPPED, sample(product_name=None), "MX")[0].content
    assert "Producto" not in barer
    assert "\n\nID del producto" in barer


def test_names_are_text_and_never_templates() -> None:
    named = sample(product_name="{{ 7 * 7 }} & <b>ñ</b> 🎁")
    assert "{{ 7 * 7 }} & <b>ñ</b> 🎁" in Renderer().messages(Scenario.SHIPPED, named, "MX")[0].content


@pytest.mark.parametrize("template", ["{{ nobody }}", "{{ 1 / 0 }}", "{% if %}", "{{ 'a' + 1 }}", "   ", "x" * 10_001])
def test_a_template_that_fails_says_so(tmp_path: Path, template: str) -> None:
    (tmp_path / "shipped.jinja").write_text(template)
    with pytest.raises(Unrenderable, match=r"shipped\.jinja"):
        Renderer(directory=tmp_path).messages(Scenario.SHIPPED, sample(), "MX")


def test_a_template_that_is_missing_concerns_its_scenario_alone(tmp_path: Path) -> None:
    (tmp_path / "shipped.jinja").write_text("hola")
    renderer = Renderer(directory=tmp_path)
    with pytest.raises(Unrenderable):
        renderer.messages(Scenario.CONTENT_PENDING, sample(), "MX")
    assert renderer.messages(Scenario.SHIPPED, sample(), "MX")[0].content == "hola"


def test_a_link_template_without_a_place_for_the_sample_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="sampleId"):
        Renderer(link_template="https://x.test/")
