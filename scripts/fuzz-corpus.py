"""Starting points for a fuzz target: each published message as a file of its own.

usage: fuzz-corpus.py MATERIAL TARGET CORPUS
"""

import hashlib
import json
import pathlib
import re
import sys


def ttlv(material):
    for path in material.glob("conformance/hex/*/*.json"):
        for entry in json.loads(path.read_text()):
            yield bytes.fromhex(entry["hex"])


def xml(material):
    for path in material.glob("conformance/xml/*/*/*.xml"):
        text = path.read_bytes()
        yield from re.findall(rb"<(?:Request|Response)Message>.*?</(?:Request|Response)Message>", text, re.S)


# The smallest: a fuzzer runs each of them before it begins.
LIMIT = 400
SOURCES = {"ttlv": ttlv, "server": ttlv, "xml": xml}


def main():
    material, target, corpus = sys.argv[1:]
    messages = set(SOURCES.get(target, lambda _: ())(pathlib.Path(material)))
    for message in sorted(messages, key=len)[:LIMIT]:
        name = hashlib.sha1(message).hexdigest()
        (pathlib.Path(corpus) / name).write_bytes(message)


if __name__ == "__main__":
    main()
