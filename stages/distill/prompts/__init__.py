"""From rows to requests and from replies to records, with the prompts of `data/prompt.yaml`."""
