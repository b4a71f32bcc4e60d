"""A second, tiny shop in plain Python: what every order, card and wallet ought to be."""

from __future__ import annotations

from dataclasses import dataclass, field

LATE = ("expired", "cancelled")


@dataclass(eq=False)
class Sale:
    """An order. `collected` and `returned` are sums of all payments and all refunds, scale 4."""

    id: int
    no: str
    sku: str
    kind: str
    quantity: int
    payable: int
    member: int | None
    review: bool
    request: dict[str, object]
    state: str = "pending_payment"
    overdue: bool = False
    held: int = 0
    sold: int = 0
    collected: int = 0
    returned: int = 0
    by_wallet: bool = False
    given_up: bool = False  # by a person; its money is not on the way yet

    @property
    def paid(self) -> bool:
        return self.collected > 0


@dataclass(eq=False)
class Attempt:
    """A payment attempt; `taken` are the references of payments the shop knows of."""

    number: str
    amount: int
    sale: Sale | None
    member: int | None = None
    taken: list[str] = field(default_factory=list)


@dataclass
class Books:
    """Unsold cards by SKU, wallets by member, orders and attempts."""

    unsold: dict[str, int] = field(default_factory=dict)
    imported: dict[str, int] = field(default_factory=dict)
    wallets: dict[int, int] = field(default_factory=dict)
    sales: list[Sale] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)

    def place(self, sku: str, kind: str, quantity: int, member: int | None) -> str:
        """Whether such an order is taken: ok, out_of_stock or hold_limit."""
        if kind != "card":
            return "ok"
        free = self.unsold[sku]
        own = [s for s in self.sales if member is not None and (s.sku, s.member) == (sku, member)]
        held = sum(s.quantity for s in own if s.state == "pending_payment")
        if held + quantity > 5:
            if free < quantity:
                return "out_of_stock"
            if held + quantity > min(20, max(5, (free + held) * 50 // 100)):
                return "hold_limit"
        return "ok" if free >= quantity else "out_of_stock"

    def placed(self, sale: Sale) -> None:
        if sale.kind == "card":
            self.unsold[sale.sku] -= sale.quantity
            sale.held = sale.quantity
        self.sales.append(sale)

    def attempt(self, number: str, sale: Sale) -> Attempt:
        """The attempt with this number: a second click finds the open one."""
        for known in self.attempts:
            if known.number == number:
                return known
        self.attempts.append(Attempt(number, sale.payable, sale))
        return self.attempts[-1]

    def arrive(self, attempt: Attempt, ref: str) -> str:
        """Money has come in at the gateway; the code with which the shop must answer."""
        if ref in attempt.taken:
            return "repeat"
        attempt.taken.append(ref)
        sale = attempt.sale
        if sale is None:
            if len(attempt.taken) > 1:
                return "refund_surplus"
            assert attempt.member is not None
            self.wallets[attempt.member] += attempt.amount
            return "topped_up"
        sale.collected += attempt.amount
        if len(attempt.taken) > 1 or sale.state not in ("pending_payment", *LATE):
            sale.returned += attempt.amount
            return "refund_surplus"
        return self._fulfil(sale)

    def pay_by_wallet(self, sale: Sale) -> str:
        assert sale.member is not None
        if sale.paid:
            return "repeat"
        if sale.state != "pending_payment" or sale.overdue:
            return "not_payable"
        if self.wallets[sale.member] < sale.payable:
            return "insufficient_funds"
        self.wallets[sale.member] -= sale.payable
        sale.by_wallet, sale.collected = True, sale.payable
        return self._fulfil(sale)

    def _fulfil(self, sale: Sale) -> str:
        late = sale.state in LATE
        if sale.review:
            sale.state = "held"
            return "held"
        if sale.kind != "card":
            sale.state = "paid"
            return "awaiting_fulfilment"
        if self.deliver(sale):
            return "ok"
        self.give_back(sale)
        return "refund_late" if late else "refund_no_stock"

    def deliver(self, sale: Sale) -> bool:
        """Sell what the order holds and take what is missing from the pool; False: not enough."""
        missing = sale.quantity - sale.held
        if self.unsold[sale.sku] < missing:
            return False
        self.unsold[sale.sku] -= missing
        sale.held, sale.sold, sale.state = 0, sale.quantity, "delivered"
        return True

    def give_back(self, sale: Sale) -> None:
        """Held cards to the pool, the price to the shopper: a wallet has it at once."""
        self.release(sale)
        if sale.by_wallet:
            assert sale.member is not None
            self.wallets[sale.member] += sale.payable
        sale.returned += sale.payable
        sale.state = "refunding"

    def release(self, sale: Sale) -> None:
        if sale.kind == "card":
            self.unsold[sale.sku] += sale.held
        sale.held = 0
