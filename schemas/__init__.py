"""Messages, values and errors: what the mesh talks about, with no machinery behind it."""
