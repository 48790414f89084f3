"""The folder that is handed over: files that transformers loads alone, and a model card written from the run."""
