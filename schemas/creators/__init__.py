"""Creators, campaigns and products: what crawlers saw of them, and what is known."""
