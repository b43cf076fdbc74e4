# What Handrail asks a host beside running commands; supervisor_host.sh goes before it.
# Frames written to the client: refused TEXT | text TEXT | removed N

hr_identify() {
    hr_ready
    hr_try_all
    hr_open_place
    hr_boot_id
    for hr_f in "$hr_root"/.record.*; do
        [ ! -d "$hr_f" ] || break
    done
    if [ ! -d "$hr_f" ]; then
        hr_f=$hr_root/.record.$hr_nonce
        hr_e=$(mkdir "$hr_f" 2>&1) || hr_refuse "cannot write in $hr_root: $hr_e"
    fi
    printf 'text %s.%s\n' "${hr_f##*/.record.}" "$hr_boot"
}

hr_check() {
    hr_ready
    hr_try_all
    hr_open_place
    hr_r=0
    hr_reserve "$hr_root/.room.$$" || hr_r=1
    rm -f "$hr_root/.room.$$"
    [ "$hr_r" -eq 0 ] || hr_refuse "cannot write in $hr_root: $hr_e"
    printf 'text %s\n' "$(uname -nsrm)"
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

hr_clean() {
    hr_n=0
    [ -d "$hr_root" ] || { printf 'removed 0\n'; exit 0; }
    hr_open_place
    cd "$hr_root" || exit 0
    if [ "$2" -gt 0 ]; then hr_age="-mmin +$(($2 / 60))"; else hr_age=; fi
    hr_found=$(find . ! -name . -prune -type d $hr_age -print)
    # Whoever learnt the record before what was found now was claimed must not take its absence for "never started".
    for hr_d in $hr_found; do
        case $hr_d in
            ./.gone.* | ./.record.*) ;;
            *) rm -rf .record.*; break ;;
        esac
    done
    for hr_d in $hr_found; do
        case $hr_d in
            ./.gone.*) rm -rf "$hr_d"; continue ;;
            ./.record.*) continue ;;
        esac
        if [ ! -s "$hr_d/status" ]; then
            [ -p "$hr_d/alive" ] && [ -s "$hr_d/owner" ] || continue
            exec 7<>"$hr_d/alive" 8<"$hr_d/alive" 7>&-
            hr_ended 0.1 || continue
        fi
        mv "$hr_d" "./.gone.${hr_d#./}" 2>/dev/null && rm -rf "./.gone.${hr_d#./}" && hr_n=$((hr_n + 1))
    done
    printf 'removed %s\n' "$hr_n"
}
