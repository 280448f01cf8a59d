"""A server that speaks as OpenAI's chat completions do, or breaks as they break."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from schemas.replies.intents import Intent, guess

#: https://platform.openai.com/docs/api-reference/chat/object
SOUND = guess(Intent.SEARCH, 0.9, query="blue coat").model_dump_json()
#: How an answer may be broken, and what it then holds beside its content.
BROKEN: dict[str, dict[str, Any]] = {
    "refusal": {"message": {"content": None, "refusal": "I cannot"}},
    "null content": {"message": {"content": None}},
    "broken JSON": {"message": {"content": '{"intent": "SEA'}},
    "foreign intent": {"message": {"content": SOUND.replace("SEARCH", "PAY")}},
    "cut off": {"message": {"content": '{"intent": "SEA'}, "finish_reason": "length"},
    "filtered": {"message": {"content": None}, "finish_reason": "content_filter"},
    "unknown tool": {
        "message": {
            "content": None,
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "wipe", "arguments": "{"}}],
        },
        "finish_reason": "tool_calls",
    },
}


@dataclass
class Vendor:
    """What the server says next, and what it was asked."""

    url: str = ""
    status: int = 200
    message: dict[str, Any] = field(default_factory=lambda: {"content": SOUND})
    finish_reason: str = "stop"
    error: str = "server_error"
    body: bytes | None = None
    hangs: float = 0
    asked: list[dict[str, Any]] = field(default_factory=list)

    def says(self, content: str) -> None:
        self.message = {"content": content}

    def answer(self) -> bytes:
        if self.body is not None:
            return self.body
        if self.status != 200:
            return json.dumps({"error": {"message": "no", "type": self.error, "code": self.error}}).encode()
        choice = {"index": 0, "message": {"role": "assistant", **self.message}, "finish_reason": self.finish_reason}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return json.dumps(
            {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
        ).encode()


@contextmanager
def running_vendor() -> Iterator[Vendor]:
    vendor = Vendor()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            vendor.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            time.sleep(vendor.hangs)
            answer = vendor.answer()
            self.send_response(vendor.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who hangs up is not worth a stack
    vendor.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
