"""The bench's arithmetic: medians, ratios of the same round, percentiles, history."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.bench import cells, chart, report, rows
from tests.bench.cells.bench import Bench
from tests.bench.client import _length
from tests.bench.fixture import Fixture, Key
from tests.bench.pgbench import PgBench
from tests.bench.profile import PartClock, environ_of
from tests.bench.purchases import half, pair
from tests.bench.report import Row

ROWS = (
    Row("fast", "a", "b", 0.5),
    Row("plain", "b", "a"),
    Row("once", "import_s", better="lower", unit="s"),
    Row("late", "p50", goal=20.0, better="lower", unit="ms"),
)
TAKEN = {"a": [60.0, 10.0, 40.0], "b": [100.0, 50.0, 80.0]}


def figures() -> dict[str, object]:
    latencies = {"a": [0.001 * n for n in range(1, 201)]}
    once = {"import_s": 2.5, "p50": 25.0, "unasked": 1.0}
    found = report.figures(ROWS, ("b", "T"), TAKEN, latencies, once)
    return {"at": "2026-11-27T08:00:00+00:00", **found}


def test_a_ratio_is_the_median_of_the_ratios_of_each_round() -> None:
    """0.6, 0.2 and 0.5: a slow spell of the machine hits both of a round, so it cancels out."""
    assert figures()["ratios"] == {
        "fast": {"value": 0.5, "goal": 0.5, "better": "higher", "unit": "ratio"},
        "plain": {"value": 2.0, "goal": None, "better": "higher", "unit": "ratio"},
        "once": {"value": 2.5, "goal": None, "better": "lower", "unit": "s"},
        "late": {"value": 25.0, "goal": 20.0, "better": "lower", "unit": "ms"},
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
    missed = (Row("slow", "b", "a", 3.0), *ROWS)
    shown = report.table(report.figures(missed, (), TAKEN, {}, {"p50": 25.0}))
    lines = {line.split()[0]: line.split() for line in shown.splitlines() if line}
    assert lines["slow"][-2:] == ["3", "NO"]
    assert lines["fast"][-2:] == ["0.5", "yes"]
    assert lines["late"] == ["late", "25", "20", "NO", "ms"]


@pytest.mark.parametrize(
    ("better", "value", "share"),
    [("higher", 0.1, 0.5), ("higher", 0.4, 2.0), ("lower", 0.1, 2.0), ("lower", 0.4, 0.5)],
)
def test_a_goal_is_reached_from_the_right_side(better: str, value: float, share: float) -> None:
    assert report.goal_share({"value": value, "goal": 0.2, "better": better}) == share
    assert report.goal_share({"value": value, "goal": None, "better": better}) is None


def test_a_run_is_compared_with_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "below" / "latest.json"
    assert report.last(path) == {}
    assert report.changes(figures(), report.last(path)) == ""
    earlier = figures()
    earlier["ratios"] = {"fast": {"value": 0.4}, "gone": {"value": 1.0}}
    report.keep(earlier, path)
    head, line = report.changes(figures(), report.last(path)).splitlines()
    assert head.split() == ["before", "now", "change", "since"]
    assert line.split() == ["fast", "0.4", "0.5", "+25", "%", "2026-11-27T08:00"]


def run_of(at: str, row: Row, once: float) -> dict[str, Any]:
    return {"at": at, **report.figures((row,), ("b",), TAKEN, {}, {"p50": once}), "rounds": 3}


def test_a_run_of_a_few_rows_keeps_the_others_with_their_own_date() -> None:
    fast, late = ROWS[0], ROWS[3]
    first = report.merged(run_of("monday", late, 25.0), {}, ["fast", "late"])
    second = report.merged(run_of("tuesday", fast, 0), first, ["fast", "late"])
    third = report.merged(run_of("friday", late, 9.0), second, ["fast", "late"])
    ages = {name: (row["value"], row["at"]) for name, row in second["ratios"].items()}
    assert ages == {"fast": (0.5, "tuesday"), "late": (25.0, "monday")}
    ages = {name: (row["value"], row["at"]) for name, row in third["ratios"].items()}
    assert ages == {"fast": (0.5, "tuesday"), "late": (9.0, "friday")}
    assert third["at"] == "friday"
    assert third["spread"]["fast"]["median"] == 0.5


def test_a_file_from_before_rows_had_dates_gives_them_its_own() -> None:
    old = run_of("monday", ROWS[3], 25.0)
    found = report.merged(run_of("tuesday", ROWS[0], 0), old, ["fast", "late"])
    assert found["ratios"]["late"]["at"] == "monday"


def test_a_row_that_was_abolished_is_not_kept() -> None:
    old = run_of("monday", ROWS[3], 25.0)
    assert list(report.merged(run_of("tuesday", ROWS[0], 0), old, ["fast"])["ratios"]) == ["fast"]


def test_the_picture_has_a_bar_for_each_goal_and_none_beyond_it(tmp_path: Path) -> None:
    far = Row("far <b>", "b", "a", 0.01)
    found = report.figures((far, *ROWS), (), TAKEN, {}, {"p50": 25.0})
    picture = tmp_path / "images" / "bench.svg"
    chart.draw(found, picture)
    drawn = ElementTree.fromstring(picture.read_text("utf-8"))
    bars = drawn.findall("{http://www.w3.org/2000/svg}rect")
    assert [(bar.get("class"), bar.get("width")) for bar in bars] == [
        ("reached", str(float(chart.UNIT * chart.MOST))),
        ("reached", str(float(chart.UNIT))),
        ("missed", str(chart.UNIT * 0.8)),
    ]
    texts = [text.text for text in drawn.findall("{http://www.w3.org/2000/svg}text")]
    assert "far <b>" in texts
    assert "25 ms (≤ 20)" in texts


def test_a_note_follows_the_heads_of_the_history(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "| day | old |\n|---|---|\n| 2026-01-01 | 1 |\n\n"
        "| day | b | fast | `import_s` | unmeasured |\n|---|---|---|---|---|\n",
        encoding="utf-8",
    )
    report.note(figures(), page)
    assert page.read_text("utf-8").splitlines()[-1] == "| 2026-11-27 | 80 | 0.5 | 2.5 | – |"


def test_the_picture_is_shown_above_the_history_once(tmp_path: Path) -> None:
    page, picture = tmp_path / "page.md", tmp_path / "images" / "bench.svg"
    page.write_text("# P\n\n## History\n\n| day |\n", encoding="utf-8")
    for _again in range(2):
        chart.show_in(page, picture)
    shown = page.read_text("utf-8")
    assert shown.count("](images/bench.svg)") == 1
    assert shown.index("## History") < shown.index("](images") < shown.index("| day |")


def test_every_row_is_documented_with_its_goal() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "performance.md").read_text("utf-8")
    assert chart.HISTORY in page
    part = page.partition("## Rows")[2].partition("## Profile")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    for row in rows.ROWS:
        (line,) = [one for one in lines if f"`{row.name}`" in one.split("|")[1]]
        assert row.goal is None or f"{row.goal:g}" in line.rsplit("|", 2)[1], row.name


def test_rows_bring_along_what_they_are_compared_with() -> None:
    assert rows.cells_of(rows.chosen(["hot_sku"])) == ["api_purchase", "hot_sku"]
    assert rows.cells_of(rows.chosen(["import"])) == []
    assert rows.figures_of(rows.chosen(["import", "hot_sku"])) == ["import_100k_cards"]


def test_a_group_names_all_its_rows_and_some_are_measured_only_by_name() -> None:
    named = [row.name for row in rows.chosen(["workers"])]
    assert named == ["workers_sync", "workers_gthread"]
    everything, quick = rows.chosen([]), rows.chosen([], quick=True)
    assert {row.name for row in rows.ROWS} - {row.name for row in everything} == set(named)
    assert {row.group for row in everything} - {row.group for row in quick} == {"growth"}
    assert {row.name for row in rows.chosen(["growth"], quick=True)} == {
        row.name for row in rows.ROWS if row.group == "growth"
    }


def test_every_cell_has_somebody_who_measures_it() -> None:
    nothing: Any = None
    bench = Bench(nothing, nothing, nothing, PgBench(nothing), 1.0)
    known = {name for stand in cells.STANDS for name in stand(bench).measures()}
    assert known == set(rows.cells_of(rows.ROWS))


def test_cards_are_made_for_the_cells_that_use_them_up() -> None:
    few = cells.wanted(["T"], 1, 1)
    more = cells.wanted(["T", "pay_to_card", "hot_sku"], 1, 1)
    assert few.hot == 100  # somebody may always look at it
    assert more.hot > few.hot
    assert more.spread > few.spread


@pytest.mark.parametrize("stations", [10, 1000])
def test_the_mix_of_growing_sites_is_the_same_half_at_the_main_station(stations: int) -> None:
    main = [Key(1, "", n, f"m{n}", "") for n in range(50)]
    below = [Key(101 + n, "", n, f"b{n}", "") for n in range(stations)]
    fixture = Fixture((*main, *below), tuple(f"B{n}" for n in range(100)))
    pairs = [half(fixture, number) for number in range(4 * stations)]
    counted = Counter(key.station_id for key, _sku in pairs)
    assert counted.pop(1) == 2 * stations
    assert set(counted.values()) == {2}


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
