"""Attacks, each test named after the one it tries."""
