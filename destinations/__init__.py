"""Destinations: each knows its API and nothing of Beam or of the mapping language."""
