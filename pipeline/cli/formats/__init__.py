"""Renderers: data in, text out. Which one is used is the command's choice, never its logic."""
