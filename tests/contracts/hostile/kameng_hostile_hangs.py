"""Never comes back from its import (long enough for a test)."""

import time

time.sleep(8)
