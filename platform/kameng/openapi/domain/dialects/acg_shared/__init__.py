"""The shared store of acg-faka, version 3."""
