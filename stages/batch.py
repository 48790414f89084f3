"""Looks at the batches that the provider works on (teacher.mode: batch), and stops them.

run     python stages/batch.py list
        python stages/batch.py cancel ID    # what was answered until then is paid, and the next run fetches it
"""

import argparse

from distill import paths
from distill.running import run_front_door
from distill.settings import load_settings
from distill.teacher.batch_ledger import open_batches
from distill.teacher.opening import open_batch_api
from distill.teacher.store import Store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="batches that are not fetched yet, and where they stand")
    actions.add_parser("cancel", help="asks the provider to stop a batch").add_argument("id")
    options = parser.parse_args()
    settings = load_settings()
    with Store(paths.store(), read_only=True) as store, open_batch_api(settings) as api:
        if options.action == "cancel":
            state = api.cancel(options.id)
            print(f"{state.id}: {state.status}, {state.done:,}/{state.total:,} rows answered")
            return
        for batch in open_batches(store):
            state = api.state(batch.id) if batch.id and batch.endpoint == api.endpoint else None
            where = f"{state.status}, {state.done:,}/{state.total:,} rows answered" if state else f"at {batch.endpoint}"
            print(f"{batch.id or 'not confirmed'}: {batch.stage}, {batch.rows:,} rows, {where}")


if __name__ == "__main__":
    run_front_door("batch", main)
