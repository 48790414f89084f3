"""Responses into records: label, rationale and status, from text or JSON."""

from distill.answers.parsing.expression import evaluate_expression
from distill.answers.parsing.numbers import same_number
from distill.answers.parsing.parser import parse_response
from distill.answers.parsing.record import NOTES, STATUSES, Parsed

__all__ = ["NOTES", "STATUSES", "Parsed", "evaluate_expression", "parse_response", "same_number"]
