"""Answers with tokens in cookies, and the reason why a refresh cookie did not come (pure)."""

from gatepass.http import Answer, Cookies, HttpRequest, answer_json
from gatepass.tokens import TokenPair


def answer_in_cookies(
    cookies: Cookies, pair: TokenPair, csrf: str, *, marks: str, mounted_at: str, root_path: str
) -> Answer:
    """The answer that sets the cookies of a token pair; its body has no token but the CSRF one.

    `marks` are those of the device, if a login has marked it.

    Raises:
        ClaimsRejected: A cookie would be too large for browsers.
    """
    headers = cookies.set(
        pair.access_token,
        pair.refresh_token,
        csrf,
        seconds=pair.refresh_expires_in,
        mounted_at=mounted_at,
        root_path=root_path,
    )
    shown = {
        "expires_in": pair.expires_in,
        "refresh_expires_in": pair.refresh_expires_in,
        "session_id": pair.session_id,
        "csrf_token": csrf,
    }
    return answer_json(shown).plus(headers + (cookies.set_device(marks) if marks else ()))


def explain_missing(
    cookies: Cookies | None, request: HttpRequest, *, mounted_at: str
) -> str | None:
    """Why a browser that is logged in sent no refresh cookie; `None` for all others."""
    if cookies is None or not any(cookies.access in one for one in request.header("cookie")):
        return None
    path = cookies.refresh_path(mounted_at, request.root_path)
    return (
        "the access cookie came without the refresh cookie, which browsers send below its Path "
        f"{path} only: if they see the auth routes elsewhere, set mount_prefix "
        "(GATEPASS_MOUNT_PREFIX)"
    )
