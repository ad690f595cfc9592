"""Errors of the server beside those of tokens and sessions."""

from gatepass.errors import GatepassError


class AccountRejected(GatepassError):
    """An account cannot be made, found or changed."""

    code = "account_rejected"
    message = "the account is rejected"
