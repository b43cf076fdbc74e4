# Ending a command: all of it, whoever it runs as, or saying that it is not over. supervisor.sh goes after it.
#
# What belongs to a command: its process group, what descends from it, and what is in a group or session that one of these
# leads. `sudo` puts what it starts there, or, with a terminal, in a session of its own; when sudo is killed it goes on.
# And what carries its mark, HANDRAIL_ATTEMPT with the run directory in the environment, however it left all these: a daemon does.
#   hr_known   PID:START of the processes that belong to it     hr_groups  groups and sessions that they lead
#   hr_left    those that still live; -GROUP for a group of which only the kernel tells, as it cannot be seen (hidepid)

hr_grace=5
hr_last=10

# The time in seconds since whenever.
hr_clock() {
    if [ -r /proc/uptime ]; then
        read -r hr_time hr_r </proc/uptime
        hr_time=${hr_time%%.*}
    else
        hr_time=$(date +%s)
    fi
}

# When process $1 started, so that a re-used process id is not taken for it.
hr_started() {
    if [ -r "/proc/$1/stat" ]; then
        read -r hr_line <"/proc/$1/stat"
        set -- ${hr_line##*) }
        printf '%s' "${20}"
    else
        ps -o lstart= -p "$1" 2>/dev/null | tr -d ' '
    fi
}

# True while process $1, started at $2, lives.
hr_lives() {
    case $1 in
        -*) kill -0 "$1" 2>/dev/null || hr_is_denied "$1"; return ;;
    esac
    if [ -r /proc/self/stat ]; then
        { read -r hr_line <"/proc/$1/stat"; } 2>/dev/null || return
        set -- "$2" ${hr_line##*) }
        case $2 in
            [ZX]) return 1 ;;
        esac
        [ "${21}" = "$1" ]
    else
        [ -n "$2" ] && [ "$(hr_started "$1")" = "$2" ]
    fi
}

# True when process or group $1 is there and we may not signal it.
hr_is_denied() {
    case $(LC_ALL=C; export LC_ALL; kill -0 "$1" 2>&1) in
        *[Pp]ermi*) return 0 ;;
    esac
    return 1
}

# Prints PID:PARENT:GROUP:SESSION:START of every living process that can be seen from here.
hr_processes() {
    if [ -r /proc/self/stat ]; then
        for hr_f in /proc/[0-9]*/stat; do
            read -r hr_line <"$hr_f" || continue
            hr_f=${hr_f#/proc/}
            set -- ${hr_line##*) }
            case $1 in
                [ZX]) ;;
                *) printf ' %s' "${hr_f%/stat}:$2:$3:$4:${20}" ;;
            esac
        done
    else
        ps -A -o pid= -o ppid= -o pgid= -o stat= -o lstart= | while read -r hr_f hr_n hr_w hr_line hr_r; do
            case $hr_line in
                Z*) ;;
                *) printf ' %s:%s:%s:-:%s' "$hr_f" "$hr_n" "$hr_w" "$(printf '%s' "$hr_r" | tr -d ' ')" ;;
            esac
        done
    fi 2>/dev/null
}

# True when word $2 is in list $1.
hr_has() {
    case " $1 " in
        *" $2 "*) return 0 ;;
    esac
    return 1
}

# Looks at every process until no more of them turns out to belong to the command.
hr_look() {
    hr_all=$(hr_processes)
    hr_left= hr_pids= hr_in= hr_more=1
    while [ -n "$hr_more" ]; do
        hr_more=
        for hr_w in $hr_all; do
            IFS=:
            set -- $hr_w
            unset IFS
            ! hr_has "$hr_pids" "$1" || continue
            hr_has "$hr_known" "$1:$5" || hr_has "$hr_pids" "$2" ||
                hr_has "$hr_groups" "$3" || hr_has "$hr_groups" "$4" || continue
            hr_more=1 hr_pids="$hr_pids $1" hr_left="$hr_left $1:$5" hr_in="$hr_in $3 $4"
            [ "$3" != "$1" ] && [ "$4" != "$1" ] || hr_groups="$hr_groups $1"
        done
    done
    hr_known=$hr_left
    # A group without anyone in it may be somebody else's the next time, unless who is to lead it lives: a command that
    # has only just started is not yet in its own. Where the processes of others are hidden, the kernel tells of them.
    set -- $hr_groups
    hr_groups=
    for hr_w; do
        ! hr_has "$hr_groups" "$hr_w" || continue
        if hr_has "$hr_in" "$hr_w" || hr_has "$hr_pids" "$hr_w"; then
            hr_groups="$hr_groups $hr_w"
        elif [ -r /proc/self/stat ] && [ ! -r /proc/1/stat ] && hr_lives "-$hr_w"; then
            hr_groups="$hr_groups $hr_w" hr_left="$hr_left -$hr_w"
        fi
    done
}

