# The first part of what Handrail sends to a host, in POSIX sh: what it needs there, and where its records may lie.
#
# Whoever can write into the directories of records can say how commands ended, so they are used only if they are ours
# alone. Frames written to the client: refused TEXT

hr_nl='
'

hr_refuse() {
    printf 'refused %s\n' "${1%%"$hr_nl"*}"
    exit 0
}

# Every program that is used, but for those that have a stand-in; no function that a login exports. Without one of them an answer would be wrong, not missing.
hr_tools() {
    hr_e=
    for hr_f in cat dd find head id ln mkdir mkfifo mv rm sh sleep tail tr uname wc; do
        unset -f "$hr_f" 2>/dev/null
        command -v "$hr_f" >/dev/null 2>&1 || hr_e="$hr_e $hr_f"
    done
    for hr_f in ps date; do
        [ -r /proc/self/stat ] || command -v "$hr_f" >/dev/null 2>&1 || hr_e="$hr_e $hr_f"
    done
    [ -z "$hr_e" ] || hr_refuse "the host has no$hr_e on its PATH, and Handrail's supervisor cannot do without"
    [ "$((2147483647 + 1))" = 2147483648 ] ||
        hr_refuse 'the arithmetic of sh on this host has only 32 bits: Handrail needs an sh that counts further, such as dash or bash'
}

# The records and the supervisor's processes have to fit into the limits of the login, or a command would end unknown.
hr_limits() {
    hr_limit -n 24 'open files'
    hr_limit -f 2048 'the size of a file in blocks'
    (hr_fork 16) >/dev/null 2>&1 || hr_refuse "the login's limit on processes (ulimit -u) leaves no room for the sixteen that a command needs"
}

hr_limit() {
    hr_n=$(ulimit "$1" 2>/dev/null)
    case $hr_n in
        '' | *[!0-9]*) ;;
        *) [ "$hr_n" -ge "$2" ] || hr_refuse "the login's limit on $3 (ulimit $1) is $hr_n, and Handrail needs $2" ;;
    esac
}

# True when $1 processes can be there at once, each waiting for the next.
hr_fork() {
    [ "$1" -eq 0 ] || (hr_fork "$(($1 - 1))"; exit)
}

hr_boot_id() {
    hr_boot=none
    if [ -r /proc/sys/kernel/random/boot_id ]; then
        read -r hr_boot </proc/sys/kernel/random/boot_id
    fi
}

# Some way to run a program in a process group of its own.
hr_find_detach() {
    if command -v setsid >/dev/null 2>&1; then hr_own=setsid
    elif timeout --foreground 9 true 2>/dev/null; then hr_own=timeout
    elif perl -e 1 2>/dev/null; then hr_own=perl
    elif python3 -c 1 2>/dev/null; then hr_own=python3
    else hr_refuse 'none of setsid, coreutils timeout, perl and python3 is here: a command cannot get its own process group'
    fi
}

# Before anything is claimed or begun.
hr_ready() {
    hr_limits
    hr_find_detach
}

# Names the directories of place $1: `home`, or a directory for everybody in which this user has one of his own.
hr_use() {
    hr_place=$1
    if [ "$1" = home ]; then
        hr_parent=${HOME:-} hr_top=${HOME:-}/.handrail
    else
        hr_me=$(id -u)
        hr_parent=$1
        [ "$1" != /run/user/UID ] || hr_parent=/run/user/$hr_me
        hr_top=$hr_parent/handrail-$hr_me
    fi
    hr_root=$hr_top/runs
    hr_d=$hr_root/$hr_id
}

# Makes what is missing of the place's directories. Refuses if others could change what is there.
hr_open_place() {
    hr_make_place || hr_refuse "$hr_e"
}

hr_make_place() {
    [ -n "$hr_parent" ] || { hr_e='HOME is not set'; return 1; }
    # Nobody else can rename what is in a directory of ours or root's that others cannot write in, or that is sticky.
    hr_f='! -user 0'
    [ ! -O "$hr_parent" ] || hr_f='! -type d'
    hr_e=$(find "$hr_parent/." -prune '(' ! -type d -o $hr_f -o ! -perm -1000 '(' -perm -020 -o -perm -002 ')' ')' 2>&1)
    [ -z "$hr_e" ] || {
        [ "$hr_e" != "$hr_parent/." ] ||
            hr_e="$hr_parent is not trusted: it must be a directory of this user or root that others cannot change"
        hr_e="cannot create $hr_root: $hr_e"
        return 1
    }
    for hr_f in "$hr_top" "$hr_root"; do
        [ -d "$hr_f" ] || hr_e=$(mkdir -m 700 "$hr_f" 2>&1) || [ -d "$hr_f" ] || {
            hr_e="cannot create $hr_root: $hr_e"
            return 1
        }
    done
    hr_is_ours "$hr_top" "$hr_root"
}

# True when nobody else can put anything into these directories; else hr_e says which one is not so.
hr_is_ours() {
    hr_e=$(find "$@" -prune '(' ! -type d -o -perm -020 -o -perm -002 ')' 2>&1)
    for hr_f; do
        [ -n "$hr_e" ] || [ -O "$hr_f" ] || hr_e=$hr_f
    done
    [ -n "$hr_e" ] || return 0
    hr_e="${hr_e%%"$hr_nl"*} is not trusted: it must be a directory of this user that nobody else can write in, and no link"
    return 1
}

# True when the attempt is claimed. What others could have put there is refused.
hr_find_run() {
    [ -d "$hr_d" ] || return
    hr_is_ours "$hr_d" || hr_refuse "$hr_e"
}

# Takes in $1 the room that a run needs before it begins.
hr_furnish() {
    for hr_f in owner.new group.new status.new left.new; do
        hr_reserve "$1/$hr_f" || return
    done
    hr_e=$(cd "$1" && mkfifo alive command pipe.out pipe.err room.out room.err 2>&1)
}

# Fills one block for file $1. Shells say little about a failed write, some nothing, so dd is asked for the reason.
hr_reserve() {
    { printf '%4096s' '' >"$1"; } 2>/dev/null
    [ -s "$1" ] || ! hr_e=$(dd if=/dev/zero of="$1" bs=4096 count=1 2>&1) || return 0
    [ -s "$1" ]
}

# True when the supervisor is gone, which is looked for during $1 seconds.
hr_ended() {
    timeout "$1" cat <&8 >/dev/null 2>&1
    case $? in
        0) return 0 ;;
        124 | 143) return 1 ;;
    esac
    cat <&8 >/dev/null 2>&1 &
    hr_c=$!
    { sleep "$1"; kill "$hr_c"; } >/dev/null 2>&1 &
    hr_z=$!
    wait "$hr_c" 2>/dev/null
    hr_r=$?
    kill "$hr_z" 2>/dev/null
    return "$hr_r"
}

# What a login hands on by its environment (bash: SHELLOPTS, BASHOPTS) would change what this text and a command mean.
hr_usual() {
    set +aefmuvxC
    [ -z "${BASHOPTS:-}" ] || shopt -u failglob nullglob
}

hr_main() {
    hr_usual
    hr_id=$2 hr_nonce=$3 hr_half=$4 hr_timeout=$5 hr_out=${6:-0} hr_err=${7:-0} hr_record=${8:--} hr_open=
    hr_places=${9:-home}
    hr_use "${hr_places%%,*}"
    hr_umask=$(umask)
    umask 077
    if [ "$1" != supervise ]; then
        printf '\nhandrail-%s\n' "$hr_nonce"
        hr_tools
    fi
    "hr_$1" "$@"
}
