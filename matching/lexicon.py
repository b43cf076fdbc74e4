"""Words every on-call engineer reads alike. General vocabulary only: no product, no platform, no alert names."""

_STOPWORDS = """
    a an and are as at be been being but by can could did do does for from had has have how i if in into is it
    its itself may might more most must of on or our please see should so such than that the their them then
    there these they this those to us was we were what when where which while who why will with would you your
    also about after again alert alerts alerting fire fires firing trigger triggered triggers following due s t
    re e g eg ie etc via per over under last past since minute minutes min mins hour hours second seconds sec
    day days current currently value threshold detected indicates means here very just other got get gets hasn
    isn doesn don didn wasn aren won couldn ago next upon usually something goes going likely probably possibly
    much however therefore thus else whether both either neither each own lot lots like usual always often
    sometimes even well made make makes seen let want
"""
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
    "ready": "readiness",  # or its stem is that of "read"
    "stop": "stopped stopping stops",
    "delay": "delayed delays",
    "lag": "lagging lags",
    "consist": "consistent consistency",
    "inconsist": "inconsistent inconsistency mismatch mismatched mismatches mismatching",
}
SYNONYMS: dict[str, str] = {form: name for name, forms in _GROUPS.items() for form in [name, *forms.split()]}

# Neighbouring words that say one thing in another way, longest first.
PHRASES: tuple[tuple[str, str], ...] = (
    ("no space left", "full space"),
    ("not have enough", "insufficient"),
    ("not enough", "insufficient"),
    ("out of space", "full space"),
    ("out of disk", "full disk"),
    ("out of files", "full files"),
    ("out of inodes", "full inodes"),
    ("out of memory", "oom memory"),
    ("run out", "full"),
    ("running out", "full"),
    ("ran out", "full"),
    ("free space", "full space"),
    ("space left", "full space"),
    ("inodes left", "full inodes"),
    ("not up", "down"),
    ("not running", "down"),
    ("no running", "down"),
    ("cannot reach", "down"),
    ("not available", "down"),
    ("not reachable", "down"),
    ("not connected", "disconnected"),
    ("not healthy", "unhealthy"),
    ("not responding", "down"),
    ("no longer", "not"),
    ("out of order", "disordered"),
    ("read only", "readonly"),
    ("crash looping", "crash"),
    ("time out", "timeout"),
    ("back up", "backup"),
    ("garbage collection", "gc"),
)

# Words that say what is wrong, or how much, and not what it is wrong with. The rest of a title is its subject.
CONDITIONS = """
    down up high low slow fast fail error not no none all some any every one two few many more most less least
    greater too long short large small big ready run running available missing absent degraded critical warning
    info stuck full almost near nearly close detect reach exceed exceeding cross burn burning increase decrease
    growth usage rate ratio percent count number total amount status state condition health healthy unhealthy
    issue problem reject drop stop pause disable enable inconsistent invalid bad misconfigured outdated stale
    deprecated expire expiring pending overdue behind lag delay latency duration time timeout excessive frequent
    frequently restart crash flapping saturated saturation throttled overcommit unknown unexpected unusual
    unusually abnormal different wrong unable cannot need require expected predict predicted soon active work
    working try trying experience experiencing encounter see possible last first new old present exist get
    getting go going start become risk affect affected impact performance complete progress take taking far left
    free insufficient enough without sustained significant significantly lot set limit threshold maximum minimum
    max min average 95th 99th percentile p99 quantile loss unavailable unreachable respond response successful
    successfully unsuccessful fire check investigate contact support expand immediately urgently attention now
    currently recently longer within during between same own several single multiple various because cause way
    end begin keep make change changes hit miss lack lower higher never ever yet still already also able
    inaccessible guarantee extend extended occur occurs span minute hour happen happens something unsafe obtain
    unsupported unauthorized broken corrupt corrupted violated violation outage incident severe severity
"""
