"""Where everything lies, relative to the repository's root."""

from pathlib import Path

from sisa.base.params import Params

VALIDATED = Path("data/validated.txt")
POOL = Path("data/pool.parquet")
SHARDS = Path("data/shards")
TEST = Path("data/test.parquet")
UNION = Path("data/union.parquet")
RETAINED = Path("data/retained")
UNION_RETAINED = Path("data/union_retained.parquet")
UNION_LEAKED = Path("data/union_leaked.parquet")
LEAKAGE = Path("data/leakage_matrix.csv")
REQUESTS = Path("data/requests.csv")
FORGET_SET = Path("data/forget_set.json")
CANDIDATES = Path("data/candidates.parquet")
BASELINE_FULL = Path("models/baseline_full")
BASELINE_RETRAINED = Path("models/baseline_retrained")
BASELINE_LEAKED = Path("models/baseline_leaked")
LOGITS = Path("models/logits.parquet")
LOGITS_CONTROLS = Path("models/logits_controls.parquet")
LOGITS_UNLEARNED = Path("models/logits_unlearned.parquet")


def datasets() -> list[str]:
    """The data sets that have a file in conf/dataset."""
    return sorted(path.stem for path in Path("conf/dataset").glob("*.yaml"))


def raw(dataset: str) -> Path:
    return Path("data/raw", dataset)


def roster(dataset: str) -> Path:
    return Path("data/rosters", f"{dataset}.csv")


def left_out(dataset: str) -> Path:
    """What `make data` did not take; neither Git nor DVC tracks it."""
    return Path("data/raw", f"{dataset}.left_out.csv")


def near_duplicates(dataset: str) -> Path:
    """What `make data` took although it looks like something else; neither Git nor DVC tracks it."""
    return Path("data/raw", f"{dataset}.near_duplicates.csv")


def scenario(params: Params) -> str:
    """The folder name that keeps the models of one class set and sharding apart from leftovers of another."""
    return params.sharding.folder


def members(params: Params) -> Path:
    """The members as trained, one folder a shard."""
    return Path("models/shards", scenario(params))


def retrained(params: Params) -> Path:
    """The members after the request, one folder a shard."""
    return Path("models/retrained", scenario(params))


def retrained_exact(params: Params) -> Path:
    """The members without any copy of a forgotten image, one folder a shard."""
    return Path("models/retrained_exact", scenario(params))


def shadows(params: Params) -> Path:
    """What each shard's members of the shadow ensembles answer, one file a shard."""
    return Path("models/shadows", scenario(params))


def oracles(params: Params) -> Path:
    """What independently trained members of each shard answer, one table a shard."""
    return Path("models/oracles", scenario(params))


def unlearned(params: Params, model: Path) -> Path:
    """What an approximate unlearner made of a model as trained, a member or baseline_full."""
    return approximations(params) / model.relative_to("models")


def approximations(params: Params) -> Path:
    """The folder of all that an approximate unlearner made."""
    return Path("models/unlearned", scenario(params))


def approximating(params: Params) -> Path:
    """The counters of an approximate unlearner."""
    return approximations(params) / "samples.json"


def retraining(params: Params, shard: str) -> Path:
    """The counters of one shard's retraining; beside the member, which is as if trained from scratch."""
    return retrained(params) / f"{shard}.json"
