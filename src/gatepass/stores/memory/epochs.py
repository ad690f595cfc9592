"""The epochs of subjects: how often each was incremented, and when last."""

_NEVER = (0, 0)


class Epochs:
    """A counter and a time in milliseconds for each subject; `None` stands for everybody."""

    def __init__(self) -> None:
        self._of: dict[str | None, tuple[int, int]] = {}

    def increment(self, subject: str | None, now_ms: int) -> None:
        """Increment the epoch of a subject, or of everybody; the time never goes back."""
        count, at_ms = self._of.get(subject, _NEVER)
        self._of[subject] = count + 1, max(at_ms, now_ms)

    def last(self, subject: str) -> tuple[int, int]:
        """See `Store.last_epoch`."""
        own, all_of = self._of.get(subject, _NEVER), self._of.get(None, _NEVER)
        return own[0] + all_of[0], max(own[1], all_of[1])
