"""What UnionPay's answer codes say about money."""

PAID = frozenset({"00", "A6"})
"""Done; A6 is done with a defect that is UnionPay's to mend."""

UNDER_WAY = frozenset({"03", "04", "05"})
"""Nobody knows yet: ask again."""

UNSAID = frozenset({"02", "06", "12", "37", "99"})
"""Closed for the moment, busy, sent twice, asked too often: says nothing about the money."""

NOT_FOUND = "34"
NO_FILE = "98"
CNY = "156"
PAYMENT, REFUND, REVERSAL, BILL = "01", "04", "31", "76"
