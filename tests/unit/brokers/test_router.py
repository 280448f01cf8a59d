import pytest

from brokers.router import Router
from tests.build.incoming import a_queue


async def test_a_handler_is_given_what_it_asks_for_by_name() -> None:
    router = Router()

    @router.consume(a_queue())
    async def handler(message: str, clock: str, uow: str) -> str:
        return f"{message} {clock} {uow}"

    (route,) = router
    bound = route.bind({"uow": "UOW", "clock": "CLOCK", "unused": "X"})
    assert await bound("m") == "m CLOCK UOW"


def test_a_name_that_nobody_provides_is_told_at_start() -> None:
    router = Router()

    @router.consume(a_queue())
    async def handler(message: str, telepathy: str) -> None: ...

    (route,) = router
    with pytest.raises(TypeError, match="telepathy"):
        route.bind({"uow": object()})
