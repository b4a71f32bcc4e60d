"""The bench's arithmetic: medians, ratios of the same round, percentiles, history."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.bench import report, rows
from tests.bench.client import _length
from tests.bench.fixture import Fixture, Key
from tests.bench.profile import PartClock, environ_of
from tests.bench.purchases import pair
from tests.bench.report import Row

ROWS = (Row("fast", "a", "b", 0.5), Row("plain", "b", "a"), Row("once", "import_s", ""))
TAKEN = {"a": [60.0, 10.0, 40.0], "b": [100.0, 50.0, 80.0]}


def figures() -> dict[str, object]:
    latencies = {"a": [0.001 * n for n in range(1, 201)]}
    found = report.figures(ROWS, ("b", "T"), TAKEN, latencies)
    return {"at": "2026-11-27T08:00:00+00:00", **found, "seconds": {"import_s": 2.5}}


def test_a_ratio_is_the_median_of_the_ratios_of_each_round() -> None:
    """0.6, 0.2 and 0.5: a slow spell of the machine hits both of a round, so it cancels out."""
    assert figures()["ratios"] == {
        "fast": {"value": 0.5, "goal": 0.5},
        "plain": {"value": 2.0, "goal": None},
    }


def test_a_limit_is_the_median_of_its_rounds_and_only_what_was_measured() -> None:
    assert figures()["limits"] == {"b": 80.0}


def test_the_spread_shows_the_worst_and_the_best_round() -> None:
    assert figures()["spread"]["fast"] == {"median": 0.5, "min": 0.2, "max": 0.6}  # type: ignore[index]  # a plain dict of JSON
    assert figures()["rates"]["a"] == {"median": 40.0, "min": 10.0, "max": 60.0}  # type: ignore[index]  # likewise


@pytest.mark.parametrize(
    ("seconds", "p50", "p99"),
    [([0.004], 4.0, 4.0), ([0.002, 0.001], 1.0, 2.0), ([0.001 * n for n in range(1, 201)], 100.0, 198.0)],
)  # fmt: skip
def test_percentiles_are_latencies_that_were_seen(
    seconds: list[float], p50: float, p99: float
) -> None:
    assert report.percentiles(seconds) == {"p50": p50, "p99": p99}


def test_a_row_may_be_called_like_its_cell() -> None:
    found = report.figures((Row("a", "a", "b"),), (), TAKEN, {})
    assert (found["ratios"]["a"]["value"], found["rates"]["a"]["median"]) == (0.5, 40.0)


def test_the_table_says_which_goals_are_missed() -> None:
    shown = report.table(report.figures((Row("slow", "b", "a", 3.0), ROWS[0]), (), TAKEN, {}))
    lines = {line.split()[0]: line.split() for line in shown.splitlines() if line}
    assert lines["slow"][-2:] == ["3", "NO"]
    assert lines["fast"][-2:] == ["0.5", "yes"]


def test_a_note_follows_the_heads_of_the_history(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "| day | old |\n|---|---|\n| 2026-01-01 | 1 |\n\n"
        "| day | b | fast | `import_s` | unmeasured |\n|---|---|---|---|---|\n",
        encoding="utf-8",
    )
    report.note(figures(), page)
    assert page.read_text("utf-8").splitlines()[-1] == "| 2026-11-27 | 80 | 0.5 | 2.5 | – |"


def test_rows_bring_along_what_they_are_compared_with() -> None:
    assert rows.cells_of(rows.chosen(["hot_sku"])) == ["api_purchase", "hot_sku"]
    assert rows.cells_of(rows.chosen(["import"])) == []
    assert len(rows.chosen([])) == len(rows.ROWS)


def test_every_station_sells_every_sku_within_a_thousand_purchases() -> None:
    keys = tuple(Key(101 + n // 10, "", n, f"k{n}", "") for n in range(100))
    fixture = Fixture(keys, tuple(f"B{n}" for n in range(100)))
    pairs = [pair(fixture, number) for number in range(1000)]
    assert len({(key.station_id, sku) for key, sku in pairs}) == 1000
    assert all(count == 10 for count in Counter(key for key, _sku in pairs).values())


def test_an_unknown_row_is_named() -> None:
    with pytest.raises(ValueError, match="no such row: tpyo"):
        rows.chosen(["hot_sku", "tpyo"])


def test_the_client_knows_when_an_answer_is_complete() -> None:
    head = b"HTTP/1.1 201 CREATED\r\nServer: x\r\ncontent-length: 5\r\n\r\n"
    assert _length(head[:-2]) == 0
    assert _length(head + b"12345") == len(head) + 5


def test_a_raw_request_becomes_what_a_web_server_hands_over() -> None:
    raw = b"POST /a%20b?x=1 HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 2\r\n\r\n{}"
    environ = environ_of(raw)
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/a b", "x=1")
    assert (environ["HTTP_HOST"], environ["CONTENT_LENGTH"]) == ("shop.localhost", "2")
    assert environ["wsgi.input"].read() == b"{}"


def test_a_part_does_not_count_the_time_of_parts_inside_it() -> None:
    ticks = iter([0, 1_000, 4_000, 10_000])
    clock = PartClock(lambda: next(ticks))
    inner = clock.around("inner", lambda: None)
    clock.around("outer", inner)()
    assert dict(clock.micros) == {"inner": 3.0, "outer": 7.0}
