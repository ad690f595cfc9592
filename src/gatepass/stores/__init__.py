"""Where sessions live; every store is its own module, imported by those who use it."""
