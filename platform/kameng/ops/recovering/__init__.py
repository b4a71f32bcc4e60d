"""The time after a restore: begin it, ask everybody outside, end it (ADR 0022)."""
