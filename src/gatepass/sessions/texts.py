"""The texts that every store can hold. Pure."""

from gatepass.errors import ClaimsRejected


def is_encodable(text: str) -> bool:
    """Whether the text has a UTF-8 form; half of a surrogate pair has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def require_encodable(*texts: str | None) -> None:
    """Reject ids, subjects and reasons that have no UTF-8 form; `None` passes.

    Raises:
        ClaimsRejected: A text has no UTF-8 form; the message does not quote it.
    """
    for text in texts:
        if text is not None and not str.isascii(text) and not is_encodable(text):
            raise ClaimsRejected("half of a surrogate pair is no part of an id, subject or reason")
