"""Verifies an audit log with two independent verifiers from PyPI.

The verifiers are pymerkle (trees and proofs of RFC 9162, in Python) and metamorphic-log (C2SP
checkpoints, signed notes and proofs, in Rust).

Argument: a folder with `audit-log/` (the segments), `public-key`, `checkpoint.*` (in the order of
their names: each signs more than the one before) and `proof.*` (C2SP tlog-proof, under the last
checkpoint). This script has its own reader of the segments, written from
docs/reference/audit-log-format.md. Prints how much was verified; any error ends the program with
the reason.

Other packages do not fit: tlog-scales reads no checkpoint with extension lines, aics-tlog needs a
newer Python than Debian 12 has, and sigstore and ctutlz verify only the formats of Rekor and of
certificates.
"""

import base64
import hashlib
import pathlib
import sys

import metamorphic_log
import pymerkle


def records(segment):
    """Yields the records of a segment, each checked against the hash that follows it."""
    data, at = segment.read_bytes(), 0
    while at < len(data):
        assert data[at : at + 4] == b"KTR1", f"{segment.name}: no record at {at}"
        length = int.from_bytes(data[at + 4 : at + 8], "big")
        record, leaf = data[at + 8 : at + 8 + length], data[at + 8 + length : at + 40 + length]
        assert hashlib.sha256(b"\0" + record).digest() == leaf, f"{segment.name}: not its hash at {at}"
        yield record
        at += 40 + length


def consistency(tree, older, newer):
    """The path of RFC 6962, section 2.1.2, followed literally, with the hashes of pymerkle's tree."""

    def whole(start, end):
        if end - start == 1:
            return tree.get_leaf(start + 1)
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        return tree.hash_pair(whole(start, middle), whole(middle, end))

    def subproof(size, start, end, complete):
        if size == end - start:
            return [] if complete else [whole(start, end)]
        half = 1 << (end - start - 1).bit_length() - 1
        if size <= half:
            return subproof(size, start, start + half, complete) + [whole(start + half, end)]
        return subproof(size - half, start + half, end, False) + [whole(start, start + half)]

    return subproof(older, 0, newer, True)


def refused(verify, *arguments):
    """Whether the verifier refuses: shows that the verification can fail."""
    try:
        verify(*arguments)
    except metamorphic_log.VerifyError:
        return True
    return False


def main(folder):
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for segment in sorted((folder / "audit-log").glob("*.seg")):
        for record in records(segment):
            tree.append_entry(record)
    keys = [(folder / "public-key").read_text().strip()]

    notes = [path.read_text() for path in sorted(folder.glob("checkpoint.*"))]
    heads = [metamorphic_log.checkpoint_verify(note, keys) for note in notes]
    assert heads[-1].size == tree.get_size(), "the last checkpoint signs everything"
    for note, head in zip(notes, heads):
        assert head.root == tree.get_root(head.size), f"another root at {head.size}"
        assert refused(metamorphic_log.checkpoint_verify, note.replace(str(head.size), str(head.size + 1), 1), keys)
    for older, newer in zip(range(len(notes)), range(1, len(notes))):
        sizes = heads[older].size, heads[newer].size
        proof = tree.prove_consistency(*sizes)
        pymerkle.verify_consistency(heads[older].root, heads[newer].root, proof, *sizes)
        path = consistency(tree, *sizes)
        metamorphic_log.checkpoint_verify_consistency(notes[older], notes[newer], keys, path)
        other = [path[0][::-1], *path[1:]]
        verify = metamorphic_log.checkpoint_verify_consistency
        assert refused(verify, notes[older], notes[newer], keys, other), "any path is accepted"

    proofs = sorted(folder.glob("proof.*"))
    for file in proofs:
        head, note = file.read_text().split("\n\n", 1)
        kind, extra, index, *path = head.split("\n")
        assert kind == "c2sp.org/tlog-proof@v1" and note == notes[-1], f"{file.name}: another kind or checkpoint"
        record = base64.b64decode(extra.removeprefix("extra "), validate=True)
        index, path = int(index.removeprefix("index ")), [base64.b64decode(line, validate=True) for line in path]
        leaf = hashlib.sha256(b"\0" + record).digest()
        verify = metamorphic_log.checkpoint_verify_inclusion
        verify(note, keys, index, leaf, path)
        assert refused(verify, note, keys, index, leaf[::-1], path), "any leaf is accepted"
        assert refused(verify, note, keys, index + 1, leaf, path), "any index is accepted"
        theirs = tree.prove_inclusion(index + 1, heads[-1].size)
        pymerkle.verify_inclusion(leaf, heads[-1].root, theirs, index + 1, heads[-1].size)
        assert theirs.path == [leaf, *path], f"{file.name}: another path"
    print(f"{tree.get_size()} records, {len(notes)} checkpoints, {len(proofs)} proofs")


main(pathlib.Path(sys.argv[1]))
