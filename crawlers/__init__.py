"""Playwright pages and the crawls that read them; they publish straight to exchanges."""
