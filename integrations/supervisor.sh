# Handrail's supervisor: what starts, follows and ends an attempt. supervisor_host.sh and supervisor_ending.sh go before it.
#
# One run directory, PLACE/runs/ID, is one attempt; PLACE is $HOME/.handrail, or handrail-UID in a directory that everybody
# may use. Whoever makes it (mkdir) has claimed the attempt; it is looked for in no other place than it was first sent to.
#   owner       process id of the supervisor and the host's boot id; only one can make it; `void` if nobody began
#   group       process group of the command and when its leader started
#   out.N err.N recorded output from byte N on; old middle parts are removed
#   room.S      becomes full.S when all of stream S could not be recorded
#   status      how it ended
#   left        it was told to end and has not: why, and the PID:START of what still lives
#   *.new       room for the four above, taken before the command starts
#   alive       a FIFO that only the supervisor holds open for writing: end of file means it is gone
#   command pipe.out pipe.err   FIFOs: the command's text (never in a file), its output
# PLACE/runs/.room.X is room for the attempts whose ids begin with `X.`, made before a step that may fill the disk: all that
# hr_furnish makes, and spare blocks for a name and its output. The first of them to be claimed takes it.
# PLACE/runs/.record.NAME stands for what is remembered here of claims: while it is there, and the host has not
# been restarted, no claim has been removed. Cleaning up and wiping remove it, and the next one has another name.
# Frames written to the client: refused TEXT | incomplete | . | out AT LENGTH + bytes | err ...
#   | end STATUS CODE OUT_TOTAL ERR_TOTAL FULL (for `unknown`, CODE is the reason)

hr_segment=256

hr_detach() {
    case $hr_own in
        setsid) exec setsid "$@" ;;
        timeout) exec timeout 0 "$@" ;;
        perl) exec perl -e 'use POSIX; POSIX::setsid(); exec { $ARGV[0] } @ARGV' "$@" ;;
        python3) exec python3 -c 'import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])' "$@" ;;
    esac
}

# Gives the attempt a result though nothing was started; only for whoever has just claimed it.
hr_settle() {
    printf '%s\n' "$1" 1<>"$hr_d/status.new" && mv "$hr_d/status.new" "$hr_d/status"
}

