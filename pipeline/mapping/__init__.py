"""The mapping language: YAML in, a picklable ``MappingPlan`` out, and its evaluation."""
