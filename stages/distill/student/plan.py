"""What a trained student is: the plan beside its weights, and the words that tell it its task.

This file needs no torch, so that hand-over, ONNX export and diagnostics read the same plan as training does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from distill.errors import DataError
from distill.rows.files import write_json
from distill.rows.records import read_json

PLAN_FILE = "student.json"

# By task. Special tokens that a decoder starts with (train.task_token: decoder); decoding drops them.
TASK_TOKENS = {"label": "<label>", "rationale": "<rationale>"}
# What precedes the input where a prefix tells the task; the words of arXiv 2305.02301, section 3.2.
TASK_PREFIXES = {"label": "predict: ", "rationale": "explain: "}
# What stands between a decoder-only student's input and its answer. It is plain text: a new token would have to be
# learnt, and LoRA's frozen embeddings cannot learn it.
TASK_MARKS = {"label": "\nLabel:", "rationale": "\nRationale:"}

ENCODER_DECODER, DECODER_ONLY, ENCODER = "encoder_decoder", "decoder_only", "encoder"

# Of whatever loads a model or a tokenizer: code that comes with it is never run.
NO_CODE = {"trust_remote_code": False}


@dataclass(frozen=True)
class StudentForm:
    """How a kind of student is loaded elsewhere.

    model_class: of transformers. pipeline_tag: the task's name on the Hugging Face hub. onnx_task: the name of what is
    exported, of optimum. onnx_class: what loads the export, of optimum.onnxruntime.
    """

    model_class: str
    pipeline_tag: str
    onnx_task: str
    onnx_class: str


# Every form that a student can have. An encoder has one for each kind of task that it can do.
FORMS = {
    ENCODER_DECODER: StudentForm(
        "AutoModelForSeq2SeqLM", "text2text-generation", "text2text-generation-with-past", "ORTModelForSeq2SeqLM"
    ),
    DECODER_ONLY: StudentForm(
        "AutoModelForCausalLM", "text-generation", "text-generation-with-past", "ORTModelForCausalLM"
    ),
    "encoder classes": StudentForm(
        "AutoModelForSequenceClassification",
        "text-classification",
        "text-classification",
        "ORTModelForSequenceClassification",
    ),
    "encoder choices": StudentForm(
        "AutoModel", "sentence-similarity", "feature-extraction", "ORTModelForFeatureExtraction"
    ),
}


def form_name(kind: str, task_kind: str) -> str:
    """The name in FORMS of a student of this kind for a task of this kind; an encoder may have none there."""
    return f"{kind} {task_kind}" if kind == ENCODER else kind


@dataclass(frozen=True)
class StudentPlan:
    """What predicting needs besides weights and tokenizer; `student.json` in the student's folder.

    kind: ENCODER_DECODER, DECODER_ONLY or ENCODER. mode, task_token: train.mode and train.task_token of params.yaml.
    task_kind, classes: the kind of the task, and its classes where it has any. max_label_tokens: of a label that the
    student writes. temperature: an encoder's similarities are divided by it. name, revision, seed: what the student
    was before its first step, as in the section `student` of params.yaml.
    """

    kind: str
    mode: str
    task_token: str
    task_kind: str
    classes: tuple[str, ...]
    max_input_tokens: int
    max_label_tokens: int
    max_rationale_tokens: int
    name: str
    revision: str | None
    seed: int
    temperature: float = 1.0

    @classmethod
    def read(cls, folder: Path) -> StudentPlan:
        """The plan in a student's folder. Raises DataError where it is missing, or is of a student of no known form."""
        plan = read_json(folder / PLAN_FILE, cls)
        if plan.form_name not in FORMS:
            raise DataError(
                f"{folder / PLAN_FILE}: the student's form is {plan.form_name!r}; allowed: {', '.join(FORMS)}"
            )
        return plan

    def write(self, folder: Path) -> None:
        write_json(folder / PLAN_FILE, self)

    @property
    def form_name(self) -> str:
        """The student's name in FORMS."""
        return form_name(self.kind, self.task_kind)

    @property
    def form(self) -> StudentForm:
        return FORMS[self.form_name]

    @property
    def explains(self) -> bool:
        """Whether it learnt to write rationales."""
        return self.mode != "standard"

    @property
    def single_answer(self) -> bool:
        """Whether it writes its rationale and its label as one answer."""
        return self.mode == "single_task"

    @property
    def by_prefix(self) -> bool:
        """Whether a prefix of the input tells the task."""
        return self.task_token == "prefix" and not self.single_answer

    @property
    def writes_labels(self) -> bool:
        """Whether it writes its labels token by token, as they are not known beforehand."""
        return self.task_kind in ("number", "text")
