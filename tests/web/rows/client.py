"""`gatepass.js` as every framework serves it."""

from gatepass.gate.client_files import CLIENT_SCRIPT
from tests.web.rows.row import READABLE, Call, Row, Want, in_production, refused

_TAG = f'"{CLIENT_SCRIPT.split(".")[1]}"'
_OURS = "Origin: <origin>"
_KINDS = ("Content-Type: text/javascript; charset=utf-8", f"ETag: {_TAG}", "Vary: Origin")
_NEWEST = (*_KINDS, "Cache-Control: public, no-cache")
_FOREVER = (*_KINDS, "Cache-Control: public, max-age=31536000, immutable")
_VERSION = f"GET /auth/{CLIENT_SCRIPT}"


def _get(name: str, line: str, headers: tuple[str, ...], want: Want) -> Row:
    return Row(name=f"client: {name}", call=Call(line, headers), want=want)


_DEVELOPMENT = (
    _get("the newest", "GET /auth/client.js", (), Want(200, "<script>", _NEWEST)),
    _get("its version", _VERSION, (), Want(200, "<script>", _FOREVER)),
    _get("HEAD", "HEAD /auth/client.js", (), Want(200, "", _NEWEST)),
    *(
        _get(
            f"it is known as {tags}",
            "GET /auth/client.js",
            (f"If-None-Match: {tags}",),
            Want(304, "", _NEWEST[1:]),
        )
        for tags in (_TAG, f"W/{_TAG}", f'"another", {_TAG}', "*")
    ),
    _get(
        "another is known",
        "GET /auth/client.js",
        ('If-None-Match: "another"',),
        Want(200, "<script>", _NEWEST),
    ),
    _get(
        "from a page on another host",
        "GET /auth/client.js",
        (_OURS,),
        Want(200, "<script>", (*_NEWEST, *READABLE)),
    ),
    _get("with cookies", _VERSION, ("Cookie: <A>=<access>",), Want(200, "<script>", _FOREVER)),
    _get(
        "POST",
        "POST /auth/client.js",
        (),
        refused("method_not_allowed", "Allow: GET, HEAD"),
    ),
)
ROWS = (*_DEVELOPMENT, *map(in_production, _DEVELOPMENT[:2]))
