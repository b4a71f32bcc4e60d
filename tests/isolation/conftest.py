"""Hands of the other suites: the small shop of SQL, and the market of pages."""

from tests.functional.conftest import market, quarter  # noqa: F401  # fixtures
from tests.integration.conftest import shop  # noqa: F401  # a fixture
