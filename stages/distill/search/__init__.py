"""The search for the prompt: optimizers propose, candidates race on search rows, held-out rows decide."""
