"""What became of each file of a data set: taken, or left out and why."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from sisa.base.text import counted, printable

DUPLICATE = "duplicates of a picture that is kept"
TWO_CLASSES = "the same picture under two classes"
ERASED = "erased"


@dataclass(frozen=True)
class LeftOut:
    """A file that was not taken, why, and the other file or class that has to do with it, in words."""

    file: str
    reason: str
    other: str = ""

    def __str__(self) -> str:
        return f"{self.file} ({self.other})" if self.other else self.file


@dataclass
class Report:
    """What became of each file that was found; each is in one of the lists. Those renamed have their old names."""

    added: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """One line a fate; the first files that were left out or renamed are named."""
        yield f"added: {len(self.added):,}; on the roster already: {len(self.present):,}"
        if self.renamed:
            yield counted("renamed, and the same images as before", self.renamed)
        yield f"left out: {len(self.left_out):,}"
        for reason in sorted({each.reason for each in self.left_out}):
            these = [each for each in self.left_out if each.reason == reason]
            yield counted(f"left out, {reason}", [str(each) for each in of_each_folder(these)])

    def table(self) -> list[tuple[str, str, str]]:
        """All files that were left out, by reason, below a header."""
        rows = [(printable(each.file), each.reason, printable(each.other)) for each in self.left_out]
        return [("file", "reason", "other"), *sorted(rows, key=lambda row: row[1])]


def of_each_folder(files: list[LeftOut]) -> list[LeftOut]:
    """The first files of all folders, then their second ones, and so on: a folder as a whole shows at once."""
    seen: Counter[str] = Counter()
    ranks = []
    for each in files:
        folder = each.file.rpartition("/")[0]
        seen[folder] += 1
        ranks.append(seen[folder])
    return [file for _, file in sorted(zip(ranks, files, strict=True), key=lambda pair: pair[0])]
