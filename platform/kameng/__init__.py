"""Kameng: the core of a main station (卡盟主站) for virtual goods."""

__version__ = "0.1.0"
