from tests.project.files import SOURCES, module_name
from tests.project.layers import MAY_IMPORT, crossings, part_of


def test_imports_go_only_the_allowed_way() -> None:
    found = [
        (module_name(file), crossing)
        for file in SOURCES
        for crossing in crossings(
            file.read_text(), module_name(file), is_package=file.stem == "__init__"
        )
    ]

    assert found == []


def test_every_part_has_its_place_in_the_table() -> None:
    assert {part_of(module_name(file)) for file in SOURCES} <= MAY_IMPORT.keys()


PLANTED = [
    ("gatepass.jose.keys", "import gatepass.sessions"),
    ("gatepass.jose.keys", "from gatepass.sessions import Session"),
    ("gatepass.jose.keys", "from gatepass import tokens"),
    ("gatepass.jose.keys", "from .. import sessions"),
    ("gatepass.jose.keys", "from ..sessions.session import Session"),
    ("gatepass.jose.keys", "from gatepass import TokenPolicy"),
    ("gatepass.jose.keys", "def late():\n    import gatepass.http"),
    ("gatepass.sessions.store", "from gatepass.jose import KeySet"),
    ("gatepass.http.bearer", "from gatepass.tokens import AccessClaims"),
    ("gatepass.errors", "from gatepass import http"),
    ("gatepass.tokens.issuer", "from gatepass.manager import TokenManager"),
    ("gatepass.manager", "from gatepass.stores.memory import MemoryStore"),
    ("gatepass.stores.memory", "from gatepass.tokens import AccessClaims"),
    ("gatepass.stores.memory", "import gatepass.revocations.sqlite"),
    ("gatepass.fastapi", "from gatepass.stores.sql import SqlStore"),
    ("gatepass.http.cookies", "from gatepass.gate import Gate"),
    ("gatepass.http.cookies", "import starlette"),
    ("gatepass.gate.gate", "from gatepass.asgi import Auth"),
    ("gatepass.gate.gate", "import fastapi"),
    ("gatepass.asgi.auth", "from gatepass.fastapi import Auth"),
    ("gatepass.asgi.auth", "import starlette"),
    ("gatepass.flask.auth", "from gatepass.django import Auth"),
    ("gatepass.django.auth", "import flask"),
    ("gatepass.settings", "import gatepass.server"),
    ("gatepass.jose.jws", "import asyncio"),
    ("gatepass.sessions.rotation", "from urllib.request import urlopen"),
    ("gatepass.jose.jws", "import jwt"),
    ("gatepass.tokens.claims_verifier", "from cryptography.hazmat.primitives import hmac"),
    ("gatepass.stores.memory", "import fastapi"),
]


def test_a_planted_crossing_is_found() -> None:
    assert [planted for planted in PLANTED if not crossings(planted[1], planted[0])] == []


def test_a_relative_import_of_a_package_counts_from_the_package() -> None:
    assert crossings("from . import keys", "gatepass.jose", is_package=True) == []
    assert crossings("from .. import stores", "gatepass.jose", is_package=True) != []
