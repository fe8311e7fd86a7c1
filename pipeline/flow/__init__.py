"""Delivery with no Beam and no HTTP: order, pace, retries, threads and dead letters."""
