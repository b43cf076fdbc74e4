# What Handrail asks a host beside running commands; supervisor_host.sh goes before it.
# Frames written to the client: refused TEXT | text TEXT | removed N

# Says which place the attempt, or the next attempts, go to and what names its memory of claims: NAME.BOOT, for other
# places than home NAME.BOOT:PLACE.
hr_identify() {
    hr_room || hr_choose
    hr_boot_id
    for hr_f in "$hr_root"/.record.*; do
        [ ! -d "$hr_f" ] || break
    done
    if [ ! -d "$hr_f" ]; then
        hr_f=$hr_root/.record.$hr_nonce
        rm -f "$hr_root/.room.${hr_id%.*}/spare.1"
        hr_e=$(mkdir "$hr_f" 2>&1) || hr_refuse "cannot write in $hr_root: $hr_e"
    fi
    hr_n=
    [ "$hr_place" = home ] || hr_n=:$hr_place
    printf 'text %s.%s%s\n' "${hr_f##*/.record.}" "$hr_boot" "$hr_n"
}

hr_check() {
    hr_choose
    [ -z "$hr_why" ] || hr_why="; records lie in $hr_root, as there is no place in ${hr_why#, }"
    printf 'text %s%s\n' "$(uname -nsrm)" "$hr_why"
}

