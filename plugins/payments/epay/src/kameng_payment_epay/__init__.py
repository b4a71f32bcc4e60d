"""易支付 (epay) for Kameng: version 1 (MD5) and version 2 (RSA)."""
