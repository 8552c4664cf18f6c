# What bash is measured with: "loop.sh ROUNDS". Words, arrays, pattern substitution, functions, command substitution.
declare -A seen
words=()
join() {
    local IFS=,
    REPLY="$*"
}
for ((i = 0; i < $1; i++)); do
    word=word-$((i * 7919 % 1009))
    words[i % 50]=$word
    seen[$word]=$i,${seen[$word]::20}
    join "${words[@]}"
    line=${REPLY//word-/w}
    line=${line//9/nine}
    ((i % 1000)) || text=$(printf '%s\n' "${!seen[@]}" | sort | head -n 5)
done
echo "${#words[@]} ${#seen[@]} ${#line} ${#text}"
