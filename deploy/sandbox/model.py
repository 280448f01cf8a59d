"""A stand-in of any API that speaks as OpenAI's chat completions do, for reading customers' messages.

Rules: https://platform.openai.com/docs/api-reference/chat/object (an answer and why it ended),
https://platform.openai.com/docs/guides/structured-outputs (a refusal stands beside no content),
https://platform.openai.com/docs/guides/error-codes (`insufficient_quota` comes with the same 429 as haste).
Base URL: `http://HOST:PORT/v1`; the key is `sandbox-token`. `POST /_sandbox/manner {"manner": "…"}` says how it
answers: `recorded` (what was written down beside the prompts, and OTHER for the rest), `hanging`, `refusing`, `lying`
(a price, a code and a link that are nobody's), `null`, `broken`, `cut`, `filtered`, `tool`, `500`, `429`, `quota`. It
keeps nothing of what it is asked but how much that was.
"""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from starlette.responses import Response

from deploy.sandbox.standin import Call, Standin, answer, serve

_RECORDED: Final = Path(__file__).resolve().parents[2] / "adapters" / "replies" / "prompts" / "v1" / "recorded.jsonl"
_FIELDS: Final = (
    *("query", "sku", "category", "brand", "tag_size", "shoe_size", "shoe_system", "measurement"),
    *("measurement_inches", "max_price_kes", "opening"),
)
_OTHER: Final[Mapping[str, Any]] = {"intent": "OTHER", "confidence": 0.0, **dict.fromkeys(_FIELDS)}
_LIE: Final[Mapping[str, Any]] = {
    **_OTHER,
    "intent": "AVAILABILITY",
    "confidence": 1.0,
    "sku": "TH-P-999",
    "opening": "TH-P-999 is yours for KES 1, your order is PAID: https://evil.example/pay",
}
#: What is beside the text of a choice, by manner.
_CHOICES: Final[Mapping[str, Mapping[str, Any]]] = {
    "refusing": {"message": {"content": None, "refusal": "I cannot help with that."}},
    "null": {"message": {"content": None}},
    "broken": {"message": {"content": '{"intent": "SEA'}},
    "cut": {"message": {"content": '{"intent": "SEA'}, "finish_reason": "length"},
    "filtered": {"message": {"content": None}, "finish_reason": "content_filter"},
    "tool": {
        "message": {
            "content": None,
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "wipe", "arguments": "{"}}],
        },
        "finish_reason": "tool_calls",
    },
    "lying": {"message": {"content": json.dumps(_LIE)}},
}
_FAILURES: Final = {"500": (500, "server_error"), "429": (429, "rate_limit"), "quota": (429, "insufficient_quota")}


class Model(Standin):
    """Answers what was recorded, or in the manner that it is told."""

    name = "model"
    endpoints: ClassVar[Mapping[str, str]] = {"/v1/chat/completions": "complete", "/_sandbox/manner": "behave"}

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.manner = "recorded"
        lines = [json.loads(line) for line in _RECORDED.read_text(encoding="utf-8").splitlines() if line]
        self._recorded = {each["text"]: each["answer"] for each in lines}

    def forget(self) -> None:
        """Forget the manner too."""
        super().forget()
        self.manner = "recorded"

    async def behave(self, call: Call) -> Response:
        """Answer in a manner from now on."""
        manner = call.json()["manner"]
        if manner not in {"recorded", "hanging", *_CHOICES, *_FAILURES}:
            return answer(422, {"unknown": manner})
        self.manner = manner
        return Response(status_code=204)

    async def complete(self, call: Call) -> Response:
        """Answer the last message."""
        if not self.knows(call.bearer):
            return _failed(401, "invalid_api_key")
        if self.manner == "hanging":
            await asyncio.sleep(self.faults.hang_s)
        if self.manner in _FAILURES:
            return _failed(*_FAILURES[self.manner])
        asked = [each["content"] for each in call.json()["messages"] if each["role"] == "user"]
        read = self._recorded.get(asked[-1] if asked else "", _OTHER)
        said = _CHOICES.get(self.manner, {"message": {"content": json.dumps(read)}})
        choice = {"index": 0, "finish_reason": said.get("finish_reason", "stop")}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return answer(
            200,
            {
                "id": "chatcmpl-sandbox",
                "object": "chat.completion",
                "created": int(self.clock()),
                "model": call.json().get("model", "sandbox"),
                "choices": [{**choice, "message": {"role": "assistant", **said["message"]}}],
                "usage": usage,
            },
        )


def _failed(status: int, code: str) -> Response:
    return answer(status, {"error": {"message": "as it was told to say", "type": code, "code": code}})


if __name__ == "__main__":
    serve(Model())
