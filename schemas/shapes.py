"""Shapes that publishers give to the same thing, brought to one before validation."""

from typing import Any

#: Keys of an object around tasks: each of them is a default of every task.
MAX_DEFAULTS = 100


def as_tasks(body: Any, most: int) -> Any:
    """Bring the three shapes of a batch to one: an array, an object around one, or a single task.

    The keys of an object around `tasks` are defaults for each of them. More than `most` tasks stay as they are, to be
    refused: merging would multiply them by the defaults.
    """
    if not isinstance(body, dict):
        return body
    tasks = body.get("tasks", [body])
    if "tasks" not in body or not isinstance(tasks, list) or len(tasks) > most:
        return tasks
    defaults = {name: value for name, value in body.items() if name != "tasks"}
    if len(defaults) > MAX_DEFAULTS:
        raise ValueError(f"has more than {MAX_DEFAULTS} keys beside its tasks")
    return [{**defaults, **task} if isinstance(task, dict) else task for task in tasks]
