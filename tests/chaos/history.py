"""What happened, as several processes wrote it down, and what must not have happened.

All of them read one clock of the machine, `time.monotonic`, so that moments can be compared.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gatepass.sessions.session import partition_of

PATIENCE_S = 2.5
"""Every operation answers within two seconds; on a machine this busy it is half a second more."""


class Attempt(NamedTuple):
    """One revocation by one writer."""

    name: str
    begun: float
    ended: float
    is_acknowledged: bool


class Verdict(NamedTuple):
    """One check by one verifier."""

    verifier: str
    name: str
    begun: float
    ended: float
    answer: str
    """`refused`, `accepted` or `unavailable`."""


class Span(NamedTuple):
    """A time in which a process was stopped, so that what it did then took longer."""

    begun: float
    ended: float


@dataclass(frozen=True, slots=True)
class History:
    """All attempts and verdicts of one scenario."""

    attempts: Sequence[Attempt]
    verdicts: Sequence[Verdict]
    asleep: Sequence[Span] = ()

    def acknowledged(self) -> dict[str, float]:
        """What was acknowledged, and when."""
        return {one.name: one.ended for one in self.attempts if one.is_acknowledged}

    def accepted_late(self, bound_s: float) -> list[Verdict]:
        """Revoked tokens let in by checks that began later than this after the acknowledgement."""
        known = self.acknowledged()
        return [
            verdict
            for verdict in self.verdicts
            if verdict.answer == "accepted"
            and verdict.name in known
            and verdict.begun > known[verdict.name] + bound_s
        ]

    def visible_after(self) -> float:
        """For how long after an acknowledgement a check let the token in, in the worst case."""
        known = self.acknowledged()
        return max(
            (
                verdict.begun - known[verdict.name]
                for verdict in self.verdicts
                if verdict.answer == "accepted" and verdict.name in known
            ),
            default=0.0,
        )

    def let_in(self, since: float) -> list[Verdict]:
        """What was let in by checks that began later than this."""
        return [one for one in self.verdicts if one.answer == "accepted" and one.begun > since]

    def partitions(self, since: float) -> set[int]:
        """Whose logs took in what was begun later than this, and acknowledged."""
        return {
            partition_of(one.name[2:])
            for one in self.attempts
            if one.is_acknowledged and one.begun > since
        }

    def refused_wrongly(self) -> list[Verdict]:
        """Tokens refused that nobody tried to revoke."""
        tried = {attempt.name for attempt in self.attempts}
        return [
            verdict
            for verdict in self.verdicts
            if verdict.answer == "refused" and verdict.name not in tried
        ]

    def slow(self) -> list[Attempt | Verdict]:
        """What took longer than it may, but for processes that were stopped meanwhile."""
        return [each for each in self._awake() if each.ended - each.begun > PATIENCE_S]

    def slowest(self) -> float:
        """Seconds that the slowest operation took, but for processes that were stopped."""
        return max((each.ended - each.begun for each in self._awake()), default=0.0)

    def _awake(self) -> Iterator[Attempt | Verdict]:
        """What was done by processes that nobody stopped in the middle of it."""
        everything: list[Attempt | Verdict] = [*self.attempts, *self.verdicts]
        for each in everything:
            if not any(each.begun <= one.ended and one.begun <= each.ended for one in self.asleep):
                yield each

    def count(self, answer: str) -> int:
        """How many verdicts there were of a kind."""
        return sum(verdict.answer == answer for verdict in self.verdicts)


@dataclass(slots=True)
class Figures:
    """What goes into the report."""

    scenario: str
    verifiers: str
    seed: int
    versions: str
    bound_s: float
    acknowledged: int = 0
    unconfirmed: int = 0
    refused: int = 0
    unavailable: int = 0
    accepted_late: int = 0
    visible_s: float = 0.0
    lost: int = 0
    slowest_s: float = 0.0
    healed_s: float | None = None


def read_attempts(files: Iterable[Path]) -> list[Attempt]:
    """What writers wrote down."""
    return [
        Attempt(name, float(begun), float(ended), outcome == "ok")
        for file in files
        for name, begun, ended, outcome in _lines(file)
    ]


def read_verdicts(files: Iterable[Path]) -> list[Verdict]:
    """What verifiers wrote down."""
    return [
        Verdict(file.stem, name, float(begun), float(ended), answer)
        for file in files
        for name, begun, ended, answer in _lines(file)
    ]


def _lines(file: Path) -> Iterable[list[str]]:
    """The fields of every whole line; a process that was killed may have left half a one."""
    text = file.read_text() if file.exists() else ""
    return (line.split(" ") for line in text[: text.rfind("\n") + 1].splitlines())
