"""The variables of tokens of the old library."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatepass.errors import SettingsRejected
from gatepass.jose import SharedKey, sign
from gatepass.server.secrets import generate_secret
from gatepass.settings import TokenSettings
from gatepass.stores.memory import AsyncMemoryStore, MemoryStore

A, B, C = (generate_secret() for _ in range(3))
GOOD = {"JWT_ACCESS_SECRET": A, "JWT_REFRESH_SECRET": B}
LATER = (datetime.now(UTC) + timedelta(days=1)).isoformat()
LEGACY = {
    "JWT_LEGACY_SECRET": C,
    "JWT_LEGACY_KIND": "flask-jwt-extended",
    "JWT_LEGACY_UNTIL": LATER,
}


def test_managers_exchange_tokens_that_the_secret_signed(tmp_path: Path) -> None:
    file = tmp_path / "legacy"
    file.write_text(C)
    named = {**LEGACY, "JWT_LEGACY_SECRET": "", "JWT_LEGACY_SECRET_FILE": str(file)}
    now = int(datetime.now(UTC).timestamp())
    claims = {"sub": "ada", "type": "refresh", "iat": now, "exp": now + 60, "jti": "one"}
    token = sign(claims, SharedKey.from_secret(C))

    for environ in (LEGACY, named):
        settings = TokenSettings.from_env({**GOOD, **environ})
        with settings.manager(MemoryStore()) as manager:
            assert manager.verify(manager.refresh(token).access_token).subject == "ada"
        settings.async_manager(AsyncMemoryStore())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"JWT_LEGACY_KIND": ""}, "are set together"),
        ({"JWT_LEGACY_UNTIL": ""}, "are set together"),
        ({"JWT_LEGACY_SECRET": ""}, "are set together"),
        ({"JWT_LEGACY_UNTIL": "2030-01-31"}, "JWT_LEGACY_UNTIL: write a date"),
        ({"JWT_LEGACY_KIND": "pyjwt"}, "JWT_LEGACY_KIND: .* one of flask-jwt-extended"),
        (
            {"JWT_LEGACY_SECRET": "short"},
            "JWT_LEGACY_SECRET is .*: old tokens of this secret cannot",
        ),
        ({"JWT_LEGACY_SECRET": A}, "JWT_LEGACY_SECRET: .* share a key"),
        ({"JWT_LEGACY_SECRET": B}, "JWT_LEGACY_SECRET: .* share a key"),
    ],
)
def test_what_cannot_be_read_is_an_error(changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsRejected, match=sentence) as caught:
        TokenSettings.from_env({**GOOD, **LEGACY, **changes})
    assert not any(secret in str(caught.value) for secret in (A, B, C))
