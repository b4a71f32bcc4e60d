"""The open API: what other programs may ask, buy and be told; natively and in the market's dialects."""
