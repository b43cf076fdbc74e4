"""Words that look like hosts, and words that only seem to."""

import re
from collections.abc import Iterator

from domain.analysis.connection_match import bare_host, ip_address

_SPLIT = re.compile(r"[\s,;()<>\"'`|={}*!?\u2018\u2019\u201c\u201d]+")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]+")  # is written without spaces
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_EDGES = ".:-_/\\&#%+~^$"
_CUES = frozenset({"host", "hostname", "server", "node", "machine", "instance", "vm", "pod", "ci"})
_VERSION_CUES = frozenset({"version", "release", "build", "v"})
_WORD = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?(?:\.?:\d{1,5})?")
_NOT_HOSTS = re.compile(
    r"""(?ix) ^(?:
      v?\d+(?:\.\d+)*(?:[-.](?:rc|beta|alpha|dev)\w*)?             # versions and numbers
    | \d[\d.,]*\s?(?:%|[kmgtp]?i?b(?:/s|ps)?|ms|us|ns|s|m|h|d|x|hz|rpm|rps|qps)  # quantities
    | \d{4}-\d{1,2}-\d{1,2}(?:t[\d:.z+-]*)?                         # dates
    | \d{1,2}:\d{2}(?::\d{2})?                                      # times
    | (?:cve|rfc|iso|utf|sha|md|aes|rsa|tls|ssl|http|https|tcp|udp|sev|err|error|code|exit|errno|kb|inc|chg|prb|req|ritm
        |task|job|step|level|tier|port|uid|pid|gid|signal|x|line|part|day|week|month|page|top)-?\d[\w.-]*
    )$"""
)
_FILE_ENDINGS = frozenset(
    {
        *("conf", "cfg", "cnf", "ini", "yaml", "yml", "json", "toml", "xml", "log", "logs", "txt", "md", "csv", "tsv"),
        *(
            "sh",
            "py",
            "rb",
            "js",
            "ts",
            "go",
            "rs",
            "pl",
            "php",
            "java",
            "jar",
            "war",
            "class",
            "so",
            "dll",
            "exe",
            "ps1",
        ),
        *(
            "gz",
            "tgz",
            "zip",
            "tar",
            "bz2",
            "xz",
            "zst",
            "rpm",
            "deb",
            "bak",
            "old",
            "tmp",
            "swp",
            "pid",
            "sock",
            "lock",
        ),
        *(
            "service",
            "socket",
            "timer",
            "mount",
            "target",
            "slice",
            "db",
            "sql",
            "dump",
            "sqlite",
            "html",
            "htm",
            "css",
        ),
        *(
            "png",
            "jpg",
            "svg",
            "pdf",
            "pem",
            "crt",
            "cer",
            "key",
            "csr",
            "p12",
            "jks",
            "img",
            "iso",
            "out",
            "err",
            "err",
        ),
        *("core", "bin", "dat", "data", "repo", "list", "env", "properties", "cron", "template", "j2", "bat", "msi"),
    }
)
_DOMAINS = frozenset(
    {
        *(
            "com",
            "net",
            "org",
            "io",
            "dev",
            "app",
            "cloud",
            "edu",
            "gov",
            "mil",
            "int",
            "info",
            "biz",
            "tech",
            "online",
        ),
        *(
            "local",
            "localdomain",
            "internal",
            "intern",
            "lan",
            "corp",
            "home",
            "priv",
            "private",
            "intra",
            "test",
            "example",
        ),
        *(
            "de",
            "uk",
            "us",
            "eu",
            "fr",
            "nl",
            "ch",
            "at",
            "be",
            "se",
            "no",
            "dk",
            "fi",
            "it",
            "es",
            "pt",
            "cz",
            "ca",
            "au",
        ),
        *(
            "nz",
            "jp",
            "kr",
            "cn",
            "in",
            "br",
            "mx",
            "ru",
            "ua",
            "za",
            "sg",
            "hk",
            "tw",
            "ie",
            "il",
            "tr",
            "gr",
            "hu",
            "ro",
        ),
    }
)
_ROLES = (
    "web|www|db|database|app|api|srv|server|host|node|vm|sql|mysql|mariadb|pg|pgsql|postgres|redis|kafka|es|elastic|mongo"
    "|cache|proxy|haproxy|nginx|lb|gw|gateway|fw|firewall|router|rtr|switch|sw|dns|ns|mail|mx|smtp|ldap|ad|dc|file|nas|san"
    "|backup|bastion|jump|build|runner|worker|master|etcd|k8s|kube|storage|stor|queue|mq|rabbitmq|ftp|sftp|vpn|mon|monitor"
    "|log|auth|edge|frontend|fe|backend|be|batch|cron|prod|stage|staging|stg|dev|qa|uat|win|linux|lnx|esx|esxi|hv|core|ci"
)
_EXACT_FORMS = re.compile(
    r"""(?x) ^(?:
      i-[0-9a-f]{8}(?:[0-9a-f]{9})?                                  # EC2 instance ids
    | ip-\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3}                             # EC2 private names
    | (?:gke|aks|eks|kind|k3d|k3s)-[a-z0-9-]*[a-z0-9]                # managed Kubernetes nodes
    | [a-z0-9](?:[a-z0-9-]*[a-z0-9])?-[bcdfghjklmnpqrstvwxz2456789]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}  # pods
    | (?:win|desktop|laptop|ec2amaz)-[a-z0-9]{7,11}                  # Windows's own names
    )$"""
)
_NUMBERED = re.compile(r"^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*[-_]\d{1,4}[a-z]?$")
_PADDED = re.compile(r"[-_]0\d{1,3}[a-z]?$")
_ROLE_PART = re.compile(rf"(?:^|[-_])(?:{_ROLES})\d{{0,4}}(?=[-_])")
_ROLE_DIGITS = re.compile(rf"^(?:{_ROLES})(?:{_ROLES})?(?:0\d{{1,3}}|\d{{2,4}})$")
_POD_IN_NAMESPACE = re.compile(r"^[a-z0-9][a-z0-9-]*/([a-z0-9][a-z0-9.-]*)$")


