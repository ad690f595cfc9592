"""Issuers of well-known products: where their keys are, and the form of their access tokens."""

from gatepass.issuers.forms import auth0, cognito, entra, keycloak
from gatepass.tokens import TrustedIssuer

__all__ = ["TrustedIssuer", "auth0", "cognito", "entra", "keycloak"]
