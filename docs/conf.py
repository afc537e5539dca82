"""The documentation site: `sphinx-build -W docs site` (pip install -e '.[docs]')."""

from sixteenth import __version__

project = "Sixteenth"
author = "The Sixteenth authors"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
exclude_patterns = ["results/*/report.html"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = True

html_theme = "furo"
html_title = f"Sixteenth {version}"
html_show_sphinx = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def _link_to_page(app, path, parent, source):
    """README.md links to files beside it; on the site these are pages of their own."""
    for name in ("CONTRIBUTING", "CHANGELOG"):
        source[0] = source[0].replace(f"({name}.md)", f"({name.lower()}.md)")
    source[0] = source[0].replace("(examples/", "(../examples/")


def setup(app):
    app.connect("include-read", _link_to_page)
