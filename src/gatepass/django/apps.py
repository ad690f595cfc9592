"""The Django app: connects the signals and registers the checks."""

from django.apps import AppConfig, apps
from django.core import checks
from django.db.models.signals import post_delete, post_save, pre_save


class GatepassConfig(AppConfig):
    """Sign-in tokens as an app of its own label."""

    name = "gatepass.django"
    label = "gatepass"
    verbose_name = "gatepass"

    def ready(self) -> None:
        """See `gatepass.django.signals` and `gatepass.django.checks`."""
        from gatepass.django.checks import check_settings  # noqa: PLC0415 - after all apps
        from gatepass.django.signals import (  # noqa: PLC0415 - after all apps
            end_sessions,
            end_sessions_of_nobody,
            find_reason,
        )

        # No sender: a user saved through a proxy model is a user too.
        pre_save.connect(find_reason, dispatch_uid="gatepass.find_reason")
        post_save.connect(end_sessions, dispatch_uid="gatepass.end_sessions")
        post_delete.connect(end_sessions_of_nobody, dispatch_uid="gatepass.post_delete")
        if apps.is_installed("drf_spectacular"):
            import gatepass.django.spectacular  # noqa: F401, PLC0415 - registers itself
        checks.register(check_settings, checks.Tags.security)
