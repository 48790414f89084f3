"""Looks into the response store: every answer that this clone ever paid for.

run     python stages/store.py stats
        python stages/store.py export .distill/answers.jsonl     # for a colleague
        python stages/store.py export --rescue rescued.jsonl     # what a damaged store still holds, row by row
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
from distill.teacher.rescue import losses, rescue_answers
from distill.teacher.store import Store
from distill.teacher.transfer import export_answers, import_answers, verify


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=paths.store(), help="default: %(default)s, or DISTILL_STORE")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("stats", help="answers, tokens and money by endpoint, model and stage")
    export = actions.add_parser("export", help="all answers as sorted JSONL")
    export.add_argument("--rescue", action="store_true", help="of a damaged store; exits with 1 where rows are lost")
    export.add_argument("file", type=Path)
    actions.add_parser("import", help="adds exported answers").add_argument("file", type=Path)
    actions.add_parser("forget", help="drops refused, filtered, empty and too long answers, to ask for them again")
    actions.add_parser("verify", help="checks everything; exits with 1 where something is wrong")
    options = parser.parse_args()
    if options.action == "export" and options.rescue:
        rescued = rescue_answers(options.store, options.file)
        print(f"{rescued.answers:,} answers written to {options.file}", *losses(rescued), sep="\n")
        return 0 if rescued.whole else 1
    export = checked_export(options.file) if options.action == "import" else None
    with Store(options.store, read_only=options.action not in ("import", "forget")) as store:
        if options.action == "stats":
            print(store_report(store))
        elif options.action == "export":
            print(f"{export_answers(store, options.file):,} answers written to {options.file}")
        elif export:
            print(*import_answers(store, export).lines(export), sep="\n")
        elif options.action == "forget":
            print(f"{forget_failures(store):,} answers without a text are forgotten: their rows are asked again")
        else:
            print("\n".join(problems := verify(store)) or f"{len(store):,} answers, all sound")
            return 1 if problems else 0
    return 0


if __name__ == "__main__":
    run_front_door("store", main)
