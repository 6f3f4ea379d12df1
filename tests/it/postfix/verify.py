"""Verifies every DKIM signature of a message with dkimpy, which is not ours.

verify.py RECORDS MESSAGE: RECORDS is a JSON file of TXT records by name. Prints a line for each signature: its domain, its
algorithm, whether it verifies, and whether it does once a second From is put before the message.
"""

import json
import sys

import dkim


def verdicts(message, records):
    verifier = dkim.DKIM(message)
    count = sum(name.lower() == b"dkim-signature" for name, _ in verifier.headers)
    lookup = lambda name, timeout=5: records.get(name.decode().rstrip("."), "").encode() or None
    for index in range(count):
        try:
            verified = verifier.verify(idx=index, dnsfunc=lookup)
        except dkim.DKIMException as error:
            verified = error
        tags = verifier.signature_fields
        yield tags[b"d"].decode(), tags[b"a"].decode(), verified


with open(sys.argv[1], encoding="utf-8") as file:
    RECORDS = json.load(file)
with open(sys.argv[2], "rb") as file:
    MESSAGE = file.read()
FORGED = verdicts(b"From: forger@example.org\n" + MESSAGE, RECORDS)
for (domain, algorithm, verified), (_, _, forged) in zip(verdicts(MESSAGE, RECORDS), FORGED):
    print(domain, algorithm, verified, forged)
