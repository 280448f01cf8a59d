"""`python -m deploy.sandbox.seller_centre`: the seller centre on a port of its own."""

import argparse

import uvicorn

from deploy.sandbox.seller_centre.app import SellerCentre
from deploy.sandbox.seller_centre.world import World
from deploy.sandbox.standin import bound


def _wanted() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.sandbox.seller_centre",
        description="A small seller centre. Log in with any address; its code is at /_sandbox/mail. "
        "/_sandbox/chat tells what creators were sent, POST /_sandbox/faults makes it faulty.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="the port to listen at (default: any that is free)")
    parser.add_argument("--seed", type=int, default=1, help="what the data is made from (default: %(default)s)")
    sizes = World()
    parser.add_argument("--samples", type=int, default=sizes.samples, help="requests in each tab (%(default)s)")
    parser.add_argument("--creators", type=int, default=sizes.creators, help="creators (%(default)s)")
    parser.add_argument("--campaigns", type=int, default=sizes.campaigns, help="campaigns (%(default)s)")
    parser.add_argument("--products", type=int, default=sizes.products, help="products of each campaign (%(default)s)")
    parser.add_argument("--delay-ms", type=float, default=0, help="how much later calls are answered (%(default)s)")
    return parser.parse_args()


def main() -> None:
    """Serve until told to stop, having printed where."""
    wanted = _wanted()
    world = World(wanted.samples, wanted.creators, wanted.campaigns, wanted.products, wanted.seed)
    centre = SellerCentre(world)
    centre.set_faults(delay_ms=wanted.delay_ms)
    listener = bound(wanted.host, wanted.port)
    host, port = listener.getsockname()[:2]
    print(f"{centre.name} at http://{host}:{port}", flush=True)  # noqa: T201 -- what the one who starts it waits for
    config = uvicorn.Config(centre.app, log_level="warning", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
