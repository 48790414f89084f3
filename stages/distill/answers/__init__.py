"""What a response says, and when it is right.

`parsing/` reads label, number and rationale out of a text or JSON; `matching` compares a label with the gold one;
`choices` lists a row's own answers; `rationale_measures` counts what rationales share with input and label.
"""
