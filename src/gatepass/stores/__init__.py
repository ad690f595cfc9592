"""Stores of sessions; each is a module of its own, imported by the programs that use it."""
