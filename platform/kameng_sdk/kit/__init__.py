"""The kit for plugin authors: make a plugin, and prove that it keeps the contract."""
