"""The destinations of marketing events: one module a platform, all behind one port."""
