"""Every timeout and retry of every activity, each with its reason. New timeouts belong here."""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy


class ActivityOptions(TypedDict, total=False):
    start_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy


class LocalOptions(TypedDict):
    start_to_close_timeout: timedelta
    local_retry_threshold: timedelta
    retry_policy: RetryPolicy


# Bookkeeping only needs the database. It is tried for ever: with the database down a workflow waits and then goes on,
# nothing is skipped. 5 s at most between tries, so that it goes on soon after the database is back. A try that died
# with its worker is missed after 10 s; one that was only slow may then run twice, which these activities allow.
BOOKKEEPING = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=5)),
)

# Analysis also asks a language model, where there is one: one question, at most 20 s (HANDRAIL_LLM_TIMEOUT), and none
# any more after a few tries. It beats meanwhile, so that a worker's death is missed as soon as in bookkeeping.
ANALYSIS = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=40),
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=5)),
)

# Matching reads the whole library once after a deploy, which may take a while with 10,000 runbooks; then it asks the
# language model one question, as analysis does.
MATCHING = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=60),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10)),
)

# A command's own timeout is kept on the host. A retry of the activity re-attaches and never starts it again, so it may
# be retried for ever; the activity itself decides when a host has been unreachable for too long.
STEP_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=15))

# Workers beat every second (worker.py); ten missed beats mean that the worker is gone.
STEP_HEARTBEAT = timedelta(seconds=10)

# Time for ending earlier attempts, for connecting, for the two minutes in which a host must tell the end after the
# command's timeout, and for writing the result. An activity that is cut off in these would begin them again for ever.
STEP_MARGIN = timedelta(minutes=10)

# Ending a command is one question to its host, of at most a minute and a connect. It is asked again as long as the
# activity itself finds it worth it.
ENDING = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=3), heartbeat_timeout=STEP_HEARTBEAT, retry_policy=STEP_RETRY
)

# Asks each host once, for five seconds; a host that does not answer cleans up by itself after a week.
GIVING_BACK = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=30), retry_policy=RetryPolicy(maximum_attempts=2)
)

# What a monitor saw may be away for a moment: a service between two starts, a file between two writes. Half a minute is
# longer than a unit waits before it starts again, and two rounds of most monitors; nobody is kept from a fix by it.
SECOND_LOOK = timedelta(seconds=30)

# Whoever frees a lease wakes the next in line, the reconciler whoever was overlooked; this covers that both were away.
LEASE_RECHECK_FIRST = timedelta(seconds=15)
LEASE_RECHECK_LONGEST = timedelta(minutes=10)

# How long a ticket waits for a person to pick a runbook where analysis has not read the tenant's own setting.
RUNBOOK_TIMEOUT = timedelta(days=1)

# A person waits for the answer of a connection test.
CONNECTION_CHECK = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=20), retry_policy=RetryPolicy(maximum_attempts=1)
)

# Signatures are looked at within the worker, with one look into the database. While that is away the next tries are
# timers rather than a workflow task that goes on and on.
SIGNATURES = LocalOptions(
    start_to_close_timeout=timedelta(seconds=10),
    local_retry_threshold=timedelta(seconds=2),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30)),
)


def step_options(command_timeout: float) -> ActivityOptions:
    """Options for a step whose command may take this many seconds."""
    return ActivityOptions(
        start_to_close_timeout=timedelta(seconds=command_timeout) + STEP_MARGIN,
        heartbeat_timeout=STEP_HEARTBEAT,
        retry_policy=STEP_RETRY,
    )
