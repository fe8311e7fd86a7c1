"""Putting a run together: options, the graph, the summary."""
