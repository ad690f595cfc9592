"""Verify and sign beside the peers, verify beside the bare primitive, and tokens seen before."""

import contextlib
from dataclasses import dataclass, field

from benchmarks.contestants import PYTHON_CONTESTANTS, version_of
from benchmarks.piped_peers import PIPED, PeerMissing, PipedPeer, piped_peers
from benchmarks.scene import ALGORITHMS, Scene, make_scene
from benchmarks.seen import ALONE, BY_TURNS, HELD, SEEN, seen_timers
from benchmarks.table import Target, microseconds, show_table, times_faster
from benchmarks.timing import Timer, compare, interleave, timer_of

PEERS = (*(name for name in PYTHON_CONTESTANTS if name not in {"gatepass", "bare"}), *PIPED)
_NAMES = ("gatepass", *PEERS, "bare")
_FASTER = {
    ("verify", "HS256", "PyJWT"): 10,
    ("verify", "HS256", "joserfc"): 5,
    ("verify", "HS256", "fast-jwt"): 1.4,
    ("sign", "HS256", "PyJWT"): 6,
}
_SEEN_FASTER = {"HS256": 60, "RS256": 150, "ES256": 150}
_ALONE_US, _WITH_REPLICA_US = 1.0, 1.5
_OVER_BARE = {"RS256": 1.25, "ES256": 1.10, "EdDSA": 1.08}
_OR_MORE = {"RS256": 5.0}
"""Microseconds more than bare that are fine whatever the ratio."""

Medians = dict[tuple[str, str], dict[str, float]]
"""By operation and algorithm: each contestant's microseconds."""


@dataclass
class Signatures:
    """All that one run measured."""

    medians: Medians = field(default_factory=dict)
    over_bare: dict[str, tuple[float, float]] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    """Each contestant's version, or the reason why it is not here."""

    @property
    def targets(self) -> list[Target]:
        """What was promised, and whether it holds."""
        return [*_against_peers(self.medians), *_seen(self.medians), *_against_bare(self.over_bare)]


def measure_signatures(*, rounds: int, part: int = 1) -> Signatures:
    """Run all contestants on all algorithms and print the tables."""
    found = Signatures()
    with piped_peers(found.words) as peers, seen_timers(found.words, part=part) as make_seen:
        for algorithm in ALGORITHMS:
            scene = make_scene(algorithm)
            timers = _timers(scene, peers, found.words)
            for operation in ("verify", "sign"):
                taking_part = {name: t[operation] for name, t in timers.items() if operation in t}
                if operation == "verify":
                    taking_part |= make_seen(scene)
                found.medians[operation, algorithm] = interleave(taking_part, rounds=rounds)
            if algorithm in _OVER_BARE:
                found.over_bare[algorithm] = compare(
                    timers["gatepass"]["verify"], timers["bare"]["verify"], rounds=2 * rounds
                )
    _show(found)
    _show_seen(found.medians, HELD // part)
    return found


def _timers(
    scene: Scene, peers: dict[str, PipedPeer], words: dict[str, str]
) -> dict[str, dict[str, Timer]]:
    timers: dict[str, dict[str, Timer]] = {}
    for name, (distribution, make) in PYTHON_CONTESTANTS.items():
        words[name] = version_of(distribution)
        with contextlib.suppress(ModuleNotFoundError):
            timers[name] = {what: timer_of(work) for what, work in make(scene).items()}
    for peer, process in peers.items():
        try:
            words[peer] = process.prepare(peer, scene)
        except PeerMissing as missing:
            words[f"{peer} {scene.algorithm}"] = str(missing)
        else:
            timers[peer] = {
                what: process.timer(peer, scene.algorithm, what) for what in ("verify", "sign")
            }
    return timers


def _show(found: Signatures) -> None:
    print("\nContestants: " + "; ".join(f"{name} {word}" for name, word in found.words.items()))
    for operation in ("verify", "sign"):
        rows = []
        for algorithm in ALGORITHMS:
            taken = found.medians[operation, algorithm]
            cells = [microseconds(taken["gatepass"])]
            for name in _NAMES[1:]:
                value = taken.get(name)
                ratio = f" ({value / taken['gatepass']:.2f}x)" if value else ""
                cells.append(microseconds(value) + ratio)
            rows.append([label(algorithm), *cells])
        title = f"{operation}: median microseconds (and how many times gatepass)"
        show_table(title, ["", *_NAMES], rows)


def _show_seen(medians: Medians, entries: int) -> None:
    rows = [
        [words, *(_beside_pyjwt(medians["verify", algorithm], name) for algorithm in ALGORITHMS)]
        for name, words in {"gatepass": "for the first time", **SEEN}.items()
    ]
    title = f"verify a token that was seen before, replicas of {entries:,} entries: median"
    head = ["", *map(label, ALGORITHMS)]
    show_table(f"{title} microseconds (and how many times PyJWT takes)", head, rows)


def _beside_pyjwt(taken: dict[str, float], name: str) -> str:
    value, peer = taken.get(name), taken.get("PyJWT")
    return microseconds(value) + (f" ({peer / value:.1f}x)" if value and peer else "")


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
    targets = [
        times_faster(
            f"{algorithm} seen before, beside PyJWT",
            medians["verify", algorithm][ALONE],
            medians["verify", algorithm].get("PyJWT"),
            wanted,
        )
        for algorithm, wanted in _SEEN_FASTER.items()
    ]
    for name, words in SEEN.items():
        if name == BY_TURNS:
            continue
        at_most = _ALONE_US if name.startswith(ALONE) else _WITH_REPLICA_US
        taken = [medians["verify", algorithm].get(name) for algorithm in ALGORITHMS]
        slowest = max((each for each in taken if each is not None), default=None)
        targets.append(
            Target(
                f"{words}, the slowest algorithm",
                microseconds(slowest) + " us",
                f"<= {at_most:g} us",
                None if slowest is None else slowest <= at_most,
            )
        )
    return targets


def _against_bare(over_bare: dict[str, tuple[float, float]]) -> list[Target]:
    targets = []
    for algorithm, at_most in _OVER_BARE.items():
        ratio, more = over_bare[algorithm]
        or_more = _OR_MORE.get(algorithm)
        targets.append(
            Target(
                f"{label(algorithm)} verify over bare cryptography",
                f"{ratio:.3f}x, +{more:.1f} us",
                f"<= {at_most:g}x" + (f" or +{or_more:g} us" if or_more else ""),
                ratio <= at_most or (or_more is not None and more <= or_more),
            )
        )
    return targets


def label(algorithm: str) -> str:
    """The algorithm as the tables name it: `EdDSA` is Ed25519 with all contestants."""
    return "Ed25519" if algorithm == "EdDSA" else algorithm
