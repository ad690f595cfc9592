"""Which events a manager told of, operation by operation, and what must not have happened.

1. An operation that was acknowledged has its one event, and one that raised has none.
2. Two callers at once end a session: together they have one event, once both were answered.
3. An operation that its process did not survive may have its one event.
4. A reuse is told once, and only where an old token was presented.
5. Until something breaks a refresh is a rotation, never a replay and never moved forward.
6. A store may be allowed to lose the end of a session for which it asked again when its
   connection broke (`docs/events.md` names PostgreSQL).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import inf
from pathlib import Path
from typing import NamedTuple

from tests.chaos.history import Span

_ROTATED = frozenset({"refreshed", "refresh_replayed", "session_moved_forward"})
KINDS = {
    "issue": frozenset({"logged_in"}),
    "refresh": _ROTATED,
    "strict_refresh": _ROTATED | {"refresh_reused"},
    "reuse": _ROTATED | {"refresh_reused"},
    "log_out": frozenset({"logged_out"}),
    "revoke_session": frozenset({"session_revoked"}),
    "revoke_token": frozenset({"token_revoked"}),
    "revoke_subject": frozenset({"subject_revoked"}),
}
"""The operations of callers, and the events that each may make."""
_ENDS = frozenset({"log_out", "revoke_session"})
_OUTCOMES = {
    **dict.fromkeys(KINDS, frozenset({"ok", "store_unavailable", "killed"})),
    "strict_refresh": frozenset({"ok", "store_unavailable", "killed", "refresh_reused"}),
    "reuse": frozenset({"ok", "store_unavailable", "killed", "refresh_reused", "session_revoked"}),
}


class Told(NamedTuple):
    """One event."""

    kind: str
    subject: str
    session: str
    reason: str


class Operation(NamedTuple):
    """One call, or two at once, with what was told meanwhile."""

    what: str
    subject: str
    session: str
    begun: float
    ended: float
    outcome: str
    events: Sequence[Told]

    def is_of(self, event: Told) -> bool:
        """Whether the event names this subject and session, or leaves them out."""
        pairs = ((self.subject, event.subject), (self.session, event.session))
        return all(mine == its or "-" in {mine, its} for mine, its in pairs)

    def overlaps(self, spans: Iterable[Span]) -> bool:
        return any(one.begun <= self.ended and self.begun <= one.ended for one in spans)


def read_operations(files: Iterable[Path]) -> list[Operation]:
    """What callers wrote down, each caller's in order."""
    return [operation for file in files for operation in _operations(file.read_text())]


def _operations(text: str) -> Iterator[Operation]:
    lines = [line.split(" ") for line in text[: text.rfind("\n") + 1].splitlines()]
    begun: list[str] | None = None
    events: list[Told] = []
    for line in [*lines, ["end", "killed", "inf"]]:
        if line[0] == "begin":
            begun, events = line, []
        elif line[0] == "event":
            events.append(Told(*line[1:5]))
        elif begun is not None:
            _, what, subject, session, at = begun
            yield Operation(what, subject, session, float(at), float(line[2]), line[1], events)
            begun = None


def find_wrong(
    operations: Sequence[Operation], faults: Sequence[Span], *, may_lose_ends: bool = False
) -> list[str]:
    """Everything that breaks a rule; `faults` says when something was broken."""
    broken_at = min((fault.begun for fault in faults), default=inf)
    excused = {id(one) for one in operations if may_lose_ends and one.overlaps(faults)}
    wrong = [f"{reason}: {one}" for one in operations for reason in _judge(one, broken_at, excused)]
    sessions: dict[str, list[Operation]] = defaultdict(list)
    for one in operations:
        sessions[one.session].append(one)
    sessions.pop("-", None)
    for session, its in sessions.items():
        wrong += [f"{reason}: {session}" for reason in _judge_session(its, excused)]
    return wrong


def _judge(one: Operation, broken_at: float, excused: set[int]) -> Iterator[str]:
    kinds = [event.kind for event in one.events]
    if one.outcome not in _OUTCOMES[one.what]:
        yield "an outcome without cause"
    if not KINDS[one.what].issuperset(kinds):
        yield "an event without cause"
    if len(kinds) > 1:
        yield "told twice"
    if one.outcome == "store_unavailable" and kinds and one.what != "log_out":
        yield "told although it raised"
    if one.outcome == "ok" and not kinds and one.what not in _ENDS:
        yield "not told"
    if one.outcome == "refresh_reused" and kinds != ["refresh_reused"] and id(one) not in excused:
        yield "a reuse that was not told"
    healed = {"refresh_replayed", "session_moved_forward"} & {*kinds}
    reused = one.what == "strict_refresh" and one.outcome == "refresh_reused"
    if one.ended < broken_at and (healed or reused):
        yield "nothing was broken yet"
    if not all(map(one.is_of, one.events)):
        yield "an event of somebody else"


def _judge_session(its: Sequence[Operation], excused: set[int]) -> Iterator[str]:
    kinds = [event.kind for one in its for event in one.events]
    ends = [one for one in its if one.what in _ENDS]
    told = kinds.count("logged_out") + kinds.count("session_revoked")
    is_excused = any(id(one) in excused for one in its)
    if told > 1 or kinds.count("refresh_reused") > 1:
        yield "an end that was told twice"
    if ends and ends[-1].outcome == "ok" and not told and not is_excused:
        yield "an end that was not told"
    found = any(one.outcome == "session_revoked" for one in its)
    if found and "refresh_reused" not in kinds and not is_excused:
        yield "a reuse that was not told by its repeat"