# Only one can win this. False if somebody else had it.
hr_claim() {
    hr_f=$hr_root/.room.${hr_id%.*}
    [ ! -d "$hr_f" ] || rm -f "$hr_f"/spare.*
    if hr_e=$(mkdir -m 700 "$hr_d" 2>&1); then
        [ ! -d "$hr_f" ] || mv "$hr_f"/* "$hr_d" && rm -rf "$hr_f"
        return 0
    fi 2>/dev/null
    hr_find_run || hr_refuse "cannot create $hr_d: $hr_e"
    return 1
}

hr_start() {
    hr_p=$(cat)
    case $hr_p in
        *"#$hr_nonce") ;;
        *) printf 'incomplete\n'; exit 0 ;;
    esac
    hr_open_place
    if ! hr_find_run; then
        hr_ready
        if hr_claim; then
            if hr_remembers; then hr_launch; else hr_settle 'unknown gone'; fi
        fi
    fi
    hr_p=
    hr_follow
}

# True when nobody can have claimed this attempt before: looked at after the claim, as cleaning up goes the other way.
hr_remembers() {
    [ "$hr_record" = - ] && return
    hr_boot_id
    [ "$hr_boot" != none ] && [ "${hr_record#*.}" = "$hr_boot" ] && [ -d "$hr_root/.record.${hr_record%%.*}" ]
}

# Room is taken now, so that a disk that fills up meanwhile hides neither whose command it is nor how it ended.
hr_launch() {
    if [ ! -p "$hr_d/room.err" ] && ! hr_furnish "$hr_d"; then
        rm -rf "$hr_d"
        hr_refuse "cannot write in $hr_root: $hr_e"
    fi
    exec 7<>"$hr_d/alive" 8<"$hr_d/alive"
    printf '%s' "$hr_p" | {
        HR_S=$hr_s
        export HR_S
        hr_detach sh -c 'eval "$HR_S"' handrail-supervisor supervise "$hr_id" "$hr_nonce" "$hr_half" "$hr_timeout" \
            "$hr_own" "$hr_umask" - "$hr_place"
    } >/dev/null 2>&1 8<&- &
    exec 7>&-
    hr_open=1
}

hr_supervise() {
    unset HR_S
    hr_own=$6 hr_umask=$7 hr_why= hr_acted=
    trap 'hr_sig=1; hr_why=${hr_why:-timed_out}' USR1
    trap 'hr_sig=1; hr_why=${hr_why:-cancelled}' USR2
    trap 'hr_sig=1' TERM
    hr_p=$(cat)
    hr_boot_id
    printf '%s %s\n' "$$" "$hr_boot" 1<>"$hr_d/owner.new"
    ln "$hr_d/owner.new" "$hr_d/owner" || exit
    # Both ends of both pipes are open before anything uses one, so that nothing can block or break on the other end.
    exec 9<>"$hr_d/pipe.out" 3<"$hr_d/pipe.out" 5>"$hr_d/pipe.out" 9>&-
    exec 9<>"$hr_d/pipe.err" 4<"$hr_d/pipe.err" 6>"$hr_d/pipe.err" 9>&-
    { exec <&3; hr_let_go; hr_keep out; } &
    hr_keeper_out=$!
    { exec <&4; hr_let_go; hr_keep err; } &
    hr_keeper_err=$!
    # The command's shell waits for its text, which it gets once its group is on record; half a text is not run.
    {
        exec <"$hr_d/command" >&5 2>&6
        hr_let_go
        HANDRAIL_ATTEMPT=$hr_d
        export HANDRAIL_ATTEMPT
        hr_detach sh -c 'umask "$2"; hr_p=$(cat); exec </dev/null
        case $hr_p in *"$1") ;; *) exit 125 ;; esac
        hr_p=${hr_p%"$1"}; set --
        eval "unset hr_p
$hr_p"' sh "#$hr_nonce" "$hr_umask"
    } &
    hr_group=$!
    exec 3<&- 4<&- 5>&- 6>&-
    hr_when=$(hr_started "$hr_group")
    printf '%s %s\n' "$hr_group" "$hr_when" 1<>"$hr_d/group.new"
    mv "$hr_d/group.new" "$hr_d/group"
    { hr_let_go; hr_timer "$hr_timeout" USR1; } &
    hr_dog=$!
    hr_writer=
    if [ -z "$hr_why" ]; then
        { hr_let_go; printf '%s' "$hr_p" >"$hr_d/command"; } &
        hr_writer=$!
    fi
    hr_p=
    hr_await_command
    # KILL, as it may still wait for a reader and a TERM in its first moments is lost.
    [ -z "$hr_writer" ] || kill -KILL "$hr_writer" 2>/dev/null
    hr_await_keepers
    # In place, then renamed: the reserved room is used, and a reader sees all of it or nothing.
    printf '%s %s\n' "${hr_acted:-exited}" "$hr_code" 1<>"$hr_d/status.new"
    mv "$hr_d/status.new" "$hr_d/status"
    kill "$hr_dog" 2>/dev/null
}

# In a subshell: gives up what only the supervisor holds. A redirection of a function would keep a copy meanwhile.
hr_let_go() {
    exec 3<&- 4<&- 5>&- 6>&- 7>&-
}

# A signal ends `wait` early, so it is waited for again; 127 then says that the first answer was the command's.
hr_await_command() {
    hr_code=
    while :; do
        if [ -n "$hr_why" ] && [ -z "$hr_acted" ]; then
            hr_acted=$hr_why
            hr_end_command
        fi
        hr_sig=
        wait "$hr_group"
        hr_now=$?
        [ "$hr_now" = 127 ] && [ -n "$hr_code" ] || hr_code=$hr_now
        [ -n "$hr_sig" ] || return 0
    done
}

# A process left behind on purpose may hold the output open: the result does not wait for it longer than a second, but for
# a disk that is slow to take what the command wrote it does.
hr_await_keepers() {
    { hr_let_go; hr_timer 1 TERM; } &
    hr_patience=$!
    hr_sig=
    wait "$hr_keeper_out"
    [ -n "$hr_sig" ] || wait "$hr_keeper_err"
    kill "$hr_patience" 2>/dev/null
    # Twice, as a keeper may be about to start its next dd.
    hr_n=0 hr_idle=0 hr_busy=
    while [ -n "$hr_sig" ] && [ "$hr_idle" -lt 2 ] && [ "$hr_n" -lt 100 ]; do
        hr_n=$((hr_n + 1)) hr_idle=$((hr_idle + 1))
        ! hr_find_busy || hr_idle=0
        sleep 0.2
    done
    # What is still on its way is not recorded when the result is read.
    for hr_w in $hr_busy; do
        mv "$hr_d/room.$hr_w" "$hr_d/full.$hr_w"
    done 2>/dev/null
}

# Names in hr_busy the streams whose keepers do anything but wait for more. False if there is none.
hr_find_busy() {
    hr_busy=
    for hr_f in /proc/[0-9]*/stat; do
        read -r hr_line <"$hr_f" || continue
        hr_f=${hr_f#/proc/}
        set -- ${hr_line##*) }
        case $1:${hr_f%/stat}:$2 in
            [SZX]:*) ;;
            *:"$hr_keeper_out":* | *:"$hr_keeper_out") hr_busy="$hr_busy out" ;;
            *:"$hr_keeper_err":* | *:"$hr_keeper_err") hr_busy="$hr_busy err" ;;
        esac
    done 2>/dev/null
    [ -n "$hr_busy" ]
}

