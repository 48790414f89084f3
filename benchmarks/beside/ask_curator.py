"""The benchmark's questions through bespokelabs-curator. Arguments: base URL, rows, how many at once.

Prints rows a second.
"""

import sys
import time

from bespokelabs import curator

base_url, rows, at_once = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
model = curator.LLM(
    model_name="bench",
    backend="openai",
    backend_params={
        "base_url": base_url,
        "max_concurrent_requests": at_once,
        "max_requests_per_minute": 10**7,
        "max_tokens_per_minute": 10**10,
    },
)
questions = [
    f"Is a thing {number} larger than a bread box? First explain in one sentence, then answer with yes or no."
    for number in range(rows)
]
began = time.perf_counter()
found = model(questions)
seconds = time.perf_counter() - began
assert len(found.dataset if hasattr(found, "dataset") else found) == rows
print(f"{rows / seconds:7.0f} rows/s")
