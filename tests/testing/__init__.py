"""The pytest plugin that users' tests load."""
