"""A Python program that makes and drops objects of all sorts: "objects.py ROUNDS"."""
import json
import pickle
import re
import sys

WORDS = 'a heap belongs to an interpreter and not to a thread'.split()


def records(count):
    return [{'id': i, 'name': f'{WORDS[i % len(WORDS)]} {i}', 'tags': WORDS[:i % 7], 'score': i / 7} for i in range(count)]


def words_of(text):
    found = {}
    for word in re.findall(r'[a-z]+', text):
        found[word] = found.get(word, 0) + 1
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def main():
    total = 0
    for turn in range(int(sys.argv[1])):
        text = json.dumps(records(8000 + turn))
        again = pickle.loads(pickle.dumps(json.loads(text)))
        total += len(words_of(text)) + sum(record['id'] for record in again)
        total += len(''.join(sorted(str(i * 7919 % 10007) for i in range(20000))))
    print(total)


main()
