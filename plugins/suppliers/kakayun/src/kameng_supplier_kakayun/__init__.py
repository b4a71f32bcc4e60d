"""卡卡云 v3: card codes and top-ups from a supplier that runs this system."""
