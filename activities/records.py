"""Keys under which activities write, the same for every retry of one activity."""

from temporalio import activity


def event_key(suffix: str = "") -> str:
    """Return a name for what this activity writes in a timeline: a retry has the same one."""
    info = activity.info()
    return f"{info.workflow_run_id}/{info.activity_id}{suffix}"
