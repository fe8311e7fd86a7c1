"""Frozen values and pure functions that every other part builds on. Imports nothing of ours."""
