"""Tests of the project itself: layers, packaging, documents, and what an import costs."""
