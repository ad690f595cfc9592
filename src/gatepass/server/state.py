"""Where server and command line keep things: `./.gatepass`, or what the environment names."""

import enum
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import alembic  # noqa: F401 - stores load it late; here its absence is told in one sentence
from sqlalchemy import make_url

from gatepass.errors import SettingsRejected
from gatepass.server.secrets import generate_secret
from gatepass.settings import TokenSettings
from gatepass.stores.sql.sqlite_file import SqliteFile

FOLDER: Final = ".gatepass"
_SECRETS_FILE: Final = "secrets.env"
_SECRETS: Final = ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET")
_START: Final = "start with `gatepass serve`"


class Environment(enum.Enum):
    """Where this runs: what is missing is made in development, and refused in production."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The settings in force; `folder` is where development keeps what it made."""

    environment: Environment
    settings: TokenSettings
    folder: Path | None

    @property
    def database_file(self) -> Path | None:
        """The file of accounts, and of sessions unless they are in Redis; `None`: a server's."""
        url = self.settings.sql_url
        return Path(SqliteFile(make_url(url)).path) if url.startswith("sqlite") else None


def read_environment(environ: Mapping[str, str]) -> Environment:
    """What `GATEPASS_ENV` says; development when it says nothing.

    Raises:
        SettingsRejected: It says something else.
    """
    try:
        return Environment(environ.get("GATEPASS_ENV") or Environment.DEVELOPMENT)
    except ValueError:
        raise SettingsRejected("GATEPASS_ENV is neither development nor production") from None


def find_state(environ: Mapping[str, str], here: Path, *, create: bool) -> State:
    """The state that the environment names, or in development the one in `./.gatepass`.

    Args:
        environ: Variables that are set win over the files of `./.gatepass`.
        here: The folder in which `.gatepass` is looked for.
        create: Make in development what is missing; otherwise it is refused.

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
    file = state.database_file
    if not create and file is not None and not file.exists():
        raise SettingsRejected(f"there is no database at {file}: {_START}")
    return state


def _find_development(environ: Mapping[str, str], folder: Path, *, create: bool) -> State:
    defaults = {"DATABASE_URL": f"sqlite:///{(folder / 'gatepass.db').absolute()}"}
    wanted = [name for name in (*_SECRETS, *defaults) if not environ.get(name)]
    used = folder if wanted else None
    if used is not None:
        if create:
            # Refuse what the environment says before anything is made because of it.
            TokenSettings.from_env({name: generate_secret() for name in _SECRETS} | _set(environ))
            _make_folder(folder)
        _require_private(folder, directory=True)
    if any(name in wanted for name in _SECRETS):
        defaults |= _read_secrets(folder / _SECRETS_FILE, create=create)
    settings = TokenSettings.from_env(defaults | _set(environ))
    return State(environment=Environment.DEVELOPMENT, settings=settings, folder=used)


def _set(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if value}


def _make_folder(folder: Path) -> None:
    """Make the folder, for its owner alone, and keep it out of version control."""
    try:
        folder.mkdir(mode=0o700)
        folder.chmod(0o700)  # the process's umask may have taken more away
        (folder / ".gitignore").write_text("*\n")
    except FileExistsError:
        return
    except OSError as error:
        raise SettingsRejected(f"{folder} cannot be made: {error.strerror}") from error


def _read_secrets(file: Path, *, create: bool) -> dict[str, str]:
    """The secrets in the file; of two processes that make it at once, both read the first's."""
    if create and not file.exists():
        _make_secrets(file)
    _require_private(file, directory=False)
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError as error:
        raise SettingsRejected(f"{file} cannot be read: {error.strerror}") from error
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    if not set(_SECRETS) <= found.keys():
        raise SettingsRejected(f"{file} does not hold {' and '.join(_SECRETS)}")
    return {name: found[name] for name in _SECRETS}


def _make_secrets(file: Path) -> None:
    """Write a file of new secrets aside, then give it its name if nobody has taken it."""
    lines = "".join(f"{name}={generate_secret()}\n" for name in _SECRETS)
    aside = file.with_name(f"{_SECRETS_FILE}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as opened:
                os.fchmod(descriptor, 0o600)
                opened.write(lines)
                opened.flush()
                os.fsync(opened.fileno())
            file.hardlink_to(aside)
        finally:
            aside.unlink()
    except FileExistsError:
        return
    except OSError as error:
        raise SettingsRejected(f"{file} cannot be written: {error.strerror}") from error


def _require_private(path: Path, *, directory: bool) -> None:
    """Refuse a path that is missing, not what it should be, or open to other users."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise SettingsRejected(f"no gatepass here ({path} is missing): {_START}") from None
    except OSError as error:
        raise SettingsRejected(f"{path} cannot be read: {error.strerror}") from error
    kind, mode = (stat.S_ISDIR, "700") if directory else (stat.S_ISREG, "600")
    if not kind(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise SettingsRejected(f"{path} must be yours alone: chmod {mode} it, or remove it")
