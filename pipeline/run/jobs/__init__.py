"""Job files: one input, several destinations, and everything a run is told, in one YAML file."""
