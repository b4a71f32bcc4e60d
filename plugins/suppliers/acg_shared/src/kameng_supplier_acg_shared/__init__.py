"""异次元 (acg-faka): purchases from shared stores and from the V4 open API."""
