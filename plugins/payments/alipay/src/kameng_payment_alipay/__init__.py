"""支付宝 (Alipay OpenAPI) for Kameng: pages, codes, refunds, bills and payouts, RSA2 only."""
