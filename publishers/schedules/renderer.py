"""Turns a sample and a scenario into the messages for its creator, from template files."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateError

from schemas.chatbot.messages import ChatMessage
from schemas.chatbot.records import Reminded, Scenario

TEMPLATES = Path(__file__).parent / "templates"
LINK_TEMPLATE = "https://creator.infound.ai/samples/{sampleId}"
#: The scenarios that ask the creator to do something on the sample's page.
LINKED = frozenset({Scenario.CONTENT_PENDING, Scenario.NO_CONTENT_POSTED, Scenario.MISSING_AD_CODE})


class Unrenderable(Exception):
    """A template that is missing, broken or empty for this sample."""


class Renderer:
    """Renders `<directory>/<scenario>.jinja`; each file is compiled once.

    A template sees `sample_id`, `product_id`, `product_name` (else the campaign's name), `campaign_name`,
    `creator_name` and `region`; any other name is an error, and an error concerns its scenario alone.
    """

    def __init__(self, *, link_template: str = LINK_TEMPLATE, directory: Path = TEMPLATES / "es") -> None:
        if "{sampleId}" not in link_template:
            raise ValueError("the link template must contain {sampleId}")
        self._link_template = link_template
        # Chat messages are plain text, and a chat window escapes what it shows, hence no autoescape.
        self._environment = Environment(  # noqa: S701  # plain text, see above
            loader=FileSystemLoader(directory),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates: dict[Scenario, Template] = {}

    def messages(self, scenario: Scenario, sample: Reminded, region: str) -> list[ChatMessage]:
        """Return the messages in the order they are sent, or raise Unrenderable with the reason."""
        try:
            text = self._template(scenario).render(
                sample_id=sample.id.upper(),
                product_id=sample.platform_product_id,
                product_name=sample.product_name or sample.platform_campaign_name,
                campaign_name=sample.platform_campaign_name,
                creator_name=sample.platform_creator_display_name or sample.platform_creator_username,
                region=region,
            )
            messages = [ChatMessage(content=text.strip())]
        # Whoever writes templates may divide by zero in one: whatever an expression can raise is the template's fault.
        except (TemplateError, ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
            raise Unrenderable(f"template {scenario}.jinja: {type(error).__name__}: {error}") from error
        if scenario in LINKED:
            messages.append(ChatMessage(type="link", content=self._link(sample)))
        return messages

    def _template(self, scenario: Scenario) -> Template:
        """Return a scenario's template, compiled; its globals flattened, which Jinja would do again for each text."""
        if (known := self._templates.get(scenario)) is not None:
            return known
        template = self._environment.get_template(f"{scenario}.jinja")
        template.globals = dict(template.globals)
        return self._templates.setdefault(scenario, template)

    def _link(self, sample: Reminded) -> str:
        return self._link_template.replace("{sampleId}", sample.id.upper())
