"""Figures, pages and their numbers: what a finished study says to a reader.

    discussion  the analysis of a study from its tables and records
    parts       the figures by name, for a notebook and the pages
    provenance  how the study was made, as values; `axes` its grid
    figures/    accuracy against images, what each option gains, training curves, fitted curves
    page/       report.html and report.md, written whole or not at all

It arranges and draws; every word comes from the `Language` that it is given, and widths of text are
measured. It reads plain tables and the analysis; it knows nothing of torch, runs no study and
never changes one.
"""
