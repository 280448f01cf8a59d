"""A process of its own that sends a load, so that sending costs the measured one nothing."""

import asyncio
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from mesh.bench.stage import ROOT
from mesh.embedded.process import ServiceFailed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


async def sent(module: str, load: "DataclassInstance") -> dict[str, Any]:
    """Let a process of `module` send a load, and return what it tells; raises ServiceFailed with its complaint."""
    pipe = asyncio.subprocess.PIPE
    sender = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT
    )
    try:
        said, complained = await sender.communicate(orjson.dumps(asdict(load)))
    finally:
        if sender.returncode is None:
            sender.kill()
    if sender.returncode:
        raise ServiceFailed(f"{module} ended with {sender.returncode}\n{complained.decode(errors='replace')[-2000:]}")
    told: dict[str, Any] = orjson.loads(said)
    return told
