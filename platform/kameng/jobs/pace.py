"""How long the relay waits before it looks into the outbox again."""

from __future__ import annotations

LOOK_S, REST_S = 0.008, 0.5
BACK_OFF_MAX_S = 3.0
AWAKE_LOOKS = 250  # two seconds: where one order came, the next is near
SLOWER = 1.5
SHARE = 10  # what looking takes, the pause takes ten times


class Pace:
    """Quick while there is work, slower and slower while there is none.

    Nobody wakes the relay: NOTIFY would stand in a line that all commits of a purchase share, and
    a wake-up that gets lost needs the looking all the same.
    """

    def __init__(self) -> None:
        self.pause_s = LOOK_S
        self._vain = 0

    def looked(self, found: int, took_s: float) -> None:
        """After a look that found so many messages and took so long.

        A long transaction elsewhere keeps messages that are long sent in the way of each look; the
        pause grows with them, so that looking never fills more than a tenth of a core.
        """
        self._vain = 0 if found else self._vain + 1
        if self._vain <= AWAKE_LOOKS:
            self.pause_s = LOOK_S
        else:
            self.pause_s = min(self.pause_s * SLOWER, REST_S)
        self.pause_s = min(max(self.pause_s, 0 if found else took_s * SHARE), REST_S)

    def failed(self) -> None:
        """After an error: the database or Redis is away, and others ask it as well."""
        self.pause_s = min(max(self.pause_s, REST_S) * 2, BACK_OFF_MAX_S)
