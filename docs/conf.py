# SPDX-License-Identifier: GPL-2.0-or-later
"""Sphinx's settings for these pages; "./hypsec docs" runs it.

Nothing beyond Sphinx itself: Debian 12's 5.3 and Debian 13's 8.1 both build
them without a warning, and the result needs no network.
"""

project = 'hypsec-virt'
copyright = 'the hypsec-virt maintainers, GPL-2.0-or-later'

root_doc = 'index'
templates_path = []
exclude_patterns = []

# What is shown in blocks is mostly terminals: nothing to colour.
highlight_language = 'none'
# A reference that leads nowhere is an error here.
nitpicky = True
# Dashes and quotes stay what was typed: options begin with two of them.
smartquotes = False

html_theme = 'alabaster'
html_theme_options = {
    'description': 'A QEMU machine for EL2 corevisors',
    'fixed_sidebar': True,
    'page_width': '64rem',
    'sidebar_width': '15rem',
    'font_family': 'sans-serif',
    'head_font_family': 'sans-serif',
}
html_show_sphinx = False
html_copy_source = False
# No date and no machine's name in the result: the same pages, the same bytes.
html_last_updated_fmt = None
