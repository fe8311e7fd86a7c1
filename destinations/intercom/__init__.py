"""The Intercom destination (REST API 2.11)."""
