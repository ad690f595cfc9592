"""Times ryjwt on request, in a Python 3.12: one line of JSON in, one out. See `PipedPeer`."""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from time import perf_counter_ns
from typing import Any


def works_of(scene: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """Its work for one key, asked for the same checks as all others."""
    ryjwt: Any = import_module("ryjwt")
    names = {"audience": scene["audience"], "issuer": scene["issuer"]}
    algorithms, token = [scene["algorithm"]], scene["token"]
    if scene["publicPem"]:
        signing = ryjwt.PrivateKey(scene["secret"].encode(), algorithms=algorithms, **names)
        verifying = ryjwt.PublicKey(scene["publicPem"].encode(), algorithms=algorithms, **names)
    else:
        signing = verifying = ryjwt.SecretKey(
            scene["secret"].encode(), algorithms=algorithms, **names
        )
    claims = verifying.decode(token)
    required = ("exp", *scene["required"])
    decode = verifying.decode

    def verify() -> object:
        found = decode(token)
        for name in required:
            found[name]
        return found

    return {
        "verify": verify,
        "sign": lambda: signing.encode(claims, header={"typ": scene["typ"]}),
    }


def main() -> None:
    """Answer requests until the pipe closes."""
    works: dict[str, dict[str, Callable[[], object]]] = {}
    for line in sys.stdin:
        request = json.loads(line)
        algorithm = request["algorithm"]
        try:
            if "scene" in request:
                works[algorithm] = works_of(request["scene"])
                reply: dict[str, Any] = {"version": version("ryjwt")}
            else:
                reply = {"ns": _time(works[algorithm][request["operation"]], request["loops"])}
        except Exception as error:  # noqa: BLE001 - the other side tells it
            reply = {"error": str(error) or type(error).__name__}
        print(json.dumps(reply), flush=True)


def _time(work: Callable[[], object], loops: int) -> float:
    started = perf_counter_ns()
    for _ in range(loops):
        work()
    return (perf_counter_ns() - started) / loops


if __name__ == "__main__":
    main()
