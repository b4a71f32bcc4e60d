"""What all console views stand on: guards, lists, forms, sheets."""
