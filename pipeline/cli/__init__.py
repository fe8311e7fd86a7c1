"""The commands. Each is a thin shell; none of those for analysts imports Beam."""
