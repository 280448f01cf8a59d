"""HTTP in, messages out: authenticate, validate, publish, answer."""
