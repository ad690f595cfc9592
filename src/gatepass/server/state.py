"""The state of server and command line: `./.gatepass`, or databases that the environment names."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import alembic  # noqa: F401 - stores load it late; here its absence is told in one sentence
from sqlalchemy import make_url

from gatepass.errors import SettingsRejected
from gatepass.server.files import make_file, make_folder, require_private
from gatepass.server.secrets import generate_secret
from gatepass.settings import TokenSettings
from gatepass.stores.sql.sqlite.file import SqliteFile
from gatepass.tokens.policy import REGISTERED_CLAIMS

FOLDER: Final = ".gatepass"
_SECRETS_FILE: Final = "secrets.env"
_SECRETS: Final = ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET")
CLAIMS: Final = frozenset({"username", "email", "role"})
"""The claims of accounts; a login without a required one would fail each time."""
_START: Final = "start with `gatepass serve`"


class Environment(enum.Enum):
    """The environment: in development missing settings are made, in production rejected."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The settings in force; in development `folder` holds the secrets and the database."""

    environment: Environment
    settings: TokenSettings
    folder: Path | None

    @property
    def database_file(self) -> Path | None:
        """The file of accounts, and of sessions unless they are in Redis; `None`: a server's."""
        url = self.settings.sql_url
        return Path(SqliteFile(make_url(url)).path) if url.startswith("sqlite") else None


def read_environment(environ: Mapping[str, str]) -> Environment:
    """The value of `GATEPASS_ENV`; development by default.

    Raises:
        SettingsRejected: The value is neither development nor production.
    """
    try:
        return Environment(environ.get("GATEPASS_ENV") or Environment.DEVELOPMENT)
    except ValueError:
        raise SettingsRejected("GATEPASS_ENV is neither development nor production") from None


def find_state(environ: Mapping[str, str], here: Path, *, create: bool) -> State:
    """The state that the environment names, or in development the one in `./.gatepass`.

    Args:
        environ: Variables that are set win over the files of `./.gatepass`.
        here: The folder of `.gatepass`.
        create: In development, make missing secrets and files; otherwise they are an error.

    Raises:
        SettingsRejected: A setting is missing or bad, or there is no state and none is made.
    """
    environment = read_environment(environ)
    if environment is Environment.PRODUCTION:
        state = State(
            environment=environment, settings=TokenSettings.from_env(environ), folder=None
        )
    else:
        state = _find_development(environ, here / FOLDER, create=create)
    for name in state.settings.policy.required_claims:
        if name not in CLAIMS | REGISTERED_CLAIMS:
            raise SettingsRejected(
                f"JWT_REQUIRED_CLAIMS names {name}: accounts have {', '.join(sorted(CLAIMS))}"
            )
    file = state.database_file
    if file is not None:
        SqliteFile(make_url(state.settings.sql_url)).require_folder()
    if not create and file is not None and not file.exists():
        raise SettingsRejected(f"there is no database at {file}: {_START}")
    return state


def _find_development(environ: Mapping[str, str], folder: Path, *, create: bool) -> State:
    defaults = {"DATABASE_URL": f"sqlite:///{(folder / 'gatepass.db').absolute()}"}
    needed = _SECRETS[1:] if environ.get("GATEPASS_KEY_FILE") else _SECRETS
    wanted = [name for name in (*needed, *defaults) if not environ.get(name)]
    used = folder if wanted else None
    if used is not None:
        if create:
            # Reject bad settings before any file is made because of them.
            TokenSettings.from_env({name: generate_secret() for name in needed} | _set(environ))
            make_folder(folder)
        require_private(folder, directory=True, start=_START)
        if create:  # before there is any file that version control must not take
            make_file(folder / ".gitignore", "*\n")
    if any(name in wanted for name in needed):
        kept = _read_secrets(folder / _SECRETS_FILE, create=create)
        defaults |= {name: kept[name] for name in needed}
    settings = TokenSettings.from_env(defaults | _set(environ))
    return State(environment=Environment.DEVELOPMENT, settings=settings, folder=used)


def _set(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if value}


def _read_secrets(file: Path, *, create: bool) -> dict[str, str]:
    """The secrets in the file; of two processes that make it at once, both read the first's."""
    if create and not file.exists():
        make_file(file, "".join(f"{name}={generate_secret()}\n" for name in _SECRETS))
    require_private(file, directory=False, start=_START)
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError as error:
        raise SettingsRejected(f"{file} cannot be read: {error.strerror}") from error
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    if not set(_SECRETS) <= found.keys():
        raise SettingsRejected(f"{file} does not hold {' and '.join(_SECRETS)}")
    return {name: found[name] for name in _SECRETS}
