"""What every account of a tree of three stations ought to hold, in plain Python, scale 4."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MAIN, JIANGNAN, DEER = 1, 2, 3
Account = tuple[int, str]  # station, kind


def cut(leg: int, refunded: int, payable: int) -> int:
    """A leg's share of what is given back, cut off towards zero."""
    share = abs(leg) * refunded // payable
    return share if leg >= 0 else -share


def service_fee(margin: int, fee_bp: int) -> int:
    return (margin * fee_bp + 5000) // 10000 if margin > 0 else 0


@dataclass
class Share:
    """One level's earning of one order."""

    margin: int
    returned: int = 0
    released: bool = False
    fee_bp: int = 0
    fee: int = 0
    gateway_fee: int = 0


@dataclass(eq=False)
class Sold:
    """A delivered order; `legs` are cost, the margin of each party, the rounding."""

    id: int
    no: str
    seller: int
    payable: int
    legs: list[int]
    parties: list[int]
    own: bool
    gateway_fee: int
    member: int | None
    shares: dict[int, Share] = field(default_factory=dict)
    refunded: int = 0
    keys: dict[str, int] = field(default_factory=dict)

    def returned(self, refunded: int) -> list[int]:
        """What each leg has given back when so much has been: the greatest leg takes the rest."""
        biggest = self.legs.index(max(self.legs))
        parts = [cut(leg, refunded, self.payable) for leg in self.legs]
        parts[biggest] = refunded - sum(part for n, part in enumerate(parts) if n != biggest)
        return parts


@dataclass
class Terms:
    fee_bp: int = 0
    pays_gateway_fee: bool = False
    withdraw_fee: int = 0
    two_person_above: int = 100_000_000


@dataclass
class MoneyBooks:
    """Balances by account; the accounts of the main station that have no floor are not told."""

    balance: Counter[Account] = field(default_factory=Counter)
    wallets: Counter[int] = field(default_factory=Counter)
    sales: list[Sold] = field(default_factory=list)
    terms: Terms = field(default_factory=Terms)

    def move(self, source: Account, target: Account, amount: int) -> None:
        self.balance[source] -= amount
        self.balance[target] += amount

    def sell(self, sale: Sold) -> None:
        """Delivered: every level has earned."""
        for party, margin in zip(sale.parties, sale.legs[1:-1], strict=True):
            if party != MAIN and not (sale.own and party == sale.seller):
                sale.shares[party] = Share(margin)
                self.balance[party, "margin_pending"] += margin
        if sale.own:
            self.balance[sale.seller, "prepaid"] -= self.wholesale(sale)
        self.sales.append(sale)

    @staticmethod
    def wholesale(sale: Sold) -> int:
        above = (m for p, m in zip(sale.parties, sale.legs[1:-1], strict=True) if p != sale.seller)
        return sale.legs[0] + sum(above)

    def give_back(self, sale: Sold, amount: int) -> None:
        before, after = sale.returned(sale.refunded), sale.returned(sale.refunded + amount)
        delta = [a - b for a, b in zip(after, before, strict=True)]
        sale.refunded += amount
        for party, part in zip(sale.parties, delta[1:-1], strict=True):
            if party in sale.shares:
                self._return_margin(party, sale.shares[party], part)
        if sale.own:
            own = delta[1 + sale.parties.index(sale.seller)] + delta[-1]
            self.balance[sale.seller, "prepaid"] += amount - own
        if sale.member is not None:
            self.wallets[sale.member] += amount

    def _return_margin(self, party: int, share: Share, part: int) -> None:
        share.returned += part
        if not share.released:
            self.balance[party, "margin_pending"] -= part
            return
        fee = service_fee(share.margin - share.returned, share.fee_bp)
        self.balance[party, "available"] += share.fee - fee - part
        share.fee = fee

    def release(self, party: int) -> int:
        """All that the party still waits for; returns how many shares."""
        due = [(s, s.shares[party]) for s in self.sales if party in s.shares]
        due = [(sale, share) for sale, share in due if not share.released]
        for sale, share in due:
            net = share.margin - share.returned
            share.released, share.fee_bp = True, self.terms.fee_bp
            share.fee = service_fee(net, share.fee_bp)
            if self.terms.pays_gateway_fee and sale.seller == party and not sale.own:
                share.gateway_fee = sale.gateway_fee
            self.balance[party, "margin_pending"] -= net
            self.balance[party, "available"] += net - share.fee - share.gateway_fee
        return len(due)
