"""Real servers that tests start themselves, on free ports of 127.0.0.1, and stop at the end."""
