"""What Alembic runs: migrations on the connection that `persistence.migrate` hands over."""

from alembic import context

from persistence.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    render_as_batch=True,  # SQLite alters a table by making it anew
    user_module_prefix="types.",
)
with context.begin_transaction():
    context.run_migrations()
