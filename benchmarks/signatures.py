"""Verify and sign beside the peers, and verify beside the bare primitive."""

import contextlib
from collections.abc import Iterator

from benchmarks.contestants import PYTHON_CONTESTANTS, version_of
from benchmarks.node_peers import PEERS, NodePeers, PeerMissing
from benchmarks.scene import ALGORITHMS, Scene, make_scene
from benchmarks.table import Target, microseconds, show_table, times_faster
from benchmarks.timing import Timer, compare, interleave, timer_of

_NAMES = (*(name for name in PYTHON_CONTESTANTS if name != "bare"), *PEERS, "bare")
_FASTER = {
    ("verify", "HS256", "PyJWT"): 10,
    ("verify", "HS256", "joserfc"): 5,
    ("verify", "HS256", "fast-jwt"): 1.4,
    ("sign", "HS256", "PyJWT"): 6,
}
_SEEN_FASTER = {"HS256": 60, "RS256": 150, "ES256": 150}
_OVER_BARE = {"RS256": 1.25, "ES256": 1.10, "EdDSA": 1.08}
_OR_MORE = {"RS256": 5.0}
"""Microseconds more than bare that are fine whatever the ratio."""

Medians = dict[tuple[str, str], dict[str, float]]
"""By operation and algorithm: each contestant's microseconds."""


def measure_signatures(*, rounds: int) -> list[Target]:
    """Run all contestants on all algorithms, print the tables, answer the targets."""
    medians: Medians = {}
    over_bare: dict[str, tuple[float, float]] = {}
    words: dict[str, str] = {}
    with _node(words) as node:
        for algorithm in ALGORITHMS:
            timers = _timers(make_scene(algorithm), node, words)
            for operation in ("verify", "sign"):
                taking_part = {name: t[operation] for name, t in timers.items() if operation in t}
                if operation == "verify":
                    taking_part["seen"] = timers["gatepass"]["seen"]
                medians[operation, algorithm] = interleave(taking_part, rounds=rounds)
            if algorithm in _OVER_BARE:
                over_bare[algorithm] = compare(
                    timers["gatepass"]["verify"], timers["bare"]["verify"], rounds=2 * rounds
                )
    _show(medians, words)
    return [*_against_peers(medians), *_seen(medians), *_against_bare(over_bare)]


@contextlib.contextmanager
def _node(words: dict[str, str]) -> Iterator[NodePeers | None]:
    try:
        peers = NodePeers()
    except PeerMissing as missing:
        words["Node"] = str(missing)
        yield None
        return
    with peers:
        yield peers


def _timers(
    scene: Scene, node: NodePeers | None, words: dict[str, str]
) -> dict[str, dict[str, Timer]]:
    timers: dict[str, dict[str, Timer]] = {}
    for name, (distribution, make) in PYTHON_CONTESTANTS.items():
        words[name] = version_of(distribution)
        with contextlib.suppress(ModuleNotFoundError):
            timers[name] = {what: timer_of(work) for what, work in make(scene).items()}
    for peer in PEERS if node else ():
        assert node is not None
        try:
            words[peer] = node.prepare(peer, scene)
        except PeerMissing as missing:
            words[f"{peer} {scene.algorithm}"] = str(missing)
        else:
            timers[peer] = {
                what: node.timer(peer, scene.algorithm, what) for what in ("verify", "sign")
            }
    return timers


def _show(medians: Medians, words: dict[str, str]) -> None:
    print("\nContestants: " + "; ".join(f"{name} {word}" for name, word in words.items()))
    for operation in ("verify", "sign"):
        title = f"{operation}: median microseconds (and how many times gatepass)"
        rows = []
        for algorithm in ALGORITHMS:
            taken = medians[operation, algorithm]
            cells = [microseconds(taken["gatepass"])]
            for name in _NAMES[1:]:
                value = taken.get(name)
                ratio = f" ({value / taken['gatepass']:.2f}x)" if value else ""
                cells.append(microseconds(value) + ratio)
            if operation == "verify":
                cells.insert(
                    1, f"{taken['seen']:.2f} ({taken['gatepass'] / taken['seen']:.1f}x less)"
                )
            rows.append([_label(algorithm), *cells])
        names = list(_NAMES)
        if operation == "verify":
            names.insert(1, "gatepass, seen before")
        show_table(title, ["", *names], rows)


def _against_peers(medians: Medians) -> list[Target]:
    return [
        times_faster(
            f"{algorithm} {operation} beside {peer}",
            medians[operation, algorithm]["gatepass"],
            medians[operation, algorithm].get(peer),
            wanted,
        )
        for (operation, algorithm, peer), wanted in _FASTER.items()
    ]


def _seen(medians: Medians) -> list[Target]:
    """A token that was verified before, beside PyJWT, which verifies it each time."""
    return [
        times_faster(
            f"{algorithm} seen before, beside PyJWT",
            medians["verify", algorithm]["seen"],
            medians["verify", algorithm].get("PyJWT"),
            wanted,
        )
        for algorithm, wanted in _SEEN_FASTER.items()
    ]


def _against_bare(over_bare: dict[str, tuple[float, float]]) -> list[Target]:
    targets = []
    for algorithm, at_most in _OVER_BARE.items():
        ratio, more = over_bare[algorithm]
        or_more = _OR_MORE.get(algorithm)
        targets.append(
            Target(
                f"{_label(algorithm)} verify over bare cryptography",
                f"{ratio:.3f}x, +{more:.1f} us",
                f"<= {at_most:g}x" + (f" or +{or_more:g} us" if or_more else ""),
                ratio <= at_most or (or_more is not None and more <= or_more),
            )
        )
    return targets


def _label(algorithm: str) -> str:
    """The algorithm as the tables name it: `EdDSA` is Ed25519 with all contestants."""
    return "Ed25519" if algorithm == "EdDSA" else algorithm
