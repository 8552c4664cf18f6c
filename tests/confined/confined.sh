#!/bin/sh
# The model test where a process gets less than it is used to: "confined.sh MODEL". Speaks TAP.
#
# Under `ulimit -v`, under Valgrind, and under strict overcommit: this last is a setting of the whole machine, so it is
# only changed for the length of the test if FIEF_TEST_OVERCOMMIT=1 says that it may be.
model=$1
count=0

report() { # status, what
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

skip() { # what, why
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

small() {
    "$@" "$model" small --operations 200000 --largest 600 --alignments 13 --seed 1 >&2
}

mixed() {
    "$@" "$model" mixed --operations 50000 --largest 100000 --alignments 13 --seed 2 >&2
}

with_address_space() { # kibibytes, then a command
    (ulimit -v "$1" && shift && "$@")
}

for kibibytes in 8000000 1000000 200000 100000; do
    with_address_space $kibibytes small env
    report $? "small blocks in $kibibytes KiB of address space"
done
for kibibytes in 8000000 1000000; do
    with_address_space $kibibytes mixed env
    report $? "mixed blocks in $kibibytes KiB of address space"
done

if command -v valgrind >/dev/null; then
    small valgrind -q --error-exitcode=9
    report $? "small blocks under Valgrind"
    mixed valgrind -q --error-exitcode=9
    report $? "mixed blocks under Valgrind"
else
    skip "under Valgrind" "valgrind is not installed"
fi

setting=/proc/sys/vm/overcommit_memory
was=$(cat $setting)
if [ "$was" = 2 ]; then
    small env && mixed env
    report $? "under strict overcommit"
elif [ "$FIEF_TEST_OVERCOMMIT" = 1 ] && (echo 2 >$setting) 2>/dev/null; then
    small env && mixed env
    status=$?
    echo "$was" >$setting
    report $status "under strict overcommit"
else
    skip "under strict overcommit" "vm.overcommit_memory is not 2; FIEF_TEST_OVERCOMMIT=1 lets root set it for the test"
fi
echo "1..$count"
