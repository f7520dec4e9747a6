"""Which objects hold one of the images or were trained on one: by content where that tells, by lineage where not."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from sisa.erasure.contents import (
    ARRAY,
    CHECKPOINT,
    FORGOTTEN,
    LISTING,
    LOG,
    PHOTO,
    RUN,
    SHADOWS,
    TABLE,
    UNREADABLE,
    Content,
)
from sisa.erasure.lineage import TRAINED_ON, Run

Ids = frozenset[str]
Origins = dict[str, list[Run]]
ERASED: Ids = frozenset({"erased"})  # stands for the ids of a table that an earlier receipt names
UNDECIDED = None  # what a question answers that nothing can decide; otherwise the ids, empty for a clean object

HOLDS = {TABLE: "holds {}", PHOTO: "is {}", ARRAY: "holds {}", SHADOWS: "has answers about {}"}


@dataclass(frozen=True)
class Tainted:
    """Why an object must go, and which of the images it is about: none where only lineage or a receipt says so."""

    why: str
    ids: Ids = frozenset()


@dataclass
class Verdicts:
    """By hash: what is tainted, and why nothing can decide about the rest that is not clean."""

    tainted: dict[str, Tainted] = field(default_factory=dict)
    undecided: dict[str, str] = field(default_factory=dict)


def decide(
    contents: dict[str, Content], runs: Collection[Run], erased: Collection[str], cleared: Collection[str] = ()
) -> Verdicts:
    """Judge every object by its hash.

    contents: what each object is; runs: all that ran, as far as any lock or run-cache tells; erased: hashes that an
    earlier receipt names; cleared: hashes that were proven clean when there was more to tell by. An object that has a
    clean origin is clean, whatever else made the same bytes.
    """
    verdicts = Verdicts()
    for name, content in contents.items():
        if content.kind in HOLDS and content.ids:
            verdicts.tainted[name] = Tainted(HOLDS[content.kind].format(counted(content.ids)), content.ids)
        elif name in erased:
            verdicts.tainted[name] = Tainted("an earlier receipt names it as erased")
        elif content.kind == UNREADABLE:
            verdicts.undecided[name] = "it is damaged, cut off, or of a kind that is never opened"
    origins = origins_of(contents, [*runs, *(each.run for each in contents.values() if each.run)])
    judge_checkpoints(verdicts, contents, origins, erased)
    judge_shadows(verdicts, contents, origins, erased)
    judge_logs(verdicts, contents, origins, erased)
    for name in cleared:
        verdicts.undecided.pop(name, None)
    judge_listings(verdicts, contents)
    judge_run_cache(verdicts, contents)
    return verdicts


def counted(ids: Ids) -> str:
    return "one of the images" if len(ids) == 1 else f"{len(ids):,} of the images"


def origins_of(contents: dict[str, Content], runs: Iterable[Run]) -> Origins:
    """The training runs that wrote each object, by itself or inside a folder."""
    origins = defaultdict(list)
    for run in each_once(run for run in runs if run.stage in TRAINED_ON):
        for out in run.outs.values():
            for name in [out, *(contents[out].files.values() if out in contents else ())]:
                origins[name].append(run)
    return origins


def each_once(runs: Iterable[Run]) -> list[Run]:
    return [*{repr(run): run for run in runs}.values()]  # many locks tell of the same run


def judge_checkpoints(
    verdicts: Verdicts, contents: dict[str, Content], origins: Origins, erased: Collection[str]
) -> None:
    known: dict[str, Ids] = {}
    for content in contents.values():
        for digest, ids in content.sliced.items():
            known[digest] = known.get(digest, frozenset()) | ids
    for name in of_kind(contents, CHECKPOINT, but=verdicts.tainted):
        digests = contents[name].digests
        ids = frozenset().union(*(known.get(digest, frozenset()) for digest in digests))
        if ids:
            verdicts.tainted[name] = Tainted(f"was trained on {counted(ids)}, says its header", ids)
        elif not all(digest in known for digest in digests):
            by_lineage(verdicts, name, contents, origins, erased)


def judge_shadows(verdicts: Verdicts, contents: dict[str, Content], origins: Origins, erased: Collection[str]) -> None:
    for name in of_kind(contents, SHADOWS, but=verdicts.tainted):
        by_lineage(verdicts, name, contents, origins, erased)


def judge_logs(verdicts: Verdicts, contents: dict[str, Content], origins: Origins, erased: Collection[str]) -> None:
    """A log tells of the checkpoints that lie beside it."""
    beside = defaultdict(list)
    for content in contents.values():
        folders = defaultdict(list)
        for path, name in content.files.items():
            folders[PurePosixPath(path).parent].append((path, name))
        for files in folders.values():
            models = [name for path, name in files if path.endswith(".safetensors")]
            for _, name in files:
                beside[name].append(models)
    for name in of_kind(contents, LOG, but=verdicts.tainted):
        groups = beside[name]
        bad = [each for each in groups if any(model in verdicts.tainted or model in erased for model in each)]
        open_ = [each for each in groups if any(model in verdicts.undecided or model not in contents for model in each)]
        if any(each not in bad and each not in open_ for each in groups):
            continue
        if bad:
            ids = frozenset().union(*(verdicts.tainted[m].ids for each in bad for m in each if m in verdicts.tainted))
            verdicts.tainted[name] = Tainted("is the log of a model that goes", ids)
        else:
            by_lineage(verdicts, name, contents, origins, erased)


def by_lineage(
    verdicts: Verdicts, name: str, contents: dict[str, Content], origins: Origins, erased: Collection[str]
) -> None:
    """What a trained output was trained on, by every run that wrote it; one clean origin is enough."""
    answers = [ids_trained_on(run, contents, erased) for run in origins.get(name, [])]
    if any(answer == frozenset() for answer in answers):
        return
    tainting = [(run, ids) for run, ids in zip(origins.get(name, []), answers, strict=True) if ids is not UNDECIDED]
    if not tainting:
        verdicts.undecided[name] = "nothing that is left tells what it was trained on"
        return
    run, ids = tainting[0]
    stage = f"{run.stage}@{run.shard}" if run.shard else run.stage
    about = counted(ids - ERASED) if ids - ERASED else "a table that was erased"
    verdicts.tainted[name] = Tainted(f"{stage} wrote it, trained on {about}", ids - ERASED)


def ids_trained_on(run: Run, contents: dict[str, Content], erased: Collection[str]) -> Ids | None:
    """The images among those that a run trained on; UNDECIDED where a table is gone that could add to none."""
    there = [name for name in run.trained_on if name in contents and contents[name].kind == TABLE]
    found: Ids = frozenset().union(*(contents[name].ids for name in there))
    if set(run.trained_on) & set(erased):
        found |= ERASED
    if not found and len(there) < len(TRAINED_ON[run.stage]):
        return UNDECIDED
    if not found or not run.less:
        return found
    if run.less not in contents or contents[run.less].kind != FORGOTTEN:
        return UNDECIDED
    return found - contents[run.less].listed


def judge_listings(verdicts: Verdicts, contents: dict[str, Content]) -> None:
    for name in of_kind(contents, LISTING, but=verdicts.tainted):
        lost = [verdicts.tainted[each] for each in contents[name].files.values() if each in verdicts.tainted]
        if lost:
            ids = frozenset().union(*(each.ids for each in lost))
            verdicts.tainted[name] = Tainted(f"lists {len(lost):,} objects that go", ids)


def judge_run_cache(verdicts: Verdicts, contents: dict[str, Content]) -> None:
    for name in of_kind(contents, RUN, but=verdicts.tainted):
        if contents[name].run.hashes & verdicts.tainted.keys():
            verdicts.tainted[name] = Tainted("names an object that goes")


def of_kind(contents: dict[str, Content], kind: str, but: Collection[str]) -> list[str]:
    return [name for name, content in contents.items() if content.kind == kind and name not in but]