# Uses the first place that will do; hr_why tells of those before it.
hr_choose() {
    hr_ready
    hr_try_all
    hr_why=
    hr_each=$hr_places,
    while [ -n "$hr_each" ]; do
        hr_use "${hr_each%%,*}"
        hr_each=${hr_each#*,}
        ! hr_lasts || ! hr_make_place || ! hr_has_room || return 0
        hr_why="$hr_why, $hr_place: ${hr_e%%"$hr_nl"*}"
    done
    hr_refuse "there is no place for records: ${hr_why#, }"
}

# Uses the place in which there is room for attempt $hr_id. False if there is none.
hr_room() {
    hr_each=$hr_places,
    while [ -n "$hr_each" ]; do
        hr_use "${hr_each%%,*}"
        hr_each=${hr_each#*,}
        [ ! -d "$hr_root/.room.${hr_id%.*}" ] || ! hr_make_place || return 0
    done
    return 1
}

# Makes room for the attempts whose ids begin with one of $hr_id (comma separated), all of it in the first place that has
# it; what is there already is left as it is.
hr_keep_room() {
    hr_ready
    hr_ids=$hr_id hr_why=
    hr_each=$hr_places,
    while [ -n "$hr_each" ]; do
        hr_use "${hr_each%%,*}"
        hr_each=${hr_each#*,}
        if hr_lasts && hr_make_place && hr_make_rooms; then
            printf 'text kept\n'
            return
        fi
        hr_why="$hr_why, $hr_place: ${hr_e%%"$hr_nl"*}"
    done
    hr_refuse "there is no room to undo what the steps would do: ${hr_why#, }"
}

hr_make_rooms() {
    hr_made= hr_rest=$hr_ids,
    while [ -n "$hr_rest" ]; do
        hr_id=${hr_rest%%,*}
        hr_rest=${hr_rest#*,}
        [ ! -d "$hr_root/.room.$hr_id" ] || continue
        hr_made="$hr_made $hr_id"
        hr_make_room "$hr_root/.room.$hr_id" && continue
        hr_e="cannot write in $hr_root: $hr_e"
        for hr_id in $hr_made; do
            rm -rf "$hr_root/.room.$hr_id"
        done
        return 1
    done
}

# Made elsewhere and renamed: a room that is there is whole.
hr_make_room() {
    hr_r=$hr_root/.try.$hr_nonce
    hr_e=$(mkdir "$hr_r" 2>&1) && hr_furnish "$hr_r" &&
        hr_e=$(for hr_f in 1 2 3 4; do dd if=/dev/zero of="$hr_r/spare.$hr_f" bs=4096 count=4 2>&1 || exit; done) &&
        hr_e=$(mv "$hr_r" "$1" 2>&1) && return
    rm -rf "$hr_r"
    return 1
}

# Gives up the rooms of attempts whose ids begin with $hr_id and a dot.
hr_drop_rooms() {
    hr_each=$hr_places,
    while [ -n "$hr_each" ]; do
        hr_use "${hr_each%%,*}"
        hr_each=${hr_each#*,}
        [ ! -d "$hr_root" ] || ! hr_make_place || rm -rf "$hr_root/.room.$hr_id".*
    done
    printf 'text dropped\n'
}

# False where the records would go with the user's last login.
hr_lasts() {
    case $hr_place in
        /run/user/* | /dev/shm | /dev/shm/*) ;;
        *) return 0 ;;
    esac
    [ -d /run/systemd/system ] && [ ! -e "/var/lib/systemd/linger/$(id -un)" ] || return 0
    case $hr_place in
        /dev/shm*) [ "$hr_me" -ge 1000 ] || return 0 ;;
    esac
    hr_e="what is there goes with the user's last login, unless 'loginctl enable-linger' lets it stay"
    return 1
}

# True when a run would find blocks and inodes here, and can do what it does with them: not every file system has hard links.
hr_has_room() {
    hr_r=$hr_root/.try.$hr_nonce
    hr_e=$(mkdir "$hr_r" 2>&1 && cd "$hr_r" && mkfifo a b c d e f g h i j k l 2>&1 && ln a owner 2>&1 &&
        dd if=/dev/zero of=room bs=4096 count=16 2>&1 && printf fits)
    rm -rf "$hr_r"
    case $hr_e in
        *fits) return 0 ;;
    esac
    hr_e="cannot write in $hr_root: $hr_e"
    return 1
}

# A program of the right name may still not do what is asked of it here.
hr_try_all() {
    hr_try 'head -c' ab "$(printf abc | head -c 2 2>&1)"
    hr_try 'tail -c' bc "$(printf abc | tail -c +2 2>&1)"
    hr_try 'tr -d' ab "$(printf 'a b' | tr -d ' ' 2>&1)"
    hr_try 'wc -c' 3 "$(printf abc | wc -c 2>&1 | tr -d ' ')"
    hr_try dd '0+1 records in' "$(printf abc | LC_ALL=C dd bs=4096 count=2 of=/dev/null 2>&1 | head -n 1)"
    hr_try 'sleep 0.01' 0 "$(sleep 0.01 2>&1; printf %s "$?")"
    hr_try 'find -mmin' . "$(find . -prune '(' -mmin +1 -o -type d ')' -print 2>&1)"
}

hr_try() {
    [ "$2" = "$3" ] || hr_refuse "'$1' on this host does not do what Handrail needs: it says '${3%%"$hr_nl"*}' instead of '$2'"
}

# Says whether sudo works without a password, and whether it ends processes, as hr_tell does (supervisor_ending.sh).
hr_check_sudo() {
    for hr_w in TERM KILL; do
        sleep 60 </dev/null >/dev/null 2>&1 &
        hr_pid=$!
        hr_e=$(sudo -n kill -"$hr_w" "$hr_pid" 2>&1 </dev/null)
        hr_r=$?
        kill -KILL "$hr_pid" 2>/dev/null
        [ "$hr_r" -eq 0 ] || break
    done
    if [ "$hr_r" -eq 0 ]; then
        printf 'text ends\n'
    elif hr_e=$(sudo -n -l 2>&1 >/dev/null </dev/null); then
        printf 'text works\n'
    else
        printf 'text refused %s\n' "${hr_e##*"$hr_nl"}"
    fi
}

# In every place; one that is not safe is left as it is, and said at the end.
hr_clean() {
    hr_n=0 hr_why= hr_age=
    [ "$2" -le 0 ] || hr_age="-mmin +$(($2 / 60))"
    hr_each=$hr_places,
    while [ -n "$hr_each" ]; do
        hr_use "${hr_each%%,*}"
        hr_each=${hr_each#*,}
        [ -d "$hr_root" ] || continue
        if hr_make_place && cd "$hr_root"; then hr_clean_place; else hr_why="$hr_why, $hr_e"; fi
    done
    [ -z "$hr_why" ] || hr_refuse "${hr_why#, }"
    printf 'removed %s\n' "$hr_n"
}

hr_clean_place() {
    hr_found=$(find . ! -name . -prune -type d $hr_age -print)
    # Whoever learnt the record before what was found now was claimed must not take its absence for "never started".
    for hr_d in $hr_found; do
        case $hr_d in
            ./.gone.* | ./.try.* | ./.room.* | ./.record.*) ;;
            *) rm -rf .record.*; break ;;
        esac
    done
    for hr_d in $hr_found; do
        case $hr_d in
            ./.gone.* | ./.try.* | ./.room.*) rm -rf "$hr_d"; continue ;;
            ./.record.*) continue ;;
        esac
        if [ ! -s "$hr_d/status" ]; then
            [ -p "$hr_d/alive" ] && [ -s "$hr_d/owner" ] || continue
            exec 7<>"$hr_d/alive" 8<"$hr_d/alive" 7>&-
            hr_ended 0.1 || continue
        fi
        mv "$hr_d" "./.gone.${hr_d#./}" 2>/dev/null && rm -rf "./.gone.${hr_d#./}" && hr_n=$((hr_n + 1))
    done
}
