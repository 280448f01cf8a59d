"""What a test does to a broker from its inside: channels broken and consumers cancelled as RabbitMQ itself would."""

import asyncio
from urllib.parse import unquote, urlsplit

from mesh.embedded.rabbitmq import PrivateRabbitMQ, _find_erl_call

# An ack of a message that was never delivered is a channel exception: the broker closes that channel and nothing else.
# Said as the reader of a connection says it, in words that are the same from 3.10 to 4.3; the function for it is not.
_BREAK = "gen_server2:cast(Pid, {method, {'basic.ack', 999999999, false}, none, noflow})"

# What a queue process tells its channels when it ends: they cancel its consumers. The queue itself stays.
_CANCEL = "gen_server2:cast(Pid, {queue_event, Queue, eol})"

_PROGRAM = """
VHost = <<"{vhost}">>,
Named = <<"{queue}">>,
Consumed = [{{proplists:get_value(queue_name, C), proplists:get_value(channel_pid, C)}}
            || C <- rabbit_amqqueue:consumers_all(VHost)],
Found = [{{Pid, Queue}} || {{Queue, Pid}} <- Consumed, Named =:= <<>> orelse element(4, Queue) =:= Named,
                          Held <- [catch proplists:get_value(messages_unacknowledged, rabbit_channel:info(Pid))],
                          is_integer(Held), Held > 0],
[{act} || {{Pid, Queue}} <- Found],
length(Found).
"""


async def break_channels(broker: PrivateRabbitMQ, url: str, queue: str = "") -> int:
    """Have the broker close each consuming channel that holds messages; return how many."""
    return await _act(broker, url, queue, _BREAK)


async def cancel_consumers(broker: PrivateRabbitMQ, url: str, queue: str = "") -> int:
    """Have the broker cancel each consumer that holds messages; return how many."""
    return await _act(broker, url, queue, _CANCEL)


async def evaluate(broker: PrivateRabbitMQ, program: str) -> str:
    """Run an Erlang program in the broker's node; return what it comes to."""
    caller = _find_erl_call()
    assert caller, "erl_call is not installed: it comes with Erlang's erlang-base"
    environment = dict(broker._environment())
    command = [caller, "-sname", environment["RABBITMQ_NODENAME"], "-timeout", "10", "-e"]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate(program.encode())
    text = said.decode()
    assert text.startswith("{ok, "), text
    return text.removeprefix("{ok, ").removesuffix("}")


async def _act(broker: PrivateRabbitMQ, url: str, queue: str, act: str) -> int:
    vhost = unquote(urlsplit(url).path[1:])
    return int(await evaluate(broker, _PROGRAM.format(vhost=vhost, queue=queue, act=act)))
