"""Answers of a model that were written down, by what it was asked: what reads them needs no key and no network."""

import json
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files

from adapters.replies.deciding import Away, Question, Why
from adapters.replies.prompts import CURRENT, Prompts, prompts
from schemas.replies.intents import Guess


def key_of(question: Question, version: str) -> str:
    """Return what two questions share that a model is asked alike; who asks does not matter."""
    said = json.dumps([version, [list(each) for each in question.history], question.text], ensure_ascii=True)
    return sha256(said.encode()).hexdigest()[:32]


class Recorded:
    """A model that knows the answers which were written down, and is away for everything else."""

    name = "recorded"

    def __init__(self, answers: Mapping[str, Guess], told: Prompts | None = None) -> None:
        self._answers = answers
        self._told = told or prompts()
        self.version: str | None = self._told.version
        self.instructions = self._told.system

    @classmethod
    def of(cls, version: str = CURRENT) -> "Recorded":
        """Return what is written down beside a version of the prompts."""
        text = (files("adapters.replies.prompts") / version / "recorded.jsonl").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines() if line]
        return cls({each["key"]: Guess.model_validate(each["answer"]) for each in lines}, prompts(version))

    async def classify(self, question: Question) -> Guess | Away:
        """Return what was written down for a question."""
        answer = self._answers.get(key_of(question, self._told.version))
        return answer or Away(Why.UNREACHABLE, "nothing was recorded for this question")


def line_of(question: Question, version: str, answer: Guess) -> str:
    """Return an answer as it is written down."""
    return json.dumps({"key": key_of(question, version), "text": question.text, "answer": answer.model_dump()})
