"""`manage.py gatepass_upgrade`: bring the database of sessions to this version's tables."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gatepass.django.conf import get_auth
from gatepass.errors import GatepassError


class Command(BaseCommand):
    """Makes or upgrades gatepass's tables; Django's own migrations leave them alone."""

    help = "Make or upgrade the tables of gatepass, which are not Django's to migrate."
    requires_system_checks = ()

    def handle(self, *_: Any, **__: Any) -> None:
        """Upgrade the store of the project's `Auth`."""
        try:
            auth = get_auth()
            store = getattr(auth.manager, "store", None)
            upgrade, engine = getattr(store, "upgrade", None), getattr(store, "engine", None)
            if upgrade is None:
                self.stdout.write("this Auth has no tables")
                return
            if engine is not None:
                from gatepass.stores.sql.guarded import require_guarded  # noqa: PLC0415 - an extra

                require_guarded(engine.url, self.stderr.write)
            auth.wait_for(upgrade())
        except GatepassError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("the tables of gatepass are up to date")
