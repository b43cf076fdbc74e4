"""Words every on-call engineer reads alike. General vocabulary only: no product, no platform, no alert names."""

_STOPWORDS = """a an and are as at be been being but by can could did do does for from had has have how i if in into is it its
    itself may might more most must of on or our please see should so such than that the their them then there these
    they this those to us was we were what when where which while who why will with would you your also about after
    again alert alerts alerting fire fires firing trigger triggered triggers following due s t re e g eg ie etc via per
    over under last past since minute minutes min mins hour hours second seconds sec day days current currently value
    threshold detected indicates means here very just only other"""
STOPWORDS = frozenset(_STOPWORDS.split())

_GROUPS: dict[str, str] = {
    # canonical form: other ways to write it
    "fail": "failed failing failure failures fails",
    "error": "errors erroring erroneous",
    "down": "offline unavailable unreachable unavailability",
    "absent": "missing absence disappeared disappear vanished gone lost",
    "expir": "expire expires expiring expired expiration expiry",
    "configur": "config configs configuration configurations configure configured configuring cfg conf",
    "misconfigur": "misconfigured misconfiguration misconfig",
    "memory": "mem ram",
    "cpu": "processor cpus",
    "disk": "disks diskspace",
    "filesystem": "filesystems fs partition mountpoint",
    "volume": "volumes vol",
    "database": "databases db dbs",
    "certificate": "certificates cert certs",
    "kubernet": "kubernetes k8s kube",
    "replica": "replicas replicate replicated replicating replication",
    "slow": "slowly slowness slower sluggish",
    "latenc": "latency latencies",
    "request": "requests req reqs",
    "node": "nodes",
    "host": "hosts",
    "connect": "connection connections connected connecting connectivity",
    "disconnect": "disconnected disconnection unconnected",
    "evaluat": "evaluation evaluations evaluate evaluated evaluating eval evals",
    "restart": "restarts restarted restarting",
    "crash": "crashes crashed crashing crashloop crashlooping crashloopbackoff",
    "unhealth": "unhealthy",
    "health": "healthy",
    "degrad": "degraded degradation degrade",
    "satur": "saturated saturation",
    "utiliz": "utilization utilisation utilized usage use used using uses",
    "high": "higher highest",
    "low": "lower lowest",
    "full": "fully filling fill fills filled exhausted exhaust exhausting exhaustion exhausts",
    "reject": "rejected rejecting rejection rejections rejects",
    "timeout": "timeouts timedout",
    "backup": "backups",
    "schedul": "scheduler scheduled scheduling schedule schedules",
    "operator": "operators",
    "application": "applications app apps",
    "repositor": "repository repositories repo repos",
    "message": "messages msg",
    "percent": "percentage pct",
    "increas": "increase increased increasing increases growing grow grows grown growth rising rise rises",
    "decreas": "decrease decreased decreasing decreases dropping falling",
    "duplicat": "duplicate duplicated duplicates duplication",
    "authent": "auth authentication authenticate authenticated",
    "author": "authorization authorisation authorize authorized",
    "stop": "stopped stopping stops",
    "delay": "delayed delays",
    "lag": "lagging lags",
    "consist": "consistent consistency",
    "inconsist": "inconsistent inconsistency mismatch mismatched mismatches mismatching",
}
SYNONYMS: dict[str, str] = {form: name for name, forms in _GROUPS.items() for form in [name, *forms.split()]}
