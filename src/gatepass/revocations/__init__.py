"""In-process copies of a store's revocation log, for checks that cost next to nothing."""
