"""The colours of all figures, on paper and on the page: one thing has one colour everywhere."""

from sisa.publishing.metrics_table import BASELINE_FULL, BASELINE_LEAKED, BASELINE_RETRAINED
from sisa.unlearning.states import AFTER, BEFORE, RETRAINED, RETRAINED_EXACT

RED, GREY = "#c2453a", "#737985"
STATES = {BEFORE: "#4f86b8", AFTER: "#bd7c1a", RETRAINED: RED, BASELINE_FULL: GREY, BASELINE_RETRAINED: "#8064a8"}
COLOURS = STATES | {RETRAINED_EXACT: "#2f8f83", BASELINE_LEAKED: "#a0567f"}
LINES = ("#1f6f9c", RED, "#5a9e4b", "#8a5aa8", "#c98a1b", "#4b4b4b")  # in this order, for what has no colour of its own
CELL = "#2f5d9e"
