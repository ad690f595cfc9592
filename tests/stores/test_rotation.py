"""Every row of the rotation table, on every store, in both twins, beside the pure function."""

from typing import Any

from gatepass.sessions import RotationKind, Store, rotate
from tests.cases import case
from tests.stores.plans import IDLE, LEEWAY, LIFE, MINUTE, SEC_HASH, Clock, log_in, present, sid

ROTATED, REPLAYED, AHEAD = RotationKind.ROTATED, RotationKind.REPLAYED, RotationKind.AHEAD
REUSED, REVOKED = RotationKind.REUSED, RotationKind.REVOKED
EXPIRED, UNKNOWN = RotationKind.EXPIRED, RotationKind.UNKNOWN
AT_ONCE: dict[str, Any] = {"leeway": 0}
FORGED: dict[str, Any] = {"sec_hash": SEC_HASH[::-1]}
ADMIN: dict[str, Any] = {"claims": b'{"role":"admin"}'}

Step = tuple[int, int, RotationKind] | tuple[int, int, RotationKind, dict[str, Any]]
SCRIPTS: dict[str, list[Step]] = {  # milliseconds that pass, what is presented, what comes of it
    "the idle end slides no further than the absolute end": [
        *((IDLE - 1, generation, ROTATED) for generation in range(4)),
        (LIFE - 4 * (IDLE - 1) - 1, 4, ROTATED),
        (1, 5, EXPIRED),
        (0, 6, EXPIRED),
    ],
    "claims stay unless they are replaced": [
        (MINUTE, 0, ROTATED),
        (0, 1, ROTATED, ADMIN),
        (0, 2, ROTATED),
    ],
    "a replay inside the leeway changes nothing, and one after it ends the session": [
        (0, 0, ROTATED),
        (LEEWAY, 0, REPLAYED, ADMIN),
        (1, 0, REUSED),
        *((0, generation, REVOKED) for generation in (0, 1, 2, 80)),
    ],
    "replays do not extend the leeway": [
        (0, 0, ROTATED),
        (LEEWAY // 2, 0, REPLAYED),
        (LEEWAY // 2, 0, REPLAYED),
        (LEEWAY // 2, 0, REUSED),
    ],
    "without leeway the second use is reuse": [(0, 0, ROTATED, AT_ONCE), (0, 0, REUSED, AT_ONCE)],
    "a clock set back does not stretch the leeway": [
        (0, 0, ROTATED),
        (-LEEWAY, 0, REPLAYED),
        (-1, 0, REUSED),
    ],
    "only the last eight rotations are replayed": [
        *((0, generation, ROTATED) for generation in range(10)),
        (0, 2, REPLAYED),
        (0, 1, REUSED),
    ],
    "a generation ahead moves the session forward, but not one too far ahead": [
        (0, 1, AHEAD),
        (0, 1, REPLAYED),
        (0, 2, ROTATED),
        (0, 67, AHEAD),
        (0, 68 + 65, UNKNOWN),
        (0, 68, ROTATED),
    ],
    "a generation ahead counts before the idle end": [(IDLE, 0, EXPIRED), (0, 1, AHEAD)],
    "a forged token with the wrong secret changes nothing": [
        (0, 0, ROTATED),
        (LEEWAY + 1, 0, UNKNOWN, FORGED),
        *((0, generation, UNKNOWN, FORGED) for generation in (1, 2)),
        (0, 1, ROTATED),
    ],
}


def test_every_store_decides_and_keeps_what_the_table_says(store: Store, clock: Clock) -> None:
    for number, (script, steps) in enumerate(SCRIPTS.items()):
        subject = f"subject {number}"
        model = store.issue(log_in(subject))
        assert model is not None
        for ms, generation, kind, *options in steps:
            clock.forward(ms)
            plan = present(model.session_id, generation, **(options[0] if options else {}))
            expected = rotate(model, plan, clock.ms)
            with case(script, ms, generation):
                assert expected.kind is kind
                assert store.rotate(plan) == expected
                model = expected.session or model
                assert store.sessions(subject) == ([model] if model.is_live(clock.ms) else [])
                assert store.is_revoked(model.session_id, None) == (model.revoked_ms is not None)


def test_an_unknown_session_is_unknown_and_a_revoked_one_stays_revoked(store: Store) -> None:
    fact = store.rotate(present("no such session"))
    session = store.issue(log_in(session_id=sid("session")))
    assert session is not None
    store.rotate(present(session.session_id))
    store.revoke_session(session.session_id, reason="log-out")

    assert (fact.kind, fact.session) == (UNKNOWN, None)
    for generation in (0, 1, 2, 80):
        assert store.rotate(present(session.session_id, generation)).kind is REVOKED
