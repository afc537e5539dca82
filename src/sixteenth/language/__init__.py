"""Findings in words: what a language must say, and English.

base      what a language must say; the names of a study's models and weights
numbers   numbers in sentences
en/       English
"""

from .base import Discussion, Language, Names, SaidAdvice, SaidStep, Statement
from .en import English

__all__ = ["Discussion", "English", "Language", "Names", "SaidAdvice", "SaidStep", "Statement"]
