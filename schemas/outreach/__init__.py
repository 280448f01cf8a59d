"""Outreach: whom a task looks for, who was written to, and what came of it."""
