"""The pages of the report, one module each: what it says, how it is read, how it is drawn.

Adding a page means adding a module here that assigns `PAGE` (quality/report/page.py says what a
page has). A module whose name begins with an underscore is a helper.
"""
