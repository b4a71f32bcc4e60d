"""余额支付: the shopper pays from the wallet."""
