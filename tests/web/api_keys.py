"""API keys that a row can name."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gatepass.tokens import IssuedKey
from gatepass.tokens.opaque import KEY_PREFIX, new_text
from tests.web.apps.parts import READER, WRITER

if TYPE_CHECKING:
    from tests.web.stage import Stage


def _issue(stage: "Stage", *scopes: str, subject: str = "user-ada", ago: float = 0) -> IssuedKey:
    subject = stage.subjects.get("ada", subject) if subject == "user-ada" else subject
    return stage.manager(ago).issue_key(subject, name="reports", scopes=scopes, expires="30m")


def _key(stage: "Stage") -> str:
    """A key with every scope, whose id can be named too."""
    issued = _issue(stage, *WRITER)
    stage.values["key_id"] = issued.key_id
    return issued.key


def _key_id(stage: "Stage") -> str:
    stage.value("key")
    return stage.values["key_id"]


def _revoked(stage: "Stage") -> str:
    issued = _issue(stage, *WRITER)
    stage.manager().revoke_key(issued.key_id)
    return issued.key


def _of_revoked_subject(stage: "Stage") -> str:
    issued = _issue(stage, *WRITER, subject="somebody-else")
    stage.manager().revoke_subject("somebody-else")
    return issued.key


KEY_VALUES: Final[dict[str, Callable[["Stage"], str]]] = {
    "key": _key,
    "key_id": _key_id,
    "reader_key": lambda stage: _issue(stage, *READER).key,
    "revoked_key": _revoked,
    "key_of_revoked_subject": _of_revoked_subject,
    "expired_key": lambda stage: _issue(stage, *WRITER, ago=3600).key,
    "unknown_key": lambda stage: new_text(KEY_PREFIX, stage.subjects["ada"], bytes(32)),
    "cut_key": lambda stage: stage.value("key")[:-1],
}
