"""Crawls as commands: what is to be read from the seller's pages, and how much of it."""
