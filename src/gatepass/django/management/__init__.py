"""The package in which `manage.py` finds commands."""
