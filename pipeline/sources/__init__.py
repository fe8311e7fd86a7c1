"""Where a stream's events come from. Nothing here knows Beam, the mapping or the destination."""
