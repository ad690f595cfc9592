"""`gatepass token`: issue, verify and inspect tokens on the command line."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from gatepass.cli.input import administration, read_token
from gatepass.cli.output import AsJson, printable, say, show
from gatepass.errors import SubjectDisabled, TokenMalformed
from gatepass.jose import inspect as inspect_jws
from gatepass.tokens.opaque import ACCESS_PREFIX, KEY_PREFIX, hash_id
from gatepass.tokens.opaque_access import WRONG_FORM

app = typer.Typer(
    help="Issue, verify and inspect tokens.", no_args_is_help=True, rich_markup_mode=None
)

_HIDDEN: Final = "(hidden)"
_IS_KEY: Final = "this is an API key and no access token: see its entry in `gatepass apikeys list`"


@app.command(
    epilog="""\
\b
Examples:
  curl -H "Authorization: Bearer $(gatepass token issue ada)" http://127.0.0.1:8000/auth/me
  gatepass token issue ada --json
"""
)
def issue(
    name: Annotated[str, typer.Argument(help="The user name of an account.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Open a session for an account and print its access token; --json prints the pair."""
    with administration() as opened:
        subject = opened.accounts.get(name).subject
        epoch = opened.manager.subject_epoch(subject)
        claims = opened.accounts.load_claims(subject, {})
        if claims is None:
            raise SubjectDisabled
        pair = opened.manager.issue(subject, claims, device="gatepass token issue", epoch=epoch)
    show(pair.to_dict(), pair.access_token, as_json=as_json)


@app.command(
    epilog="""\
\b
Examples:
  echo "$TOKEN" | gatepass token verify
  gatepass token issue ada | gatepass token verify --json
"""
)
def verify(*, as_json: AsJson = False) -> None:
    """Verify the access token on standard input, revocation included, and print its claims.

    There is no argument for it: other users of the machine can read arguments.
    """
    token = read_token()
    if token.startswith(KEY_PREFIX):
        raise TokenMalformed(_IS_KEY)
    with administration() as opened:
        claims = dict(opened.manager.verify(token or None))
    show(claims, _lines(claims), as_json=as_json)


@app.command(
    epilog="""\
\b
Examples:
  echo "$TOKEN" | gatepass token inspect
  echo "$TOKEN" | gatepass token inspect --json
"""
)
def inspect(*, as_json: AsJson = False) -> None:
    """Print the header and claims of the token on standard input, WITHOUT trust.

    There is no argument for it: other users of the machine can read arguments.
    """
    token = read_token()
    if token.startswith(ACCESS_PREFIX):
        if hash_id(ACCESS_PREFIX, token) is None:
            raise TokenMalformed(WRONG_FORM)
        say("nothing was verified: `gatepass token verify` looks the token up in the store")
        what = "an opaque access token: its claims are in the store"
        show({"kind": "opaque access token"}, what, as_json=as_json)
        return
    jws = inspect_jws(token)
    claims = {name: _HIDDEN if name == "sec" else value for name, value in jws.claims.items()}
    say("nothing was verified")
    result = {"header": dict(jws.header), "claims": claims}
    show(result, f"{_lines(jws.header)}\n\n{_lines(claims)}", as_json=as_json)


def _lines(members: Mapping[str, Any]) -> str:
    """The members for people; names are escaped too, since the token's maker chose them."""
    return "\n".join(f"{printable(name)}: {json.dumps(value)}" for name, value in members.items())
