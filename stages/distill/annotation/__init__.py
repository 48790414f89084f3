"""Which row is asked what: rates, samples that vote, the quality gate, priming; what a run will ask and cost."""
