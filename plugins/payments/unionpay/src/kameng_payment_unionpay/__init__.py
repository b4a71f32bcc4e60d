"""银联 for Kameng: the online gateway of UnionPay, protocol version 5.1.0."""
