"""Looks into the response store: every answer that this clone ever paid for.

run     python stages/store.py stats
        python stages/store.py export .distill/answers.jsonl     # for a colleague, or out of a damaged store
        python stages/store.py import answers.jsonl
        python stages/store.py forget                   # answers without a text: their rows are asked again
        python stages/store.py verify                   # every page, key, body and derived column
"""

import argparse
from pathlib import Path

from distill import paths
from distill.running import run_front_door
from distill.teacher.exported import checked_export
from distill.teacher.inventory import forget_failures, store_report
from distill.teacher.store import Store
from distill.teacher.transfer import export_answers, import_answers, verify


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--store", type=Path, default=paths.store(), help="default: %(default)s (DISTILL_STORE overrides it)"
    )
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("stats", help="answers, tokens and money by endpoint, model and stage")
    actions.add_parser("export", help="all answers as sorted JSONL").add_argument("file", type=Path)
    actions.add_parser("import", help="adds exported answers").add_argument("file", type=Path)
    actions.add_parser("forget", help="drops refused, filtered, empty and too long answers, to ask for them again")
    actions.add_parser("verify", help="checks everything; exits with 1 where something is wrong")
    options = parser.parse_args()
    export = checked_export(options.file) if options.action == "import" else None
    with Store(options.store, read_only=options.action not in ("import", "forget")) as store:
        if options.action == "stats":
            print(store_report(store))
        elif options.action == "export":
            written = export_answers(store, options.file)
            print(
                f"{written.answers:,} answers written to {options.file}"
                + (f"; {written.unreadable:,} could not be read" if written.unreadable else "")
            )
        elif export:
            done = import_answers(store, export)
            print(f"{done.added:,} answers added, {done.present:,} were there already")
            if done.differing:
                print(f"{done.differing:,} of those are other answers to the same requests; the store's own were kept")
            if not export.counted:
                print("the file does not end with the number of its answers: it is of an older version, or cut")
        elif options.action == "forget":
            print(f"{forget_failures(store):,} answers without a text are forgotten: their rows are asked again")
        else:
            print("\n".join(problems := verify(store)) or f"{len(store):,} answers, all sound")
            return 1 if problems else 0
    return 0


if __name__ == "__main__":
    run_front_door("store", main)
