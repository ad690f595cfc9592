"""Secrets in files: `NAME_FILE` names one, as Docker and Kubernetes mount them."""

from pathlib import Path

import pytest

from gatepass._secret_files import NAMES, with_files
from gatepass.errors import SettingsRejected
from gatepass.settings import HttpSettings, TokenSettings

ACCESS = "vT4mQ8xZ2pLw7RkJ9sYcD3fHbN6gUe1a"
REFRESH = "Kq5WzX1rB8nEo3TjM7uPyV2hGdS9cLf6"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The variables of a pod: a volume whose files are links to a folder with the data."""
    data = tmp_path / "..2026_11_30"
    data.mkdir()
    (tmp_path / "..data").symlink_to(data.name)
    for name, value in (("access", f"{ACCESS}\n"), ("refresh", REFRESH), ("url", "sqlite:///a")):
        (data / name).write_text(value)
        (tmp_path / name).symlink_to(f"..data/{name}")
    return {
        "JWT_ACCESS_SECRET_FILE": f"{tmp_path}/access",
        "JWT_REFRESH_SECRET_FILE": f"{tmp_path}/refresh",
        "DATABASE_URL_FILE": f"{tmp_path}/url",
    }


def test_secrets_and_urls_are_read_from_files(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    plain = {"JWT_ACCESS_SECRET": ACCESS, "JWT_REFRESH_SECRET": REFRESH}
    wanted = TokenSettings.from_env(plain).access_keys.current().keys[0].kid

    for settings in (TokenSettings.from_env(environ), TokenSettings.from_env()):
        assert settings.access_keys.current().keys[0].kid == wanted
        assert settings.sql_url == "sqlite:///a"


def test_the_csrf_secret_is_read_from_a_file(environ: dict[str, str]) -> None:
    given = {"GATEPASS_PUBLIC_ORIGINS": "https://a.example", "GATEPASS_ENV": "production"}
    by_value = HttpSettings.from_env({**given, "GATEPASS_CSRF_SECRET": ACCESS})
    by_file = HttpSettings.from_env(
        {**given, "GATEPASS_CSRF_SECRET_FILE": environ["JWT_ACCESS_SECRET_FILE"]}
    )

    assert by_file.policy.cookies == by_value.policy.cookies
    assert by_file.csrf_secret is not None


def test_the_mark_that_windows_editors_write_is_no_part_of_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{ACCESS}\r\n", "utf-8-sig", newline="")

    assert with_files({"JWT_ACCESS_SECRET_FILE": str(file)})["JWT_ACCESS_SECRET"] == ACCESS


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file"),
        (b"", "holds no text"),
        (b"\n", "holds no text"),
        (b"\xef\xbb\xbf\r\n", "holds no text"),
        (b"\xff\xfe", "holds no text in UTF-8"),
        (b"a\0b", "holds no text"),
    ],
)
def test_a_file_that_is_not_there_or_holds_nothing_is_an_error_that_names_it(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsRejected, match=words) as rejected:
        with_files({f"{name}_FILE": str(file)})
    assert str(rejected.value).startswith(f"{name}_FILE: {file} ")


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsRejected, match="Is a directory"):
        TokenSettings.from_env({"JWT_ACCESS_SECRET_FILE": str(tmp_path)})


def test_a_variable_that_is_set_both_ways_is_an_error(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsRejected, match="JWT_ACCESS_SECRET_FILE are both set"):
        TokenSettings.from_env(environ | {"JWT_ACCESS_SECRET": ACCESS})
    assert with_files(environ | {"JWT_ACCESS_SECRET": ""})["JWT_ACCESS_SECRET"] == ACCESS
