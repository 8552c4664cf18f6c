# For programs.py: what bash has, put to work. The output depends on nothing but bash.
set -u
declare -A counts
list=()
for i in {1..3000}; do
    list+=("item $((i * 7919 % 10007))")
    counts[${list[-1]: -1}]=$((${counts[${list[-1]: -1}]:-0} + 1))
done
for key in $(printf '%s\n' "${!counts[@]}" | sort); do echo "$key ${counts[$key]}"; done
sorted=$(printf '%s\n' "${list[@]}" | sort -t' ' -k2n | head -n 5)
echo "$sorted"
echo "${list[*]:10:5}" "${list[0]//item/thing}" "${#list[*]}"
nested() { local depth=$1; ((depth > 0)) && nested $((depth - 1)) || echo bottom; }
nested 200
for i in {1..50}; do (list=(); echo "$i") & done | sort -n | tail -n 1
wait
text=$(for i in {1..2000}; do printf 'line %d with some words\n' "$i"; done)
while read -r word number _; do [[ $number =~ ^(1+)$ ]] && echo "$word ${BASH_REMATCH[1]}"; done <<<"$text"
mapfile -t lines < <(printf '%s\n' "$text" | tac)
echo "${#lines[@]} ${lines[0]}"
coproc CAT { cat; }
echo through the coprocess >&"${CAT[1]}"
read -r answer <&"${CAT[0]}"
echo "$answer"
exec {CAT[1]}>&-
wait "$CAT_PID"
trap 'echo trapped' USR1
kill -USR1 $$
eval 'f() { echo "made by eval: $*"; }'
f a b c
unset list counts
echo to stderr >&2
no_such_command_at_all 2>/dev/null || echo "status $?"
