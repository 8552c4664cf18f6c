# For programs.py: the usual filters, in pipelines.
seq 100000 | awk '{ print $1 * 7919 % 100003, "line", NR }' >lines
sort -n lines | head -n 3
sort -k3 -r lines | sed -n '2p;s/line/LINE/;5p' | head -n 4
sort -S 1M --parallel=2 -n lines | cksum
awk '{ n[$1 % 97] += $3; s[$1 % 13] = s[$1 % 13] substr($1, 1, 1) }
     END { for (i = 0; i < 5; i++) print i, n[i], length(s[i]); print length(n) }' lines
sed -E 's/([0-9]+) line ([0-9]+)/\2:\1/; y/123/abc/' lines | uniq | cksum
tr ' ' '\n' <lines | grep -c line
cut -d' ' -f1 lines | rev | sort | uniq -c | sort -rn | head -n 2
split -l 30000 lines part. && cat part.* | cmp - lines && ls part.*
paste lines lines | column -t 2>/dev/null | tail -n 1
join lines lines 2>/dev/null | wc -l
comm -12 lines lines | wc -l
diff lines /dev/null | tail -n 1
od -An -tx1 lines | tail -n 2
grep -E '^(9+|1[23]+) ' lines
ls /nowhere/at/all; echo "status $?"
