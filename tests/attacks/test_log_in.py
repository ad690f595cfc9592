"""Log-ins that race a password change, over every store and both twins."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gatepass.errors import GatepassError, SessionRevoked, SubjectEpochChanged, TokenRevoked
from tests.attacks.service import Service
from tests.budget import PATIENCE_S
from tests.cases import case


@pytest.mark.parametrize("access_format", ["jwt", "opaque"])
def test_old_password_log_in_racing_a_password_change(service: Service) -> None:
    """The log-in read the epoch, checked the old password slowly, and comes too late."""
    epoch = service.epoch("alice")
    service.revoke_subject("alice")

    with pytest.raises(SubjectEpochChanged):
        service.issue("alice", epoch=epoch)

    assert service.sessions() == []
    assert service.issue("alice", epoch=service.epoch("alice")).session_id
    assert service.issue("bob", epoch=service.epoch("bob")).session_id


@pytest.mark.parametrize("access_format", ["jwt", "opaque"])
def test_log_in_just_before_a_password_change(service: Service) -> None:
    pair = service.issue("alice", epoch=service.epoch("alice"))

    assert service.revoke_subject("alice") == 1

    with pytest.raises(TokenRevoked):
        service.verify(pair.access_token)
    with pytest.raises(SessionRevoked):
        service.refresh(pair.refresh_token)


def test_made_up_epoch(service: Service) -> None:
    made_up: list[Any] = [-1, 1, 2**62, 2**63, 2**64, True, 0.0, "0", [], b"0"]
    for epoch in made_up:
        with case(epoch), pytest.raises(GatepassError):
            service.issue("alice", epoch=epoch)

    assert service.sessions() == []


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_old_password_log_in_and_password_change_at_the_same_moment(
    kind: str, tmp_path: Path
) -> None:
    service = Service(kind, tmp_path)
    for number in range(40):
        subject = f"alice{number}"
        epoch = service.epoch(subject)
        start = threading.Barrier(2, timeout=10)

        def log_in(
            subject: str = subject, epoch: int = epoch, start: threading.Barrier = start
        ) -> None:
            start.wait()
            with suppress(SubjectEpochChanged):
                service.issue(subject, epoch=epoch)

        racer = threading.Thread(target=log_in)
        racer.start()
        start.wait()
        service.revoke_subject(subject)
        racer.join(PATIENCE_S)

        assert service.sessions(subject) == []
    service.close()