# Prints /proc/PID/environ of every process that carries the mark. Only the user's own can be read, by root all.
hr_marked() {
    if [ "$(printf 'a\0b\0' | grep -zlxF b)" ]; then
        grep -zlxF "HANDRAIL_ATTEMPT=$hr_d" /proc/[0-9]*/environ
    else
        for hr_f in /proc/[0-9]*/environ; do
            case $hr_nl$(tr '\0' '\n' <"$hr_f")$hr_nl in
                *"${hr_nl}HANDRAIL_ATTEMPT=$hr_d$hr_nl"*) printf '%s ' "$hr_f" ;;
            esac
        done
    fi
} 2>/dev/null

# Looks for what belongs to the command and was not known. False if there is nothing of it.
hr_find_marked() {
    hr_more=
    for hr_f in $(hr_marked); do
        hr_f=${hr_f#/proc/}
        hr_f=${hr_f%/environ}
        hr_w=$hr_f:$(hr_started "$hr_f")
        hr_has "$hr_known" "$hr_w" || hr_known="$hr_known $hr_w" hr_more=1
    done
    [ -n "$hr_more" ]
}

# Sends signal $1 to all that is left; by sudo, where the host allows that, to what is not ours to signal, once.
hr_tell() {
    for hr_w in $hr_groups; do
        kill -"$1" "-$hr_w"
    done
    hr_foreign=
    for hr_w in $hr_left; do
        hr_pid=${hr_w%%:*}
        hr_n=${hr_all#*" $hr_pid:"*:}
        ! hr_has "$hr_told" "$1$hr_pid" || continue
        case $hr_pid in
            -*) ;;
            *)
                if hr_has "$hr_groups" "${hr_n%%:*}"; then
                    ! kill -0 "$hr_pid" || continue
                else
                    ! kill -"$1" "$hr_pid" || continue
                fi
                hr_is_denied "$hr_pid" || continue
                ;;
        esac
        if hr_lives "$hr_pid" "${hr_w#*:}"; then
            hr_told="$hr_told $1$hr_pid" hr_foreign="$hr_foreign $hr_pid"
        fi
    done
    # procps takes a group that comes first for another signal; busybox does not know `--`.
    case $hr_foreign in
        ' -'*) hr_foreign="-- $hr_foreign" ;;
    esac
    # Not waited for: sudo may ask somebody far away.
    if [ -n "$hr_foreign" ]; then
        { hr_let_go; exec sudo -n kill -"$1" $hr_foreign </dev/null >/dev/null; } &
    fi
} 2>/dev/null

# True once nothing is left; looked at for $1 seconds, sending signal $2, if given, meanwhile.
hr_is_gone() {
    hr_clock
    hr_until=$((hr_time + $1))
    while :; do
        hr_look
        [ -n "$hr_left" ] || ! hr_find_marked || hr_look
        [ -n "$hr_left" ] || return 0
        hr_clock
        [ "$hr_time" -lt "$hr_until" ] || return 1
        [ -z "${2:-}" ] || hr_tell "$2"
        sleep 0.1
    done
}

# TERM, a while, KILL, a while. False if something is left all the same.
hr_end_known() {
    hr_told=
    hr_find_marked
    hr_look
    hr_tell TERM
    hr_is_gone "$hr_grace" || hr_is_gone "$hr_last" KILL
}

# Returns when all of the command is gone. While it is not, `left` says so; whoever takes that away has it told again.
hr_end_command() {
    hr_known="$hr_group:$hr_when" hr_groups=$hr_group
    hr_end_known && return
    while [ -d "$hr_d" ]; do
        hr_f=$hr_d/left
        [ -s "$hr_f" ] || hr_f=$hr_d/left.new
        printf '%s%.4000s\n' "$hr_acted" "$hr_left" 1<>"$hr_f"
        [ "$hr_f" = "$hr_d/left" ] || mv "$hr_f" "$hr_d/left"
        while [ -s "$hr_d/left" ] && hr_is_left; do
            sleep 1
        done
        hr_told=
        if [ -s "$hr_d/left" ]; then
            hr_is_gone 0 && return
        else
            hr_is_gone "$hr_last" KILL && return
        fi
    done
    exit
}

# True while any process of hr_left lives; cheaper than a look at all processes.
hr_is_left() {
    for hr_w in $hr_left; do
        ! hr_lives "${hr_w%%:*}" "${hr_w#*:}" || return 0
    done
    return 1
}

# What is on record of a command whose supervisor is gone, and still lives.
hr_recall() {
    hr_known= hr_groups= hr_all= hr_left=
    read -r hr_w hr_known <"$hr_d/left"
    read -r hr_group hr_when <"$hr_d/group" || return 0
    [ -z "$hr_when" ] || hr_known="$hr_known $hr_group:$hr_when"
    hr_look
} 2>/dev/null

# The supervisor was killed: its command is ended if it is still what was recorded.
hr_orphaned() {
    hr_recall
    hr_end_known || :
}

# True when something of an orphaned command lives. A group without its leader may be another one: it is not touched, but
# believed to be there, unless the leader's process id is somebody else's by now.
hr_is_running() {
    hr_recall
    [ -z "$hr_left" ] || return 0
    [ -n "$hr_group" ] || return
    case $hr_all in
        *" $hr_group:"*) return 1 ;;
    esac
    hr_groups=$hr_group
    hr_look
    [ -n "$hr_left" ]
}
