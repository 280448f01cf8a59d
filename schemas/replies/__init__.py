"""Direct messages with customers: what was said, what is for sale, and what was promised to whom."""
