"""What a follower needs of a database: something that reads one lane of its log."""

from typing import Protocol


class Reader(Protocol):
    """Reads one lane into a denylist, from one thread at a time."""

    def read(self, wait_s: float) -> float | None:
        """Wait for news, but no longer than that, and take in what there is.

        Returns when the read that completed the copy was sent off, on the clock of leases;
        `None`: it is not complete yet, and has to be read on.

        Raises:
            StoreUnavailable: It could not be read.
        """
        ...

    def close(self) -> None:
        """Give back the connection."""
        ...

    def abandon(self) -> None:
        """Let go of it in a process that inherited it."""
        ...


class AsyncReader(Protocol):
    """`Reader` for `await`, on one event loop."""

    async def read(self, wait_s: float) -> float | None:
        """See `Reader.read`."""
        ...

    async def close(self) -> None:
        """See `Reader.close`."""
        ...

    def abandon(self) -> None:
        """See `Reader.abandon`; also where the event loop was closed."""
        ...


class Source(Protocol):
    """The log of a database; makes readers, each of which goes on where the last one got to."""

    def reader(self, lane: int) -> Reader:
        """A new reader of a lane, with a connection of its own to come."""
        ...


class AsyncSource(Protocol):
    """`Source` of async readers."""

    def reader(self, lane: int) -> AsyncReader:
        """See `Source.reader`; it is used on one event loop."""
        ...
