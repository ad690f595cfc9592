"""Tests of gatepass.jose."""
