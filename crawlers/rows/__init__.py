"""From what the site's calls answer to rows as the mesh takes them; pure functions, one module a kind of row."""
