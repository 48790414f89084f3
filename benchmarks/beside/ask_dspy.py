"""The benchmark's questions through dspy. Arguments: base URL, rows, how many at once. Prints rows a second."""

import sys
import time

import dspy

base_url, rows, at_once = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
dspy.configure(
    lm=dspy.LM("openai/bench", api_base=base_url, api_key="none", temperature=0.0, max_tokens=200, cache=True)
)
# The raw language model, without dspy's own prompt and parsing around it.
examples = [
    f"Is a thing {number} larger than a bread box? First explain in one sentence, then answer with yes or no."
    for number in range(rows)
]
model = dspy.settings.lm


class Ask(dspy.Module):
    def forward(self, question: str) -> dspy.Prediction:
        return dspy.Prediction(text=model(question)[0])


program = Ask()
program(question="warm up")
began = time.perf_counter()
found = program.batch(
    [dspy.Example(question=example).with_inputs("question") for example in examples],
    num_threads=at_once,
    disable_progress_bar=True,
)
assert len(found) == rows
print(f"{rows / (time.perf_counter() - began):7.0f} rows/s")
