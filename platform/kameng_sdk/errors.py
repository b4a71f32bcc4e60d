"""What a plugin may raise, and what the host makes of it. Everything else counts as UNKNOWN."""

from __future__ import annotations


class PluginError(Exception):
    """Base of all errors of the contract."""


class Declined(PluginError):
    """The other side said no, for certain: nothing was done. Becomes DECLINED.

    ``code`` is a short stable word for the log, ``message`` is text for staff; neither may
    hold a secret.
    """

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message


class Misconfigured(PluginError):
    """The configuration cannot work (missing key, wrong account). Raise before sending only.

    The attempt ends DECLINED and the plugin is shown as misconfigured.
    """


class TemporarilyUnavailable(PluginError):
    """Nothing was sent, so the same call may be repeated after ``retry_after_s`` seconds.

    Raise it before sending only: after sending, any doubt is UNKNOWN.
    """

    def __init__(self, retry_after_s: int = 5, message: str = "") -> None:
        super().__init__(message or f"try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class CapabilityNotSupported(PluginError):
    """The plugin does not declare this capability. Raised at once, without any I/O."""

    def __init__(self, capability: str) -> None:
        super().__init__(f"not supported: {capability}")
        self.capability = capability


class WebhookRefused(PluginError):
    """A notice that is not to be believed: signature, account, freshness, form.

    The host logs ``reason``, answers HTTP 400 with a plain text and changes nothing.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class HttpNeverSent(TemporarilyUnavailable):
    """The connection could not be made: the request never left. Safe to repeat."""


class HttpOutcomeUnknown(PluginError):
    """The request was (perhaps partly) sent and no usable answer came: time-out, cut, too long.

    Let it pass or answer UNKNOWN; never translate it into a refusal.
    """


class HttpAddressRefused(Misconfigured):
    """The guarded client does not go there (private address, scheme, port). Nothing was sent."""
