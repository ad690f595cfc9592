"""What the server rejects beside tokens and sessions."""

from gatepass.errors import GatepassError


class AccountRejected(GatepassError):
    """An account that cannot be made, found or changed as asked."""

    code = "account_rejected"
    message = "the account is refused"
