"""Key sets: the primary signs, every member is accepted; and sources of key sets."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol, Self, runtime_checkable

from gatepass.errors import KeyRejected, KeysUnavailable
from gatepass.jose._entries import left_out, read_entries
from gatepass.jose.keys import Key, SharedKey, SigningKey, VerificationKey

MAX_TRIED = 8
"""Keys of one algorithm that a token without `kid` is tried against."""


@runtime_checkable
class KeySource(Protocol):
    """A source of keys that may change while the program runs."""

    @property
    def version(self) -> int:
        """A number that changes whenever `current()` answers with another key set."""
        ...

    def current(self) -> "KeySet":
        """The key set of this moment; called for every token, so it does no I/O.

        A source that also has `is_async` fetches its keys: it may raise `KeysWanted`, and so may
        its key set for a `kid` that it does not have. A source that also has `lifetime`, a
        timedelta, removes keys after that, so it is rejected for tokens that live longer.
        """
        ...


class KeysWanted(KeysUnavailable):
    """A token cannot be decided before keys were fetched; verifiers catch this and `fetch`.

    For all other callers it is a `KeysUnavailable`: try again later.
    """

    def __init__(self, fetch: Callable[[], Any], *, retry_after: int) -> None:
        super().__init__(retry_after=retry_after)
        self.fetch = fetch
        """Answers with the `KeySet` to use; if the source `is_async`, with an awaitable of it.

        Raises:
            KeysUnavailable: The key set cannot be fetched.
        """


class KeySet:
    """Keys that belong together; it never changes, `rotate` and `without` give new ones.

    A key is found by its `kid` and its algorithm together. Keys of different algorithms may
    share a `kid`, and one public key may have several (RFC 7517 §4.5).

    Raises:
        KeyRejected: Symmetric and asymmetric keys are mixed (RFC 8725 §3.1), two keys have the
            same `kid` and algorithm, a key that signs is given twice, or more than 8 shared keys
            are.
    """

    __slots__ = ("_by_kid", "_unnamed", "keys", "left_out", "prepared", "primary")

    def __init__(self, primary: Key, *accepted: Key) -> None:
        keys = (primary, *accepted)
        _require_consistent(keys)
        self.primary: Key = primary
        self.keys: tuple[Key, ...] = keys
        self.prepared: dict[bytes, Any] = {}
        """Headers that came with a good signature, parsed; kept by `jws`, bounded there."""
        self.left_out = ""
        """Why entries of the JWKS are not among the keys; empty if all are."""
        self._by_kid = {(key.algorithm, key.kid): (key,) for key in keys if key.kid is not None}
        self._unnamed: dict[str, tuple[Key, ...]] = {}
        for key in keys:
            tried = self._unnamed.get(key.algorithm, ())
            if not any(key.is_same_key(each) for each in tried):
                self._unnamed[key.algorithm] = (*tried, key)[:MAX_TRIED]

    @property
    def version(self) -> int:
        """Always 0: a key set does not change."""
        return 0

    def current(self) -> "KeySet":
        """The key set itself: it is its own source."""
        return self

    def candidates(self, algorithm: str, kid: str | None) -> tuple[Key, ...]:
        """The keys that may have signed: the named one, or without a name at most 8."""
        if kid is None:
            return self._unnamed.get(algorithm, ())
        return self._by_kid.get((algorithm, kid), ())

    def rotate(self, successor: Key) -> "KeySet":
        """A set in which the successor signs and all of this one's keys are accepted.

        The successor may have been announced: accepted here before it signs.
        """
        return KeySet(successor, *(key for key in self.keys if not _announces(key, successor)))

    def without(self, kid: str) -> "KeySet":
        """A set that no longer accepts the named keys, under none of their names.

        The primary cannot be left out.
        """
        named = [key for key in self.keys if key.kid == kid]
        rest = [key for key in self.keys if not any(map(key.is_same_key, named))]
        if self.primary not in rest or not named:
            raise KeyRejected("only an accepted key that is in the set can be left out")
        return KeySet(*rest)

    def public_jwks(self) -> dict[str, list[dict[str, str]]]:
        """The JWKS to publish (RFC 7517 §5); shared keys are never in it."""
        public = [key.public() if isinstance(key, SigningKey) else key for key in self.keys]
        return {"keys": [key.to_jwk() for key in public if isinstance(key, VerificationKey)]}

    @classmethod
    def from_jwks(
        cls,
        jwks: Mapping[str, Any],
        *,
        algorithm: str | None = None,
        accept_shared_keys: bool = False,
    ) -> Self:
        """The usable keys of a JWKS, the first of them primary (RFC 7517 §5).

        Args:
            jwks: An object with a list `keys`; entries that cannot be used are left out.
            algorithm: The algorithm of keys that name none.
            accept_shared_keys: Take keys of the kind `oct` too: for a JWKS that only you and
                the issuer can read, never for one that is published.

        Raises:
            KeyRejected: No key is usable, or those that are break the rules of key sets.
        """
        document: object = jwks
        members = document.get("keys") if isinstance(document, Mapping) else None
        if not isinstance(members, list):
            raise KeyRejected("a JWKS is an object with a list of keys")

        def make(jwk: Mapping[str, Any]) -> Key:
            if jwk.get("kty") == "oct":
                if not accept_shared_keys:
                    raise KeyRejected("a shared key (oct): pass accept_shared_keys=True to take it")
                return SharedKey.from_jwk(jwk, algorithm=algorithm)
            if jwk.get("d") is not None:
                return SigningKey.from_jwk(jwk, algorithm=algorithm)
            return VerificationKey.from_jwk(jwk, algorithm=algorithm)

        entries = read_entries(members, make)
        if entries.is_ambiguous:
            raise KeyRejected("two keys of the JWKS have the same kid and algorithm")
        if not entries.keys:
            raise KeyRejected(f"the JWKS holds no usable key: {left_out(entries.reasons)}")
        keys = cls(*entries.keys)
        keys.left_out = left_out(entries.reasons) if entries.reasons else ""
        return keys

    def __repr__(self) -> str:
        return f"<KeySet primary={self.primary!r} accepted={len(self.keys) - 1}>"


def key_source(keys: Key | KeySet | KeySource) -> KeySource:
    """The source of keys that were given as a key, a key set or a source."""
    if isinstance(keys, KeySet):
        return keys
    if isinstance(keys, (SharedKey, SigningKey, VerificationKey)):
        if keys.alone is None:
            keys.alone = KeySet(keys)
        alone: KeySet = keys.alone
        return alone
    if isinstance(keys, KeySource):
        return keys
    hint = ": SharedKey.from_secret makes a key of a text" if isinstance(keys, str) else ""
    raise KeyRejected(
        f"keys are a Key, a KeySet or a KeySource, and not {type(keys).__name__}{hint}"
    )


def require_kind(source: KeySource, *, is_async: bool) -> None:
    """Reject an async source in a sync verifier, and the reverse."""
    if getattr(source, "is_async", is_async) is not is_async:
        kind = "an async" if is_async else "a sync"
        raise TypeError(f"{type(source).__name__} is not {kind} source of keys")


def signing_source(keys: Key | KeySet | KeySource) -> KeySource:
    """A source whose primary key signs at this moment; keys that are fetched never do."""
    source = key_source(keys)
    if getattr(source, "is_async", None) is not None:
        raise KeyRejected("keys that are fetched from an issuer can only verify")
    require_signing(source.current())
    return source


def require_lifetime(source: KeySource, seconds: int) -> None:
    """Reject tokens that would outlive the key that signs them, if its source has a `lifetime`."""
    longest = getattr(source, "lifetime", None)
    if isinstance(longest, timedelta) and timedelta(seconds=seconds) > longest:
        raise KeyRejected(f"tokens of the primary key may live {longest} at most")


def _announces(key: Key, successor: object) -> bool:
    """Whether this is the successor itself, perhaps its public half."""
    return (
        isinstance(successor, (SharedKey, SigningKey, VerificationKey))
        and (key.algorithm, key.kid) == (successor.algorithm, successor.kid)
        and key.is_same_key(successor)
    )


def require_signing(keys: KeySet) -> None:
    """Reject a set whose primary can only verify."""
    if not keys.primary.can_sign:
        raise KeyRejected("the primary key cannot sign: it is a public key")


def require_disjoint(
    one: KeySet, other: KeySet, sentence: str = "the access and the refresh keys share a key"
) -> None:
    """Reject two sets that share a key: a token of one kind would pass for the other."""
    if any(key.is_same_key(peer) for key in one.keys for peer in other.keys):
        raise KeyRejected(sentence)


def _require_consistent(keys: tuple[Key, ...]) -> None:
    if not all(isinstance(key, (SharedKey, SigningKey, VerificationKey)) for key in keys):
        raise KeyRejected("a key set is made of SharedKey, SigningKey and VerificationKey")
    if len({key.is_shared for key in keys}) != 1:
        raise KeyRejected("a key set does not mix shared and asymmetric keys")
    names = [(key.algorithm, key.kid) for key in keys if key.kid is not None]
    if len(set(names)) != len(names):
        raise KeyRejected("two keys of the set have the same kid and algorithm")
    can_sign = [key for key in keys if key.can_sign]
    if any(key is not peer and key.is_same_key(peer) for key in can_sign for peer in keys):
        raise KeyRejected("the set holds the same private or shared key twice")
    if keys[0].is_shared and len(keys) > MAX_TRIED:
        raise KeyRejected(f"a set holds at most {MAX_TRIED} shared keys")