def host_words(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the words of a text that could name a host, and whether a word such as "server" introduces them.

    Words of paths and e-mail addresses, and what follows "version", are left out; URLs give their host.
    """
    before = ""
    for chunk in _SPLIT.split(_CJK.sub(" ", text).translate(_DASHES)):
        for word in _hosts_of(chunk):
            if before not in _VERSION_CUES:
                yield word, before in _CUES
        if chunk.strip(_EDGES):
            before = chunk.strip(_EDGES).lower()


def _hosts_of(chunk: str) -> list[str]:
    if chunk.isalpha() and chunk.isascii():
        return [chunk]
    if "://" in chunk:
        return [bare_host(chunk)]
    if chunk.startswith("\\\\"):  # \\SERVER\share
        return [chunk[2:].split("\\")[0]]
    if chunk.startswith(("/", "~/", "./", "../")) or "\\" in chunk:
        return []
    if "@" in chunk:
        chunk = chunk.rpartition("@")[2]  # root@web-01; an e-mail's domain is no known host
    chunk = chunk.partition(":/")[0]  # web-01:/export
    if bracketed := re.match(r"^\[([0-9A-Fa-f:.%a-z]+)\](?::\d{1,5})?", chunk):
        return [bracketed[1]]
    chunk = chunk.strip("[]")
    if ip_address(chunk.rstrip(".,")) or ip_address(chunk.removesuffix(":")):
        return [chunk.rstrip(".,") if ip_address(chunk.rstrip(".,")) else chunk.removesuffix(":")]
    parts = chunk.split("/")
    if len(parts) > 2 or (len(parts) == 2 and ip_address(parts[0])):  # a path, a date, a network
        return []
    if len(parts) == 2 and (pod := _POD_IN_NAMESPACE.match(chunk)) and not looks_like_host(parts[0]):
        parts = [pod[1]]
    return [word for part in parts if (word := part.strip(_EDGES)) and _WORD.fullmatch(word)]


def could_be_host(word: str) -> bool:
    """Whether a word has the form of a host's name, so that being a known one is no accident of language."""
    if _NOT_HOSTS.match(word):
        return ip_address(bare_host(word)) is not None
    return any(character in "-._:" or character.isdigit() for character in word)


def looks_like_host(word: str) -> bool:
    """Whether a word is so much like a host's name that it is taken for one without being known."""
    bare = bare_host(word)
    if address := ip_address(bare):
        return address not in ("0.0.0.0", "::", "255.255.255.255")
    if _NOT_HOSTS.match(bare) or not _WORD.fullmatch(bare):
        return False
    label, _, domain = bare.partition(".")
    if domain:
        return _is_full_name(bare, label)
    if _EXACT_FORMS.match(bare) or _ROLE_DIGITS.match(bare):
        return True
    return bool(_NUMBERED.match(bare) and (_PADDED.search(bare) or _ROLE_PART.search(bare)))


def _is_full_name(bare: str, label: str) -> bool:
    labels = bare.split(".")
    if not all(labels) or labels[-1] in _FILE_ENDINGS or any(part.startswith("-") for part in labels):
        return False
    if labels[-1] in _DOMAINS:
        return len(labels) > 2 or any(character in "-0123456789" for character in label)
    return labels[-1].isalpha() and len(labels) > 1 and looks_like_host(label)
