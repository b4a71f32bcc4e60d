"""The simulated supplier's warehouse: it sells once, its books agree, and it lies as told."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kameng_sdk.money import Money
from kameng_sdk.simulation.sales import Order, Refusal, Refused, State
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.simulation.warehouse import FIRST_BALANCE, AnswerLies, Warehouse, open_store
from kameng_sdk.suppliers import OfferField, OfferKind

COST = Money(95_5000)
GOODS = (
    Goods(ref="1", name="点卡", category="游戏 / 点卡", cost=COST, stock=5, maximum=4),
    Goods(
        ref="2", name="话费", category="话费", cost=COST, kind=OfferKind.TOP_UP,
        fields=(OfferField(name="mobile"),),
    ),
)  # fmt: skip
PHONE = {"mobile": "13800000000"}


@pytest.fixture
def house(tmp_path: Path) -> Warehouse:
    house = Warehouse(open_store(tmp_path), GOODS)
    house.store.change_setting("top_up_ms", "0")
    return house


def cards(house: Warehouse, number: str = "N1", quantity: int = 1, **more: Any) -> Order:
    return house.place(number=number, ref="1", quantity=quantity, inputs={}, **more)


def top_up(house: Warehouse, mobile: str, number: str = "N1", **more: Any) -> Order:
    return house.place(number=number, ref="2", quantity=1, inputs={"mobile": mobile}, **more)


def refusal(what: Callable[[], object]) -> Refusal:
    with pytest.raises(Refused) as no:
        what()
    return no.value.why


def lie(house: Warehouse, **percentages: int) -> None:
    for name, share in percentages.items():
        house.store.change_setting(f"lie_{name}", str(share))


def test_a_sale_takes_money_and_stock_and_makes_new_cards(house: Warehouse) -> None:
    order = cards(house, quantity=3)
    assert (order.state, order.cost, len({c.code for c in order.cards})) == (
        State.DONE, COST * 3, 3,
    )  # fmt: skip
    assert house.balance() == FIRST_BALANCE - COST * 3
    article = house.shelf.find("1")
    assert article is not None
    assert article.stock == 2


def test_the_same_number_is_sold_once_and_the_first_is_shown(house: Warehouse) -> None:
    first = cards(house)
    with pytest.raises(Refused) as no:
        cards(house)
    assert (no.value.why, no.value.first) == (Refusal.DUPLICATE, first)
    assert house.facts()["sold"] == 1


def test_one_number_from_many_threads_is_sold_once(house: Warehouse) -> None:
    def buy(_: int) -> bool:
        try:
            return bool(cards(house))
        except Refused:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(buy, range(16))) == 1
    assert house.facts()["placed"] == 1


def test_without_a_number_or_without_idempotency_each_request_buys(tmp_path: Path) -> None:
    house = Warehouse(open_store(tmp_path), GOODS, idempotent=False)
    assert cards(house).ref != cards(house).ref
    assert house.facts()["by_number"] == [{"number": "N1", "count": 2}]
    cards(house, number="")
    cards(house, number="")
    assert house.facts()["placed"] == 4


def test_each_refusal_does_nothing(house: Warehouse) -> None:
    inputs: dict[str, str] = {}
    assert refusal(lambda: cards(house, quantity=0)) is Refusal.BAD_INPUT
    assert refusal(lambda: cards(house, quantity=5)) is Refusal.BAD_INPUT
    assert refusal(lambda: cards(house, cap=COST - Money(1))) is Refusal.ABOVE_CAP
    assert (
        refusal(lambda: house.place(number="", ref="9", quantity=1, inputs=inputs))
        is Refusal.NO_GOODS
    )
    assert (
        refusal(lambda: house.place(number="", ref="2", quantity=1, inputs=inputs))
        is Refusal.BAD_INPUT
    )
    house.shelf.change("1", {"stock": "0"})
    assert refusal(lambda: cards(house)) is Refusal.OUT_OF_STOCK
    house.shelf.change("1", {"on_sale": "off", "stock": "endless"})
    assert refusal(lambda: cards(house)) is Refusal.OFF_SHELF
    house.shelf.change("1", {"on_sale": "on"})
    house.change_balance(COST - Money(1))
    assert refusal(lambda: cards(house)) is Refusal.NO_BALANCE
    assert house.facts()["placed"] == 0


def test_a_top_up_goes_its_way_by_the_time(house: Warehouse) -> None:
    house.store.change_setting("top_up_ms", "300")
    order = top_up(house, "13800000000")
    seen = [order.state]
    while not seen[-1].final:
        found = house.find(number="N1")
        assert found is not None
        seen += [found.state] if found.state is not seen[-1] else []
        time.sleep(0.01)
    assert seen == [State.WAITING, State.PROCESSING, State.DONE]


def test_an_open_order_can_be_taken_back_and_a_done_one_not(house: Warehouse) -> None:
    order = top_up(house, "13800000093")
    assert house.cancel(number="N1").state is State.CANCELLED
    assert house.balance() == FIRST_BALANCE
    assert refusal(lambda: house.cancel(ref=order.ref)) is Refusal.TOO_LATE
    assert refusal(lambda: house.cancel(number="N9")) is Refusal.NO_ORDER
    done = cards(house, "N2")
    assert refusal(lambda: house.cancel(ref=done.ref)) is Refusal.TOO_LATE


def test_after_sales_money_comes_back_in_part_and_never_more_than_was_taken(
    house: Warehouse,
) -> None:
    order = cards(house)
    house.refund(order.ref, Money(10_0000))
    assert house.order(order.ref).refunded == Money(10_0000)
    assert refusal(lambda: house.refund(order.ref, COST)) is Refusal.TOO_LATE
    assert house.balance() == FIRST_BALANCE - COST + Money(10_0000)


@pytest.mark.parametrize(
    ("ending", "state", "back"),
    [
        ("00", State.DONE, Money(0)),
        ("90", State.DONE, Money(COST.amount // 2)),
        ("91", State.FAILED, COST),
        ("93", State.WAITING, Money(0)),
        ("94", State.WAITING, Money(0)),
        ("99", State.FAILED, Money(0)),
    ],
)
def test_the_accounts_ending_chooses_what_happens(
    house: Warehouse, ending: str, state: State, back: Money
) -> None:
    order = top_up(house, f"138000000{ending}")
    assert (order.state, order.refunded) == (state, back)
    assert house.balance() == FIRST_BALANCE - COST + back


def test_the_accounts_ending_chooses_how_it_is_answered(house: Warehouse) -> None:
    assert refusal(lambda: top_up(house, "13800000092")) is Refusal.BAD_INPUT
    for ending, answer, placed in (
        ("95", "html", 1),
        ("96", "late_success", 1),
        ("98", "silent", 0),
    ):
        with pytest.raises(AnswerLies) as lies:
            top_up(house, f"138000000{ending}", number=ending)
        assert (lies.value.lie, len(house.orders(ending))) == (answer, placed)
    top_up(house, "13800000097", number="97")
    assert [house.find(number="97") is None for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("name", "count", "back"),
    [("fewer", 2, 0), ("partial", 2, 1), ("more", 4, 0), ("late_failure", 0, 3)],
)
def test_a_lie_about_the_sale_is_told_and_counted(
    house: Warehouse, name: str, count: int, back: int
) -> None:
    lie(house, **{name: 100})
    order = cards(house, quantity=3)
    if name == "late_failure":
        assert not order.state.final
        house.decide(order.ref, "failed")
    order = house.order(order.ref)
    assert (len(order.cards), order.refunded) == (count, COST * back)
    assert house.facts()["lies"] == {name: 1}


def test_a_card_can_be_sold_twice_and_a_cap_can_be_passed(house: Warehouse) -> None:
    first = cards(house)
    lie(house, duplicate_card=100)
    assert cards(house, "N2").cards[0] == first.cards[0]
    assert house.facts()["codes_twice"] == 1
    lie(house, duplicate_card=0, above_cap=100)
    assert cards(house, "N3", cap=COST).cost > COST


def test_the_same_seed_tells_the_same_lies_also_after_a_restart(tmp_path: Path) -> None:
    def drawn(folder: Path, restart: bool) -> list[str]:
        house = Warehouse(open_store(folder), GOODS)
        lie(house, html=20, silent=20, truncated=20)
        found = []
        for at in range(20):
            if restart and at == 10:
                house = Warehouse(open_store(folder), GOODS)
            found.append(house.lies.about_answer(buys=True))
        return found

    assert drawn(tmp_path / "a", False) == drawn(tmp_path / "b", True)
    assert len(set(drawn(tmp_path / "c", False))) > 2


def test_a_restart_keeps_orders_and_money(house: Warehouse, tmp_path: Path) -> None:
    order = cards(house)
    again = Warehouse(open_store(tmp_path), GOODS)
    assert (again.find(number="N1"), again.balance()) == (order, house.balance())


WISHES = st.tuples(
    st.sampled_from(["A", "B", "C", ""]), st.sampled_from("12"), st.integers(1, 4),
    st.sampled_from(["00", "90", "91", "92", "93", "99"]),
)  # fmt: skip


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(wishes=st.lists(WISHES, max_size=6), cancelled=st.sets(st.sampled_from("ABC")))
def test_the_books_always_agree(
    tmp_path_factory: pytest.TempPathFactory,
    wishes: list[tuple[str, str, int, str]],
    cancelled: set[str],
) -> None:
    house = Warehouse(open_store(tmp_path_factory.mktemp("house")), GOODS)
    house.store.change_setting("top_up_ms", "0")
    for number, ref, quantity, ending in wishes:
        inputs = {"mobile": f"138000000{ending}"} if ref == "2" else {}
        try:
            house.place(number=number, ref=ref, quantity=quantity, inputs=inputs)
        except Refused:
            continue
    for number in cancelled:
        try:
            house.cancel(number=number)
        except Refused:
            continue
    facts = house.facts()
    taken, back = Money.parse(facts["taken"]), Money.parse(facts["refunded"])
    assert house.balance() == FIRST_BALANCE - taken + back
    assert facts["by_number"] == []
    article = house.shelf.find("1")
    sold = sum(len(order.cards) for order in house.orders())
    assert article is not None
    assert article.stock == 5 - sold
