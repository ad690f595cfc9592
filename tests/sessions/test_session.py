"""Identifiers, partitions and the session row, without any store."""

import secrets
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gatepass.sessions import Session, new_id, partition_of, plan_session
from tests.stores.plans import IDLE, LIFE, log_in

NOW = 1_800_000_000_000


@pytest.fixture
def session() -> Session:
    return plan_session(log_in(), NOW)


@given(st.text(st.characters(codec="utf-8")), st.binary(min_size=16, max_size=16))
def test_every_id_of_a_subject_is_in_one_partition(subject: str, random: bytes) -> None:
    identifier = new_id(subject, random)

    assert len(identifier) == 34
    assert identifier.endswith(random.hex())
    assert partition_of(identifier) == partition_of(new_id(subject, bytes(16)))
    assert partition_of(identifier) == crc32(subject.encode()) % 16


@given(st.text(st.characters(codec="utf-8")))
def test_ids_of_other_makers_have_a_partition_too(identifier: str) -> None:
    assert partition_of(identifier) in range(16)
    assert partition_of(identifier) == partition_of(identifier)


def test_subjects_spread_over_all_partitions() -> None:
    partitions = {
        partition_of(new_id(str(number), secrets.token_bytes(16))) for number in range(500)
    }

    assert partitions == set(range(16))


def test_a_new_session_is_live_until_its_idle_end(session: Session) -> None:
    assert session.generation == 0
    assert session.idle_ends_ms == NOW + IDLE
    assert session.ends_ms == NOW + LIFE
    assert session.is_live(NOW + IDLE - 1)
    assert not session.is_live(NOW + IDLE)


def test_a_session_never_idles_past_its_absolute_end() -> None:
    session = plan_session(log_in(idle=LIFE + 1), NOW)

    assert session.idle_ends_ms == session.ends_ms == NOW + LIFE
    assert not session.is_live(NOW + LIFE)
    assert not replace(session, idle_ends_ms=NOW + LIFE + 1).is_live(NOW + LIFE)


def test_a_revoked_session_is_not_live(session: Session) -> None:
    assert not replace(session, revoked_ms=NOW).is_live(NOW)


def test_claims_are_parsed_from_the_row(session: Session) -> None:
    assert session.claims == {"role": "user"}


def test_neither_claims_nor_the_secrets_hash_are_in_the_repr(session: Session) -> None:
    assert "role" not in repr(session)
    assert "sec_hash" not in repr(session)
    assert "claims" not in repr(session)