# After $1 seconds: tells the supervisor with signal $2, again and again, as `wait` can miss one.
hr_timer() {
    hr_before=$!
    trap '[ "$!" = "$hr_before" ] || kill "$!" 2>/dev/null; exit 0' TERM
    trap - USR1 USR2
    # In slices, so that a timer that missed its end does not outlive the command for long.
    hr_rest=$1
    case $hr_rest in
        *.*) ;;
        *)
            while [ "$hr_rest" -gt 20 ] && hr_is_timed; do
                sleep 20 &
                wait "$!"
                hr_rest=$((hr_rest - 20))
            done
            ;;
    esac
    # A signal that came before this subshell could set its trap is lost; the status was written before it was sent.
    hr_is_timed || exit 0
    sleep "$hr_rest" &
    wait "$!"
    while [ -d "$hr_d" ] && [ ! -s "$hr_d/status" ] && [ ! -s "$hr_d/left" ]; do
        kill -"$2" $$ 2>/dev/null || { hr_orphaned; exit; }
        sleep 1 &
        wait "$!"
    done
}

# False once there is nothing to be timed any more: it has ended, or its supervisor was killed and nothing of it is left.
hr_is_timed() {
    [ ! -s "$hr_d/status" ] || return
    kill -0 $$ 2>/dev/null || hr_is_running || hr_find_marked
}

# Records standard input in segments: all that begin within the first $hr_half bytes, and the last $hr_half bytes.
hr_keep() {
    trap - USR1 USR2 TERM
    hr_name=$1 hr_at=0 hr_kept=0
    set --
    while :; do
        hr_n=$((1000000000000000 + hr_at))
        hr_f=$hr_d/$hr_name.${hr_n#1}
        hr_r=$(LC_ALL=C dd bs=4096 count="$hr_segment" of="$hr_f" 2>&1) || {
            mv "$hr_d/room.$hr_name" "$hr_d/full.$hr_name"
            exec cat >/dev/null
        }
        hr_r=${hr_r%% records in*}
        hr_r=${hr_r##*"$hr_nl"}
        [ "$(($hr_r))" -ge "$hr_segment" ] || break
        hr_size=$(wc -c <"$hr_f")
        if [ "$hr_at" -ge "$hr_half" ]; then
            hr_kept=$((hr_kept + hr_size))
            set -- "$@" "$hr_size:$hr_f"
            while [ "$((hr_kept - ${1%%:*}))" -ge "$hr_half" ]; do
                hr_kept=$((hr_kept - ${1%%:*}))
                rm -f "${1#*:}"
                shift
            done
        fi
        hr_at=$((hr_at + hr_size))
    done
}

# Waits until the supervisor of someone else's claim has begun; after five seconds it is kept from ever beginning.
hr_await_owner() {
    hr_n=0
    until [ -s "$hr_d/owner" ] || [ -s "$hr_d/status" ]; do
        [ -d "$hr_d" ] || hr_end unknown gone
        hr_n=$((hr_n + 1))
        if [ "$hr_n" -gt 100 ]; then
            set -C
            printf 'void void\n' >"$hr_d/owner"
            set +C
            # On a full disk it is made all the same, but empty.
            [ -s "$hr_d/owner" ] || [ ! -e "$hr_d/owner" ] || hr_end unknown void
            [ "$hr_n" -le 200 ] || hr_refuse "cannot write in $hr_root, so nobody can say whether this attempt will begin"
        fi
        sleep 0.05
    done 2>/dev/null
    [ -s "$hr_d/status" ] && return
    read -r hr_pid hr_owner_boot <"$hr_d/owner"
    [ "$hr_pid" != void ] || hr_end unknown void
    [ -n "$hr_open" ] || exec 7<>"$hr_d/alive" 8<"$hr_d/alive" 7>&-
    hr_open=1
}

hr_follow() {
    [ -n "$hr_open" ] || hr_await_owner
    hr_pause=0.1
    if [ ! -s "$hr_d/status" ]; then
        until hr_ended "$hr_pause" || [ -s "$hr_d/status" ] || [ -s "$hr_d/left" ]; do
            hr_moved=
            hr_pump_both
            case $hr_moved$hr_pause in
                0.1) hr_pause=0.2 ;;
                0.2) hr_pause=0.5 ;;
                0.5) hr_pause=1 ;;
                1) printf '.\n' ;;
                *) hr_pause=0.2 ;;
            esac
        done
    fi
    hr_pump_both
    hr_report
}

