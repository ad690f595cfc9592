"""What an application plugs into `Auth`; see `gatepass.gate`."""

from gatepass.gate import Authenticate, LoginLimit

__all__ = ["Authenticate", "LoginLimit"]
