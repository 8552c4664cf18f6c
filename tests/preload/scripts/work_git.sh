# For programs.py: a repository with a history. Dates and names are given, so that every object is the same.
set -e
export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=n@example.org GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=n@example.org
export GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat
git init -q -b trunk .
for commit in 1 2 3 4 5 6 7 8; do
    export GIT_AUTHOR_DATE="2020-01-0$commit 12:00:00 +0000" GIT_COMMITTER_DATE="2020-01-0$commit 12:00:00 +0000"
    for i in $(seq 200); do seq "$commit" $((i + commit * 10)) >"file-$i"; done
    git add -A
    git commit -q -m "Commit $commit"
done
git log --stat | tail -n 30
git log --format='%H %an %ad %s' -p -- file-7 | cksum
git checkout -q -b side HEAD~3
echo side >>file-1
git commit -qam side
git checkout -q trunk
git merge -q side >/dev/null 2>&1 || echo "a conflict, status $?"
git status --short
git checkout -q --theirs file-1
git add file-1
git commit -q -m 'Merged'
git rebase -q side 2>/dev/null || { echo "a conflict, status $?"; git rebase --abort; }
git gc -q --prune=now
git fsck --full --strict 2>&1
git repack -adfq --depth=20 --window=20 --threads=2
git clone -q --no-local . again
git -C again log --oneline
git grep -c 9 HEAD -- 'file-1*' | head -n 5
git blame file-9 | cksum
git archive HEAD | cksum
git stash list
git no-such-verb 2>/dev/null || echo "status $?"
