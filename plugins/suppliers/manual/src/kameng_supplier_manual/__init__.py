"""人工供货: a person completes the purchase in the console."""
