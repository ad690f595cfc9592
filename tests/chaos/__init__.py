"""Faults under load, every verdict judged against a history of acknowledgements."""
