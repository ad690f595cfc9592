"""`gatepass users import`, as somebody at a shell sees it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.budget import PATIENCE_S
from tests.cli.command import Command
from tests.cli.conftest import PASSWORD
from tests.passwords.peers import KINDS
from tests.server.running import PROGRAM, environment
from tests.servers.programs import program_of

HASH = KINDS["django pbkdf2_sha256"]("a password from before")
HEADER = "username,email,role,password_hash"


def write(command: Command, *lines: str, encoding: str = "utf-8") -> str:
    """The name of a file with these lines."""
    (command.here / "users.csv").write_text("".join(f"{line}\n" for line in lines), encoding)
    return "users.csv"


def listed(command: Command) -> dict[str, dict[str, object]]:
    rows = json.loads(command("users", "list", "--json").stdout)["users"]
    return {row["username"]: row for row in rows}


def test_accounts_move_in_and_the_second_run_changes_nothing(ada: Command) -> None:
    file = write(
        ada,
        f"{HEADER},disabled,subject",
        f"Grace,grace@example.com,author,{HASH},False,17",
        f"alan,,,{HASH},t,18",
        f"ada,other@example.com,admin,{HASH},,",
        f'"linus","","",{HASH},"",',
    )
    first, before = ada("users", "import", file), listed(ada)
    second = ada("users", "import", file)

    assert (first.code, first.stderr) == (0, "")
    assert first.stdout == "added: 3, there already: 1, rejected: 0\n"
    assert (second.code, second.stderr) == (0, "")
    assert second.stdout == "added: 0, there already: 4, rejected: 0\n"
    assert listed(ada) == before
    shown = ("email", "role", "disabled", "subject")
    assert [before["grace"][name] for name in shown] == ["grace@example.com", "author", False, "17"]
    assert [before["alan"][name] for name in shown] == [None, "user", True, "18"]
    assert before["ada"]["role"] == "user"
    assert len(str(before["linus"]["subject"])) == 32


def test_a_dry_run_checks_every_row_and_adds_nothing(ada: Command) -> None:
    file = write(ada, HEADER, f"grace,,,{HASH}", "alan,,,md5$a$b")
    dry = ada("users", "import", file, "--dry-run")

    assert dry.code == 1
    assert dry.stdout == "would be added: 1, there already: 0, rejected: 1\n"
    assert dry.stderr.splitlines() == [
        "gatepass: line 3: the password hash is of no kind that gatepass reads, or damaged",
    ]
    assert list(listed(ada)) == ["ada"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"a b,,,{HASH}", "a user name is 1 to 64"),
        (f",,,{HASH}", "a user name is 1 to 64"),
        (f"{'e' * 65},,,{HASH}", "a user name is 1 to 64"),
        (f"e\0ve,,,{HASH}", "a user name is 1 to 64"),
        (f'"e\nve",,,{HASH}', "a user name is 1 to 64"),
        (f"eve,{'e' * 255},,{HASH}", "an email address is 1 to 254 bytes"),
        (f"eve,a b,,{HASH}", "an email address is 1 to 254 bytes"),
        (f"eve,,\x1b[2J,{HASH}", "a role is 1 to 254 bytes"),
        ("eve,,,", "the password hash is of no kind"),
        (f"eve,,,{HASH}\0", "the password hash is of no kind"),
        ("eve,,,!x1y2z3", "the user has no password"),
        (f"eve,,,{HASH.replace('$3$', '$99999999$')}", "PBKDF2 iterations: 99,999,999 is not from"),
        (f"eve,,,scrypt:1048576:8:1$salt${'0' * 128}", "scrypt n * r * p: 8,388,608"),
        (f"eve,,,$2b$20${'.' * 53}", "bcrypt rounds: 20 is not from 4 to 14"),
        (f"eve,,{HASH}", "3 fields, and the first line has 4"),
        (f"eve,,,{HASH},x", "5 fields, and the first line has 4"),
        (f"{'e' * 20_000},,,{HASH}", "the line has more than 16,384 characters; nothing is read"),
        (f'"eve"x,,,{HASH}', "',' expected after '\"'; nothing is read from here on"),
        (f'"eve,,,{HASH}', "unexpected end of data; nothing is read from here on"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_the_others_are_added(
    ada: Command, row: str, reason: str
) -> None:
    done = ada("users", "import", write(ada, HEADER, f"grace,,,{HASH}", row))

    assert done.code == 1
    assert done.stdout == "added: 1, there already: 0, rejected: 1\n"
    assert done.stderr.startswith(f"gatepass: line 3: {reason}")
    assert done.stderr.count("\n") == 1
    assert HASH not in done.stderr
    assert list(listed(ada)) == ["ada", "grace"]


def test_a_name_in_two_rows_goes_to_neither(ada: Command) -> None:
    """The application told `Admin` from `admin`; anybody could take the name that was free."""
    file = write(
        ada,
        HEADER,
        f"Admin,,,{HASH}",
        f"grace,,,{HASH}",
        f"admin,,admin,{HASH}",
        f"\uff21DMIN,,,{HASH}",
        f"alan,,,{HASH}",
        "Alan,,,!x1y2z3",
    )
    done = ada("users", "import", file)

    assert done.stdout == "added: 1, there already: 0, rejected: 5\n"
    reason = "has this user name too, perhaps in another spelling: neither is added"
    assert done.stderr.splitlines() == [
        f"gatepass: line 2: line 4 {reason}",
        f"gatepass: line 4: line 2 {reason}",
        f"gatepass: line 5: line 2 {reason}",
        f"gatepass: line 6: line 7 {reason}",
        "gatepass: line 7: the user has no password (Django's `!`)",
    ]
    assert list(listed(ada)) == ["ada", "grace"]


def test_rows_that_clash_with_accounts_or_other_rows(ada: Command) -> None:
    head = "subject,username,password_hash"
    first = ada("users", "import", write(ada, head, f"1,grace,{HASH}", f"2,alan,{HASH}"))
    file = write(
        ada,
        head,
        f"1,grace,{HASH}",
        f"3,alan,{HASH}",
        f"2,linus,{HASH}",
        f"4,eve,{HASH}",
        f"4,mallory,{HASH}",
        f"{'5' * 300},oscar,{HASH}",
    )
    second = ada("users", "import", file, "--json")

    assert first.code == 0
    assert (second.code, second.stderr) == (1, "")
    result = json.loads(second.stdout)
    assert (result["added"], result["present"]) == (0, 1)
    assert {each["line"]: each["reason"] for each in result["rejected"]} == {
        3: "an account of this user name has another subject",
        4: "an account of another user name has this subject",
        5: "line 6 has this subject too: neither is added",
        6: "line 5 has this subject too: neither is added",
        7: "a subject is a text of 1 to 255 characters",
    }


@pytest.mark.parametrize(
    "header",
    [
        "",
        "username,email,role",
        "username;password_hash",
        f"{HEADER},password",
        f"{HEADER},username",
        "username,password_hash\0",
    ],
)
def test_a_file_without_the_columns_is_refused(ada: Command, header: str) -> None:
    refused = ada("users", "import", write(ada, header, f"grace,,,{HASH}"))

    assert (refused.code, refused.stdout) == (1, "")
    assert "the first line names the columns, with commas between them: username and" in (
        refused.stderr
    )


@pytest.mark.parametrize("content", [b"", b"\xff\xfeu\0s\0e\0r\0"])
def test_a_file_that_is_no_csv_is_refused(ada: Command, content: bytes) -> None:
    (ada.here / "users.csv").write_bytes(content)

    assert ada("users", "import", "users.csv").code == 1


def test_a_file_that_is_not_there_is_2(ada: Command) -> None:
    refused = ada("users", "import", "none.csv")
    folder = ada("users", "import", ".")

    assert (refused.code, folder.code) == (2, 2)
    assert refused.stderr == "gatepass: none.csv cannot be read: No such file or directory\n"


def test_a_mark_before_the_text_and_lines_of_windows_are_as_good(ada: Command) -> None:
    content = f"username,password_hash\r\nj\u00fcrgen,{HASH}\r\n\r\n"
    (ada.here / "users.csv").write_bytes(content.encode("utf-8-sig"))
    done = ada("users", "import", "users.csv")

    assert done.stdout == "added: 1, there already: 0, rejected: 0\n"
    assert "j\u00fcrgen" in listed(ada)


def test_bytes_of_another_encoding_reject_their_row_alone(ada: Command) -> None:
    file = write(ada, HEADER, f"j\u00fcrgen,,,{HASH}", f"grace,,,{HASH}", encoding="latin-1")
    done = ada("users", "import", file)

    assert done.stdout == "added: 1, there already: 0, rejected: 1\n"
    assert done.stderr == "gatepass: line 2: the line is not UTF-8\n"


def test_accounts_that_the_policy_rejects_are_not_added(ada: Command) -> None:
    file = write(ada, HEADER, f"grace,,author,{HASH}", f"alan,,owner,{HASH}")
    limited = {"JWT_ALLOWED_VALUES": '{"role": ["author", "user"]}'}
    done = ada("users", "import", file, environ=limited)

    assert done.stdout == "added: 1, there already: 0, rejected: 1\n"
    assert done.stderr.startswith("gatepass: line 3: nobody could log in to this account: ")


def test_hashes_that_need_an_extra_name_it(ada: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(ada, HEADER, f"grace,,,{KINDS['bcrypt 2b']('a password from before')}")
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    refused = ada("users", "import", file)

    assert (refused.code, refused.stdout) == (2, "")
    assert refused.stderr == (
        "gatepass: bcrypt is not installed, run: pip install 'gatepass[migrate]'\n"
    )


def test_more_rows_than_one_batch(ada: Command) -> None:
    rows = [f"user{number},,,{HASH}" for number in range(1_234)]
    done = ada("users", "import", write(ada, HEADER, *rows))

    assert done.stdout == "added: 1234, there already: 0, rejected: 0\n"
    assert len(listed(ada)) == 1_235


def test_without_a_state_a_run_makes_one_and_a_dry_run_does_not(command: Command) -> None:
    file = write(command, HEADER, f"grace,,,{HASH}")
    dry = command("users", "import", file, "--dry-run")
    assert dry.code == 2
    assert not (command.here / ".gatepass").exists()

    assert command("users", "import", file).code == 0


@pytest.mark.programs
def test_a_pipe_is_a_file_and_on_a_terminal_a_bar_leaves_only_the_report(here: Path) -> None:
    terminal, its_end = pty.openpty()
    with program_of(
        [*PROGRAM, "users", "import", "/dev/stdin"],
        cwd=here,
        env=environment({"TERM": "xterm"}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=its_end,
    ) as process:
        os.close(its_end)
        rows = f"{HEADER}\ngrace,,,{HASH}\neve,,,{PASSWORD}\nOtto,,,{HASH}\notto,,,{HASH}\n"
        stdout, _ = process.communicate(rows.encode(), timeout=PATIENCE_S)
        shown = os.read(terminal, 65_536)
        os.close(terminal)

    assert process.returncode == 1
    assert stdout == b"added: 1, there already: 0, rejected: 3\n"
    assert b"line 4: line 5 has this user name too" in shown
    assert b"line 3: the password hash is of no kind" in shown
    assert PASSWORD.encode() not in shown
