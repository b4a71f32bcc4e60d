"""Chance in stock: never handed out twice, by no thread and no child."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from kameng import chance


def test_nothing_is_handed_out_twice_by_many_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _n: chance.token_bytes(16), range(20_000)))
    assert len(set(taken)) == len(taken)
    assert {len(one) for one in taken} == {16}


def test_what_was_taken_is_no_longer_in_stock() -> None:
    taken = chance.token_bytes(32)
    assert taken not in bytes(chance._own.stock)


def test_a_child_has_a_stock_of_its_own() -> None:
    """In a process of its own: forking one with threads is no test's business."""
    code = (
        "import os, sys; from kameng import chance; chance.token_bytes(1)\n"
        "reading, writing = os.pipe(); child = os.fork()\n"
        "if child == 0: os.write(writing, chance.token_bytes(32)); os._exit(0)\n"
        "os.waitpid(child, 0); sys.exit(os.read(reading, 32) == chance.token_bytes(32))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, timeout=30, check=False)
    assert done.returncode == 0


def test_texts_have_the_form_of_the_librarys() -> None:
    assert len(chance.token_hex(16)) == 32
    assert int(chance.token_hex(16), 16) >= 0
    assert len(chance.token_urlsafe(18)) == 24
    assert "=" not in chance.token_urlsafe(16)


@pytest.mark.parametrize("limit", [1, 2, 7, 10**12, 10**16])
def test_a_number_is_below_its_limit(limit: int) -> None:
    assert all(0 <= chance.randbelow(limit) < limit for _n in range(2_000))


def test_numbers_are_spread_evenly() -> None:
    counts = Counter(chance.randbelow(8) for _n in range(80_000))
    assert set(counts) == set(range(8))
    assert max(counts.values()) - min(counts.values()) < 1_000  # ten standard deviations


def test_more_than_the_stock_is_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        chance.token_bytes(chance.STOCK + 1)
    assert len(chance.token_bytes(chance.STOCK)) == chance.STOCK
