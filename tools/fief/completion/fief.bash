# Completion of fief for bash. Without the package bash-completion it works, too: a command's arguments are files then.

_fief_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

# Where the command to be run is: behind the word that is being typed while an option's value is. bash parts words at
# "=", too.
_fief_command_at() {
    local at
    for ((at = 2; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
        --) echo $((at + 1)); return ;;
        --debug | --limit | --report | --shim)
            [[ ${COMP_WORDS[at + 1]} == = ]] && ((at++))
            ((at++))
            ;;
        -*) ;;
        *) break ;;
        esac
    done
    echo "$at"
}

_fief_value() {
    case $1 in
    --debug) _fief_words "off check full guard" "$2" ;;
    --limit) _fief_words "64M 256M 1G 4G" "$2" ;;
    --shim) _fief_words "malloc cpython malloc,cpython none" "$2" ;;
    --report) mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
    esac
}

_fief_argument() {
    if declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$2")
    fi
}

_fief() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} at
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _fief_words "run --help --version" "$word"
    elif [[ ${COMP_WORDS[1]} == run ]]; then
        at=$(_fief_command_at)
        [[ $word == = ]] && word=
        [[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}
        if ((at > COMP_CWORD)); then
            _fief_value "$previous" "$word"
        elif ((at < COMP_CWORD)); then
            _fief_argument "$at" "$word"
        elif [[ $word == -* && $previous != -- ]]; then
            _fief_words "--debug --limit --report --stats --leaks --shim --help --" "$word"
        elif [[ $word == */* ]]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
        else
            mapfile -t COMPREPLY < <(compgen -c -- "$word")
        fi
    fi
}

complete -o filenames -F _fief fief
