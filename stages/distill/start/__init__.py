"""From somebody's file to the section `task` of params.yaml: a look, questions, and what is shown before a run."""
