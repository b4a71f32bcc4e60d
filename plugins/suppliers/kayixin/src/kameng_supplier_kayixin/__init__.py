"""卡易信 API 3.0: goods and orders over its signed JSON interface."""
