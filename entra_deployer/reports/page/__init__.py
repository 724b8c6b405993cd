"""The page of `deploy report`: one HTML file that needs nothing else, made of an Overview.

Nothing from outside becomes markup: the templates escape whatever they are given. The page's own policy names the one
script and the one style sheet by their digests, and lets it load nothing.
"""

from entra_deployer.reports.page.page import draw_page

__all__ = ["draw_page"]
