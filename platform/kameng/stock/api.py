"""The stock, for other contexts and for the faces."""

from kameng.catalog.api import forget_levels, stock_levels
from kameng.stock.domain.vault import CardText, VaultError
from kameng.stock.services.alerts import (
    AlertView,
    check_stock_alerts,
    close_alert,
    notify_alerts,
    open_alerts,
    raise_alert,
)
from kameng.stock.services.batches import (
    BatchError,
    BatchView,
    batch,
    batches,
    pool_counts,
    void_batch,
)
from kameng.stock.services.importing import import_cards, run_import, start_import
from kameng.stock.services.keyring import rewrap_keys, rotate_keys
from kameng.stock.services.revealing import (
    CardPlain,
    CardView,
    cards_of_order,
    count_delivered,
    open_sold,
    reveal_all,
    reveal_card,
)
from kameng.stock.services.sealing import CardSealer, is_card
from kameng.stock.services.upkeep import expire_cards, reencrypt

__all__ = [
    "AlertView", "BatchError", "BatchView", "CardPlain", "CardSealer", "CardText", "CardView",
    "VaultError", "batch", "batches", "cards_of_order", "check_stock_alerts", "close_alert",
    "count_delivered", "expire_cards", "forget_levels", "import_cards", "is_card", "notify_alerts",
    "open_alerts", "open_sold", "pool_counts", "raise_alert", "reencrypt", "reveal_all",
    "reveal_card", "rewrap_keys", "rotate_keys", "run_import", "start_import", "stock_levels",
    "void_batch",
]  # fmt: skip
