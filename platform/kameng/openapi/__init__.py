"""The open API: what other programs may ask and buy, natively and in the market's dialects."""
