"""Which objects hold one of the images or were trained on one: by content where that tells, by lineage where not."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from sisa.base.text import number_of
from sisa.erasure import contents as kinds
from sisa.erasure.contents import Content
from sisa.erasure.lineage import TRAINED_ON, Run

Ids = frozenset[str]
NONE: Ids = frozenset()
ERASED: Ids = frozenset({"erased"})  # stands for the ids of a table that an earlier receipt names
UNTOLD = "nothing that is left tells what it was trained on"
UNDECIDED = None  # what a question answers that nothing can decide; otherwise the ids, empty for a clean object

HOLDS = {kinds.TABLE: "holds {}", kinds.PHOTO: "is {}", kinds.ARRAY: "holds {}"}
HOLDS |= dict.fromkeys((kinds.ANSWERS, kinds.SHADOWS), "has answers about {}")


class Tainted(NamedTuple):
    """Why an object must go, and which of the images it is about: none where only lineage or a receipt says so."""

    why: str
    ids: Ids = NONE


def classify(
    contents: dict[str, Content],
    runs: Collection[Run],
    erased: Collection[str],
    cleared: Collection[str] = (),
    needed: Collection[str] = (),
) -> "Classification":
    """Judge every object by its hash.

    contents: what each object is; runs: all that ran, as far as any lock or run-cache tells; erased: hashes that an
    earlier receipt names; cleared: hashes that were proven clean when there was more to tell by; needed: hashes that
    the locks of the workspace name. An object that has a clean origin is clean, whatever else made the same bytes.
    """
    found = Classification(contents, [*runs, *(each.run for each in contents.values() if each.run)], erased)
    found.judge_contents()
    found.judge_checkpoints()
    for name in found.open_ones(kinds.SHADOWS):
        found.judge_by_lineage(name)
    found.judge_logs()
    for name in cleared:
        found.undecided.pop(name, None)
    found.find_orphans(needed)
    found.judge_what_names()
    return found


def counted(ids: Ids) -> str:
    return "one of the images" if len(ids) == 1 else f"{len(ids):,} of the images"


class Classification:
    """By hash: what is `tainted`, and why nothing can decide about the `undecided`; the rest is clean.

    orphans: those of the undecided that nothing needs, models and the like, and what names them.
    """

    def __init__(self, contents: dict[str, Content], runs: Iterable[Run], erased: Collection[str]):
        self.contents, self.erased = contents, set(erased)
        self.origins = self.origins_of({repr(run): run for run in runs}.values())  # many locks tell of the same run
        self.tainted: dict[str, Tainted] = {}
        self.undecided: dict[str, str] = {}
        self.orphans: set[str] = set()

    def origins_of(self, runs: Iterable[Run]) -> dict[str, list[Run]]:
        """The training runs that wrote each object, by itself or inside a folder."""
        origins = defaultdict(list)
        for run in (run for run in runs if run.stage in TRAINED_ON):
            for out in run.outs.values():
                for name in [out, *(self.contents[out].files.values() if out in self.contents else ())]:
                    origins[name].append(run)
        return origins

    def open_ones(self, kind: str) -> list[str]:
        """The objects of a kind that nothing has tainted so far."""
        return [name for name, each in self.contents.items() if each.kind == kind and name not in self.tainted]

    def judge_contents(self) -> None:
        for name, content in self.contents.items():
            if content.kind in HOLDS and content.ids:
                self.tainted[name] = Tainted(HOLDS[content.kind].format(counted(content.ids)), content.ids)
            elif name in self.erased:
                self.tainted[name] = Tainted("an earlier receipt names it as erased")
            elif content.kind == kinds.UNREADABLE:
                self.undecided[name] = "it is damaged, cut off, or of a kind that is never opened"

    def judge_checkpoints(self) -> None:
        known: dict[str, Ids] = {}
        for content in self.contents.values():
            for digest, ids in content.sliced.items():
                known[digest] = known.get(digest, NONE) | ids
        for name in self.open_ones(kinds.CHECKPOINT):
            digests = self.contents[name].digests
            if ids := NONE.union(*(known.get(digest, NONE) for digest in digests)):
                self.tainted[name] = Tainted(f"was trained on {counted(ids)}, says its header", ids)
            elif not all(digest in known for digest in digests):
                self.judge_by_lineage(name)

    def judge_logs(self) -> None:
        """A log tells of the checkpoints that lie beside it."""
        beside = {name: [] for name in self.open_ones(kinds.LOG)}
        for files in (content.files for content in self.contents.values()):
            places = {path: PurePosixPath(path).parent for path, name in files.items() if name in beside}
            models = [path for path in files if places and path.endswith(".safetensors")]
            for log, folder in places.items():
                beside[files[log]].append([files[path] for path in models if PurePosixPath(path).parent == folder])
        gone = self.tainted.keys() | self.erased
        for name, folders in beside.items():
            bad = [models for models in folders if gone & set(models)]
            if any(self.all_clean(models) for models in folders if models not in bad):
                continue
            if bad:
                ids = NONE.union(*(self.tainted[each].ids for models in bad for each in models if each in self.tainted))
                self.tainted[name] = Tainted("is the log of a model that goes", ids)
            else:
                self.judge_by_lineage(name)

    def all_clean(self, models: list[str]) -> bool:
        return all(model in self.contents and model not in self.undecided for model in models)

    def judge_by_lineage(self, name: str) -> None:
        """What a trained output was trained on, by every run that wrote it; one clean origin is enough."""
        answers = [(run, self.ids_trained_on(run)) for run in self.origins.get(name, [])]
        if any(ids == NONE for _, ids in answers):
            return
        tainting = [(run, ids) for run, ids in answers if ids is not UNDECIDED]
        if not tainting:
            self.undecided[name] = UNTOLD
            return
        run, ids = tainting[0]
        stage = f"{run.stage}@{run.shard}" if run.shard else run.stage
        about = counted(ids - ERASED) if ids - ERASED else "a table that was erased"
        self.tainted[name] = Tainted(f"{stage} wrote it, trained on {about}", ids - ERASED)

    def ids_trained_on(self, run: Run) -> Ids | None:
        """The images among those that a run trained on; UNDECIDED where a table is gone that could add to none."""
        there = [name for name in run.trained_on if name in self.contents and self.contents[name].kind == kinds.TABLE]
        found = NONE.union(*(self.contents[name].ids for name in there))
        if self.erased & set(run.trained_on):
            found |= ERASED
        if not found and len(there) < len(run.training_tables):
            return UNDECIDED
        if not found or not run.less:
            return found
        if run.less not in self.contents or self.contents[run.less].kind != kinds.FORGOTTEN:
            return UNDECIDED
        return found - self.contents[run.less].listed

    def find_orphans(self, needed: Collection[str]) -> None:
        """Models and the like that are undecided, are not needed, and lie in no folder that is."""
        folders = (self.contents[name] for name in needed if name in self.contents)
        kept = {*needed, *(each for folder in folders for each in folder.files.values())}
        self.orphans = {name for name in self.undecided if self.contents[name].kind in kinds.TRAINED} - kept

    def judge_what_names(self) -> None:
        """The listings, and then the entries of the run-cache, which name them, too."""
        for name in self.open_ones(kinds.LISTING):
            lost = [self.tainted[each] for each in self.contents[name].files.values() if each in self.tainted]
            if lost:
                self.tainted[name] = Tainted(
                    f"lists what goes: {number_of(len(lost), 'object')}", NONE.union(*(x.ids for x in lost))
                )
            elif self.orphans & {*self.contents[name].files.values()}:
                self.add_orphan(name, "lists an object")
        for name in self.open_ones(kinds.RUN):
            if self.contents[name].run.hashes & self.tainted.keys():
                self.tainted[name] = Tainted("names an object that goes")
            elif self.contents[name].run.hashes & self.orphans:
                self.add_orphan(name, "names an object")

    def add_orphan(self, name: str, why: str) -> None:
        self.undecided[name] = f"{why} of which {UNTOLD}"
        self.orphans.add(name)
