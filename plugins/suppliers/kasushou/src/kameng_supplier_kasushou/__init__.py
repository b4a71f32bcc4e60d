"""卡速售 2.0: goods and orders over its signed JSON interface."""
