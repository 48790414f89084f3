"""README, docs/ and CONTRIBUTING say what is there: their settings, scripts, options, links, paths and figures."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import subprocess

import pytest
import yaml

from distill.paths import PARAMS
from distill.studies.summary import arms_of_table
from distill.studies.wording import arms_text
from house import LIBRARY, ROOT

README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in (README, *DOCS)}
if (ROOT / "CONTRIBUTING.md").exists():
    PAGES["CONTRIBUTING.md"] = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPE = re.compile(r"dvc exp run [^`\n]*-S [^`\n]*")


def code_lines(text: str) -> list[str]:
    """The lines of all fenced blocks of commands, one that goes on over several lines as one."""
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [line.strip() for block in blocks for line in re.sub(r"\\\n\s*", "", block).splitlines() if line.strip()]


def recipes() -> list[tuple[str, str]]:
    """(page, command) of every `dvc exp run` with settings, in a block or within a sentence."""
    commands = []
    for name, text in PAGES.items():
        lines = [line for line in code_lines(text) if RECIPE.search(line)]
        prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
        lines += [inline for inline in re.findall(r"`([^`\n]+)`", prose) if RECIPE.search(inline)]
        commands += [(name, RECIPE.search(line).group()) for line in lines]
    return commands


def settings_of(command: str) -> list[dict[str, object]]:
    """What each experiment of the command changes; a comma between values makes several."""
    words = shlex.split(command, comments=True)
    pairs = [word.split("=", 1) for before, word in itertools.pairwise(words) if before == "-S"]
    values = {key: [value] if value[:1] in "[{'" else value.split(",") for key, value in pairs}
    count = max(map(len, values.values()))
    return [
        {key: yaml.safe_load(many[place if len(many) > 1 else 0]) for key, many in values.items()}
        for place in range(count)
    ]


@pytest.mark.parametrize(("page", "command"), recipes())
def test_a_recipes_settings_are_there_and_take_its_values(page, command, make_settings):
    changes = settings_of(command)
    assert all(changes)
    for change in changes:
        make_settings(**change)


def test_recipes_are_found():
    assert len(recipes()) >= 30
    assert settings_of("dvc exp run --queue -S a.b=0.1,0.5 -S 'c.d=[1, 2]' -S e=x   # why") == [
        {"a.b": 0.1, "c.d": [1, 2], "e": "x"},
        {"a.b": 0.5, "c.d": [1, 2], "e": "x"},
    ]


@pytest.mark.parametrize("page", PAGES)
def test_its_scripts_links_and_paths_exist(page):
    text, folder = PAGES[page], (ROOT / page).parent
    for script in re.findall(r"(?:stages|benchmarks)/\w+\.py", text):
        assert (ROOT / script).exists(), script
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert link.startswith("https://") or (folder / link).exists(), link
    for room_file in re.findall(r"`((?:\w+/)+\w+\.py)`", text):
        assert any((place / room_file).exists() for place in (ROOT, LIBRARY, LIBRARY.parent)), room_file
    for path in re.findall(r"`((?:data/(?:examples|prompts|studies)|stages|tests|benchmarks|docs)/[\w./]*)`", text):
        assert (ROOT / path).exists() or "mine" in path, path


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_it_names_is_in_params_yaml(page):
    params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))

    def there(names: list[str]) -> bool:
        place = params
        for name in names:
            if not isinstance(place, dict) or name not in place:
                return place is None or name == "*"
            place = place[name]
        return True

    for inline in re.findall(r"`([a-z_]+(?:\.[a-z_0-9]+)+)[`:= ]", PAGES[page]):
        section, *names = inline.split(".")
        if section in params and names[-1] not in {"py", "yaml", "json", "jsonl", "md", "csv"}:
            measured = section == "student" and page.endswith(("evaluation.md", "results.md"))
            assert measured or there([section, *names]), inline


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_a_page_opens_with_a_command(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ") and lines[2] == "```bash" and lines[3].strip()
    assert not [line for line in lines if len(line) > 120 and not line.startswith("|")]


def test_every_page_is_in_the_index_and_every_room_in_the_readme():
    index = PAGES["docs/README.md"]
    assert {page.name for page in DOCS} - {"README.md"} == set(re.findall(r"\]\((\w[\w-]*\.md)\)", index))
    tree = PAGES["README.md"][PAGES["README.md"].index("## The tree") :]
    rooms = {folder.name for folder in LIBRARY.iterdir() if folder.is_dir() and folder.name != "__pycache__"}
    assert set(re.findall(r"([a-z_]+)/(?= )", tree[tree.index("distill/") :])) - {"distill"} == rooms
    scripts = {script.stem for script in (ROOT / "stages").glob("*.py")}
    assert scripts <= set(re.findall(r"[a-z_]+", PAGES["README.md"]))


def test_the_readme_is_read_in_minutes():
    lines = PAGES["README.md"].splitlines()
    assert len(lines) <= 150
    terms = lines[lines.index("## Ten terms") + 4 :]
    assert terms.index("") == 10
    assert all(len(line) <= 122 for line in lines if "](" not in line), max(lines, key=len)


def test_an_option_that_is_told_is_one_that_its_script_takes():
    """In the pages, in what a script says of itself, and where a benchmark starts a stage."""
    scripts = [file for folder in ("stages", "benchmarks") for file in (ROOT / folder).glob("*.py")]
    for file in [*(ROOT / page for page in PAGES), *scripts]:
        text = file.read_text(encoding="utf-8").replace("\\\n", " ")
        commands = re.findall(r"python ((?:stages|benchmarks)/\w+\.py)([^\n`#]*)", text) + re.findall(
            r'"((?:stages|benchmarks)/\w+\.py)"(.*)', text
        )
        for script, line in commands:
            for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", line):
                known = f'"{option}"' in (ROOT / script).read_text(encoding="utf-8") or option == "--help"
                assert known, f"{file.name}: {script} {option}"


def committed(name: str) -> dict:
    """Metrics as Git has them: those in the workspace may be of somebody's own experiment. As the file has them where
    there is no Git repository."""
    shown = subprocess.run(["git", "show", f"HEAD:metrics/{name}"], cwd=ROOT, capture_output=True, text=True)
    return json.loads(shown.stdout if shown.returncode == 0 else (ROOT / "metrics" / name).read_text(encoding="utf-8"))


def test_the_readmes_result_is_the_committed_runs():
    text, metrics = " ".join(PAGES["README.md"].split()), committed("evaluate.json")
    for who in ("student", "teacher", "majority", "untrained", "cascade"):
        label = metrics[who]["label"]
        row = (
            f"| {100 * label['accuracy']:.1f} % | {100 * label['accuracy_ci_low']:.1f} to "
            f"{100 * label['accuracy_ci_high']:.1f} % |"
        )
        assert row in text, row
    cost, cascade = metrics["cost"], metrics["cascade"]
    assert f"cost ${cost['annotation']['usd']:.2f} and the search for the prompt ${cost['search']['usd']:.2f}" in text
    assert f"the teacher answers the {100 * cascade['sent']:.1f} % of rows" in text
    assert f"costs ${cascade['usd_per_1000']:.4f} per 1,000 rows" in text
    assert f"the teacher alone costs ${metrics['teacher']['usd_per_1000']:.3f}." in text
    right = committed("annotate.json")["train"]["label"]["accuracy"]
    assert f"{100 * right:.1f} % are right" in text


@pytest.mark.parametrize(("name", "page"), [("practice", "docs/results.md"), ("loss_options", "docs/loss-options.md")])
def test_a_pages_study_is_the_committed_table(name, page):
    study = committed(f"studies/{name}.json")
    table = arms_text(arms_of_table(study), study["confidence"])
    assert table in PAGES[page], table


def test_the_results_frontier_is_the_committed_one():
    """Dollars and accuracy of the points that the page names."""
    rows = committed("studies/frontier.json")["arms"]
    assert rows
    text = " ".join(PAGES["docs/results.md"].split())
    table = (ROOT / "metrics" / "frontier.md").read_text(encoding="utf-8")
    for point, usd, accuracy in re.findall(r"^\| \w* \| ([^|]+) \| ([\d.]+)[^|]* \| ([\d.]+ %)", table, re.MULTILINE):
        if point in {"as most", "optimizer fixed", "rationale_rate 0.75", "data_share 0.5"}:
            assert accuracy in text and f"${float(usd):.2f}" in text, point


def test_what_the_fuzzer_came_to_is_the_committed_run():
    run, text = committed("fuzz.json"), " ".join(PAGES["docs/security.md"].split())
    assert set(run) == {"params", "tables", "recorded", "imports", "bodies"}
    assert {target["mutations"] for target in run.values()} == {5000} and "5,000 each" in text
    assert not any(target["failures"] for target in run.values())


def test_what_500_kills_came_to_is_the_committed_run():
    run, text = committed("kill_test.json"), " ".join(PAGES["docs/security.md"].split())
    assert run["kills"] >= 500 and run["failures"] == 0 and len(run["by_stage"]) == 8
    assert f"Killed {run['kills']} times" in text and f"{run['failures']} failures" in text
    assert f"Of {run['calls']:,} calls {run['paid_twice']} were paid twice" in text
    ends = f"took {run['longest_end_s']:.2f} s, after two signals {run['longest_end_of_two_s']:.2f} s"
    assert ends in text and f"{run['files_of_dvc_mended']} times DVC left a file" in text


def test_a_merge_keeps_a_clones_own_generated_files(tmp_path):
    """As docs/sharing.md says of .gitattributes, through Git."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout

    def commit(text: str) -> None:
        for name in ("dvc.lock", "metrics/evaluate.json", "metrics/plots/frontier.json", "data/prompt.yaml"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        git("add", "-A")
        git("commit", "-qm", text)

    git("init", "-q", "-b", "main")
    git("config", "user.name", "test")
    git("config", "user.email", "test@example.org")
    (command,) = [line for line in code_lines(PAGES["docs/sharing.md"]) if "merge.ours.driver" in line]
    subprocess.run(shlex.split(command, comments=True), cwd=tmp_path, check=True)
    (tmp_path / ".gitattributes").write_text((ROOT / ".gitattributes").read_text())
    commit("base")
    git("checkout", "-qb", "upstream")
    (tmp_path / "code.py").write_text("new = True")
    commit("upstream")
    git("checkout", "-q", "main")
    commit("mine")
    git("merge", "-q", "--no-edit", "upstream")
    assert git("status", "--porcelain") == ""
    assert {(tmp_path / name).read_text() for name in ("dvc.lock", "metrics/evaluate.json", "data/prompt.yaml")} == {
        "mine"
    }
    assert (tmp_path / "metrics/plots/frontier.json").read_text() == "mine"
    assert (tmp_path / "code.py").exists()
