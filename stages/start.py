"""Looks at a file of yours and writes the `task` section of params.yaml; asks what it cannot know. Pays nothing.

run     python stages/start.py mine.csv
        python stages/start.py mine.csv --description "Decide which desk answers the message." \\
          --provider openai --model qwen3:8b --base-url http://localhost:11434/v1
        python stages/start.py owner/dataset --revision COMMIT --description "…"    # a hub data set
        python stages/start.py --check    # can DVC read its own files, or was it killed as it wrote one?

reads   the file (.csv, .tsv, .jsonl, .parquet), params.yaml
writes  params.yaml: task, the teacher where it is named, sizes as `auto`; nothing where the task is refused
"""

import argparse

from distill import paths
from distill.lock import check_dvc_files
from distill.running import run_front_door
from distill.settings import load_settings
from distill.settings.writing import settings_tried
from distill.start.answers import ask_person, chosen_settings
from distill.start.showing import introduction


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", help="a file, or a hub data set's id with --revision")
    parser.add_argument("--description", help="one sentence that says what is to be decided")
    parser.add_argument("--kind", choices=("classes", "choices", "number", "text"), help="what an answer is")
    parser.add_argument("--label", help="column of gold labels; none: no row is labelled")
    parser.add_argument("--columns", nargs="+", help="columns that the input is made of")
    parser.add_argument("--classes", nargs="+", help="the allowed labels; default: those in the file")
    parser.add_argument("--choices", nargs="+", help="kind choices: the column of answers, or one column an answer")
    parser.add_argument("--id", help="column of unique ids; none: a hash of the content")
    parser.add_argument("--revision", help="a hub data set's commit hash")
    parser.add_argument("--configuration", help="a hub data set's configuration")
    parser.add_argument("--gguf", help="a GGUF file: the teacher is a model that this machine runs")
    parser.add_argument("--provider", choices=("simulated", "openai", "recorded"), help="who answers")
    parser.add_argument("--model", help="the teacher's model, as its server knows it")
    parser.add_argument("--base-url", help="the teacher's server, as http://localhost:8000/v1")
    parser.add_argument("--check", action="store_true", help="can DVC read its own files? If not, what to do")
    options = parser.parse_args()
    if bool(options.source) == options.check:
        parser.error("give a source, or --check alone")
    return options


def main() -> None:
    options = arguments()
    if options.check:
        return print(check_dvc_files())
    file, changes = chosen_settings(options, ask_person)
    with settings_tried(paths.PARAMS, changes) as changed:
        introduced = introduction(file, load_settings())
    print("\n".join([*(f"params.yaml: {line}" for line in changed), introduced]))


if __name__ == "__main__":
    run_front_door("start", main)
