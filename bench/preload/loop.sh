# What bash is measured with: "loop.sh ROUNDS". Words, arrays, pattern substitution, functions, command substitution.
declare -A seen
words=()
join() {
    local IFS=,
    REPLY="$*"
}
for ((i = 0; i < $1; i++)); do
    words+=("word-$((i * 7919 % 1009))")
    seen[${words[i]}]+=$i,
    join "${words[@]: -20}"
    line=${REPLY//word-/w}
    line=${line//[0-9]/.}
    ((i % 1000)) || text=$(printf '%s\n' "${!seen[@]}" | sort | head -n 5)
done
echo "${#words[@]} ${#seen[@]} ${#line} ${#text}"
