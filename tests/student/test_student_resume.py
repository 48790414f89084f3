import os
import signal
from types import SimpleNamespace

import pytest
from toy_student import CARD, RUNTIME, STUDENT, ToySettings, examples, settings, training_rows

from distill import paths
from distill.student.checkpoints import Checkpoints, run_key
from distill.student.trainer import TwoTaskTrainer
from distill.student.training import train_student

SHORT = {
    "steps": 12,
    "evaluate_every": 5,
    "student": {"scratch": STUDENT.scratch.__class__("encoder_decoder", 512, 32, 64, 2, 1, 1, 0.2)},
}


def train(out, every=4, **changed):
    made = settings(**(SHORT | changed))
    runtime = SimpleNamespace(**(vars(RUNTIME) | {"checkpoint_steps": every}))
    made = ToySettings(made.student, made.train, runtime)
    return train_student(training_rows(), examples()[:12], CARD, made, out, out.with_suffix(".json"))


def files(out):
    return {path.name: path.read_bytes() for path in [*out.iterdir(), out.with_suffix(".json")]}


def losses(monkeypatch):
    """Every loss from here on, as numbers."""
    found = []
    original = TwoTaskTrainer.compute_loss

    def compute(self, *given, **named):
        loss = original(self, *given, **named)
        found.append(loss.item())
        return loss

    monkeypatch.setattr(TwoTaskTrainer, "compute_loss", compute)
    return found


def killed_at(step, out, first=1, **changed):
    """Trains in another process, and kills it as the step's losses of the student with seed `first` are computed."""
    child = os.fork()
    if child == 0:
        original = TwoTaskTrainer.compute_loss

        def compute(self, *given, **named):
            if (self.state.global_step, self.settings.seed) == (step, first):
                os.kill(os.getpid(), signal.SIGKILL)
            return original(self, *given, **named)

        TwoTaskTrainer.compute_loss = compute
        try:
            train(out, **changed)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_a_killed_run_goes_on_with_the_same_losses_to_the_same_bytes(tmp_path, monkeypatch, capfd, optimizer):
    changed = {"optimizer": optimizer, "gradient_accumulation": 2}
    whole = losses(monkeypatch)
    expected = train(tmp_path / "whole", **changed)
    assert len(whole) == 24
    assert not list(paths.checkpoints().iterdir()), "a finished run leaves no checkpoint"
    monkeypatch.undo()
    monkeypatch.setenv("DISTILL_STORE", str(tmp_path / "store" / "responses.sqlite"))
    killed_at(11, tmp_path / "killed", **changed)
    assert not (tmp_path / "killed").exists()
    (kept,) = [path for path in paths.checkpoints().iterdir() if path.is_dir()]
    assert [path.name for path in kept.iterdir()] == ["step-8"]
    later = losses(monkeypatch)
    resumed = train(tmp_path / "killed", **changed)
    assert "goes on after step 8" in capfd.readouterr().err
    assert later == whole[16:]
    assert resumed.metrics == expected.metrics
    assert files(tmp_path / "killed") == {
        name.replace("whole", "killed"): text for name, text in files(tmp_path / "whole").items()
    }
    assert not list(paths.checkpoints().iterdir())


def test_a_finished_student_is_not_trained_again_and_a_damaged_checkpoint_not_used(tmp_path, monkeypatch, capfd):
    """Of two students the first was finished, and the second's checkpoint has a byte too many."""
    expected = train(tmp_path / "whole", seeds=2)
    killed_at(9, tmp_path / "killed", seeds=2, first=2)
    kept = {
        path.name: folder for folder in paths.checkpoints().iterdir() if folder.is_dir() for path in folder.iterdir()
    }
    assert sorted(kept) == ["finished", "step-8"]
    with open(kept["step-8"] / "step-8" / "optimizer.pt", "ab") as file:
        file.write(b"x")
    again = losses(monkeypatch)
    assert train(tmp_path / "killed", seeds=2).metrics == expected.metrics
    said = capfd.readouterr().err
    assert "train 1 of 2: was trained before this run was interrupted" in said and "step-8 is damaged" in said
    assert len(again) == 12
    assert files(tmp_path / "killed") == {
        name.replace("whole", "killed"): text for name, text in files(tmp_path / "whole").items()
    }


def test_a_foreign_checkpoint_is_not_used_and_a_held_folder_not_touched(tmp_path, capfd):
    one, other = Checkpoints(tmp_path, "one"), Checkpoints(tmp_path, "other")
    assert one.hold() and other.hold()
    assert not Checkpoints(tmp_path, "one").hold()
    for step in (3, 12):
        written = one.folder / f"checkpoint-{step}"
        written.mkdir()
        (written / "weights").write_text(str(step))
        one.seal(written, step)
    assert [path.name for path in one.folder.iterdir()] == ["step-12"]
    (one.folder / "step-12").rename(other.folder / "step-12")
    assert other.newest() is None
    assert "step-12 belongs to another run; it is deleted and not used" in capfd.readouterr().err
    one.release(finished=False)
    other.release(finished=True)
    assert not list(tmp_path.iterdir())


def test_the_key_tells_apart_what_determines_a_training(tmp_path):
    (tmp_path / "weights").write_text("1")
    key = run_key(["row"], {"train": 1}, [tmp_path])
    assert key == run_key(["row"], {"train": 1}, [tmp_path])
    others = [
        run_key(["other"], {"train": 1}, [tmp_path]),
        run_key(["row"], {"train": 2}, [tmp_path]),
        run_key(["row"], {"train": 1}),
    ]
    assert len({key, *others}) == 4