hr_report() {
    if [ -s "$hr_d/status" ]; then
        read -r hr_word hr_code <"$hr_d/status"
        hr_end "$hr_word" "$hr_code"
    fi
    [ -d "$hr_d" ] || hr_end unknown gone
    read -r hr_pid hr_owner_boot 2>/dev/null <"$hr_d/owner"
    hr_boot_id
    [ "${hr_owner_boot:-$hr_boot}" = "$hr_boot" ] || hr_end unknown rebooted
    if [ -s "$hr_d/left" ] && ! hr_ended 0.02; then
        hr_end unknown left
    fi
    # A supervisor that is only slow may have written it meanwhile.
    ! hr_is_running || [ -s "$hr_d/status" ] || hr_end unknown running
    [ ! -s "$hr_d/status" ] || hr_report
    hr_end unknown died
}

hr_end() {
    hr_full=
    for hr_f in "$hr_d"/full.*; do
        [ ! -e "$hr_f" ] || hr_full=$hr_full,${hr_f##*.}
    done
    printf 'end %s %s %s %s %s\n' "$1" "$2" "$hr_out" "$hr_err" "$hr_full"
    exit 0
}

hr_pump_both() {
    hr_pump out "$hr_out"
    hr_out=$hr_at
    hr_pump err "$hr_err"
    hr_err=$hr_at
}

# Writes what is recorded of stream $1 from byte $2 on; a part that was removed is jumped over.
hr_pump() {
    hr_name=$1 hr_at=$2
    set -- "$hr_d/$hr_name".*
    while [ $# -gt 0 ]; do
        hr_f=$1
        shift
        [ $# -eq 0 ] || [ "$((1${1##*.} - 1000000000000000))" -gt "$hr_at" ] || continue
        [ ! -s "$hr_f" ] || { hr_emit; } 4<"$hr_f" 2>/dev/null || :
    done
}

# The segment is open as descriptor 4, so it can be read to its end though its name may go away.
hr_emit() {
    hr_from=$((1${hr_f##*.} - 1000000000000000))
    hr_size=$(wc -c <"$hr_f") || return 0
    [ "$((hr_from + hr_size))" -gt "$hr_at" ] || return 0
    [ "$hr_at" -ge "$hr_from" ] || hr_at=$hr_from
    hr_length=$((hr_from + hr_size - hr_at))
    printf '%s %s %s\n' "$hr_name" "$hr_at" "$hr_length"
    if [ "$hr_at" -eq "$hr_from" ]; then
        head -c "$hr_length" <&4
    else
        tail -c "+$((hr_at - hr_from + 1))" <&4 | head -c "$hr_length"
    fi
    hr_at=$((hr_at + hr_length))
    hr_moved=moved
}

# Where there is no claim, it makes one, so that an earlier connection's can never start any more; so does hr_kill.
hr_attach() {
    hr_open_place
    ! hr_claim || hr_settle 'unknown gone'
    hr_follow
}

hr_kill() {
    hr_open_place
    # Without the record of then, it may run all the same: its claim lies elsewhere or was removed.
    if hr_claim; then
        if hr_remembers; then hr_settle 'cancelled -'; else hr_settle 'unknown gone'; fi
    fi
    [ -s "$hr_d/status" ] || hr_await_owner
    if [ ! -s "$hr_d/status" ]; then
        hr_n=0
        hr_pause=0.02
        mv "$hr_d/left" "$hr_d/left.new" 2>/dev/null
        until [ -s "$hr_d/status" ] || [ -s "$hr_d/left" ] || [ "$hr_n" -gt 30 ]; do
            if hr_ended "$hr_pause"; then
                [ -s "$hr_d/status" ] || hr_orphaned
                break
            fi
            hr_n=$((hr_n + 1)) hr_pause=1
            kill -USR2 "$hr_pid" 2>/dev/null
        done
    fi
    hr_report
}
