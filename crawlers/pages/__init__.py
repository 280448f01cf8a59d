"""The seller's pages, one file each: the only place that knows what they are made of."""
