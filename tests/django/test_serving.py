"""A guard that is made while a request is handled raises; one made by an import does not."""

import asyncio
import importlib
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from django.views import View
from ninja import NinjaAPI

from gatepass.errors import GuardMisused
from tests.django.auth import auth
from tests.server.running import environment, free_port
from tests.servers.programs import program_of, until_answered

MAKERS: tuple[Callable[[], Any], ...] = (auth.required, auth.optional, auth.ninja)
BLOCK = "from tests.django.auth import auth\nGUARD = auth.required()\n"


def make(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(MAKERS[int(request.GET["n"])]() is not None))


async def make_later(request: HttpRequest) -> HttpResponse:
    return make(request)


async def make_in_thread(request: HttpRequest) -> HttpResponse:
    return await sync_to_async(make)(request)


async def make_in_task(request: HttpRequest) -> HttpResponse:
    return await asyncio.create_task(make_later(request))


class Making(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return make(request)


def lazy(_: HttpRequest) -> HttpResponse:
    """A view that imports an application when somebody needs it."""
    sys.modules.pop("an_app_with_a_guard", None)
    import an_app_with_a_guard  # type: ignore[import-not-found]  # noqa: PLC0415

    return HttpResponse(str(an_app_with_a_guard.GUARD is not None))


async def lazy_later(request: HttpRequest) -> HttpResponse:
    return lazy(request)


api = NinjaAPI(urls_namespace="making")
api.get("/")(make)
MAKING: list[Any] = [make, make_later, make_in_thread, make_in_task, Making.as_view()]


@pytest.fixture
def urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "an_app_with_a_guard.py").write_text(BLOCK)
    monkeypatch.syspath_prepend(tmp_path)
    module: Any = types.ModuleType("urls_of_serving")
    module.urlpatterns = [path(f"{n}", view) for n, view in enumerate(MAKING)]
    module.urlpatterns += [path("lazy", lazy), path("lazy-later", lazy_later)]
    module.urlpatterns += [path("ninja/", api.urls)]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with override_settings(ROOT_URLCONF=module.__name__):
        yield


def by_wsgi(url: str) -> Any:
    return Client().get(url)


def by_asgi(url: str) -> Any:
    client: Any = AsyncClient()
    return asyncio.run(client.get(url))


pytestmark = pytest.mark.usefixtures("urls")


@pytest.mark.parametrize("get", [by_wsgi, by_asgi])
@pytest.mark.parametrize("view", [*map(str, range(len(MAKING))), "ninja/"])
def test_a_guard_made_by_a_view_raises(view: str, get: Callable[[str], Any]) -> None:
    for number, maker in enumerate(MAKERS):
        told = rf"auth\.{maker.__name__}\(\) makes a guard.*while a request"
        with pytest.raises(GuardMisused, match=told):
            get(f"/{view}?n={number}")


@pytest.mark.parametrize("get", [by_wsgi, by_asgi])
@pytest.mark.parametrize("url", ["/lazy", "/lazy-later"])
def test_a_guard_of_an_application_that_a_view_imports_is_made(
    url: str, get: Callable[[str], Any]
) -> None:
    assert get(url).content == b"True"


@pytest.mark.parametrize("view", range(len(MAKING)))
@pytest.mark.parametrize("run", ["Client().get(URL)", "asyncio.run(AsyncClient().get(URL))"])
def test_a_program_that_serves_while_it_is_imported_may_make_no_guard_in_a_view(
    run: str, view: int, tmp_path: Path
) -> None:
    heading = "import asyncio\nfrom django.test import AsyncClient, Client\n"
    (tmp_path / "a_server.py").write_text(f"{heading}URL = '/{view}?n=0'\n{run}\n")

    with pytest.raises(GuardMisused):
        importlib.import_module("a_server")


def test_between_requests_guards_are_made_in_tests_and_commands_sync_and_async() -> None:
    async def body_of_an_async_test() -> None:
        await AsyncClient().get("/lazy")
        for maker in MAKERS:
            assert maker() is not None
            assert await sync_to_async(maker)() is not None

    Client().get("/lazy")
    for maker in MAKERS:
        assert maker() is not None
    async_to_sync(body_of_an_async_test)()
    asyncio.run(body_of_an_async_test())


PROJECT = {
    "lazy_app.py": "from urls import auth\nguard = auth.required()\n",
    "guards.py": "from gatepass.django.conf import get_auth\nSIGNED_IN = get_auth().required()\n",
    "settings.py": """
from tests.django.settings import *
ROOT_URLCONF, LOGGING_CONFIG = "urls", None
MIDDLEWARE = []
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["gatepass.django.rest.GatepassAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["guards.SIGNED_IN"],
}
""",
    "urls.py": """
from django.http import HttpResponse
from django.urls import path
from rest_framework.views import APIView
from gatepass.django.conf import get_auth

auth = get_auth()

@auth.required()
def guarded(request):
    return HttpResponse("in")

@auth.required()
async def later(request):
    return HttpResponse("in")

def lazy(request):
    import lazy_app
    return lazy_app.guard(lambda request: HttpResponse("in"))(request)

def late(request):
    return auth.required()(guarded)(request)

async def late_later(request):
    return auth.required()(guarded)(request)

class Default(APIView):
    def get(self, request):
        return HttpResponse("in")

views = {"guarded": guarded, "later": later, "lazy": lazy, "default": Default.as_view()}
views |= {"late": late, "late-later": late_later}
urlpatterns = [path(name, view) for name, view in views.items()]
""",
    "wsgi.py": "from django.core.wsgi import get_wsgi_application\napp = get_wsgi_application()\n",
    "asgi.py": "from django.core.asgi import get_asgi_application\napp = get_asgi_application()\n",
}
SERVERS = {
    "gunicorn": ("gunicorn", "--threads=2", "wsgi:app", "--bind=127.0.0.1:{port}"),
    "uvicorn": ("uvicorn", "asgi:app", "--port={port}"),
}


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_imports_its_urls_with_their_guards_during_the_first_request(
    server: str, tmp_path: Path
) -> None:
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text)
    variables = environment({"DJANGO_SETTINGS_MODULE": "settings"})
    variables["PYTHONPATH"] += f":{tmp_path}:{Path(__file__).parents[2]}"
    port = free_port()
    words = [word.format(port=port) for word in SERVERS[server]]
    log = tmp_path / "log"
    command = [sys.executable, "-m", *words]
    with (
        log.open("wb") as opened,
        program_of(command, cwd=tmp_path, env=variables, stdout=opened, stderr=opened) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        until_answered(process, f"{client.base_url}/lazy", log)
        names = ("lazy", "guarded", "later", "default", "late", "late-later")
        statuses = {name: client.get(f"/{name}").status_code for name in names}

    assert statuses == dict.fromkeys(names[:4], 401) | dict.fromkeys(names[4:], 500)
    assert log.read_text().count("gatepass.errors.GuardMisused: auth.required() makes a guard") == 2
