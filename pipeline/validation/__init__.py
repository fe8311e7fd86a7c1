"""Event schemas: reading them, and holding events to them."""
