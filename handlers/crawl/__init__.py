"""Crawls that are commands: sample requests, creators, campaigns."""

from handlers.crawl.commands import router

__all__ = ["router"]
