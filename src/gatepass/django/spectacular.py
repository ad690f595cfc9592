"""drf-spectacular: how its documents describe `GatepassAuthentication`."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class GatepassScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A bearer token; drf-spectacular finds this class by itself."""

    target_class = "gatepass.django.rest.GatepassAuthentication"
    match_subclasses = True
    name = "gatepass"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """OpenAPI's security scheme."""
        del auto_schema
        return {"type": "http", "scheme": "bearer"}
