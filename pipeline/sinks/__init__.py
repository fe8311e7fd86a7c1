"""Where a run writes what is not the destination's: dead letters and receipts, to topics."""
