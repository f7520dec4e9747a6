"""params.yaml, typed and validated as a whole: the one loader that every stage uses."""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError

from sisa.base.errors import BadInput
from sisa.base.text import number_of

Name = Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
GROUPS = ("dataset", "leakage", "train", "attacks", "unlearner")
EXACT = "exact"  # the precision whose bits are the same on every machine
MISSING = {"missing": "is missing", "extra_forbidden": "is not a parameter"}
NO_NAME = "write it in lower-case letters, digits, _ and - alone"


class Section(BaseModel):
    """A part of params.yaml: unknown keys and loosely typed values are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Array(Section):
    """A NumPy array inside a gzipped file: its place in the wheel, its checksum and the byte offset after gunzip."""

    member: str
    sha256: str
    offset: NonNegativeInt


class Wheel(Section):
    """Images in a wheel from the package index."""

    kind: Literal["wheel"]
    requirement: str
    sha256: str
    shape: list[PositiveInt]
    images: Array
    labels: Array
    label_names: list[Name]


class Folder(Section):
    """Photos in one folder a class, under the class's name or its other name; larger ones than these are left out.

    An archive is refused where it holds more files, or more bytes when unpacked.
    """

    kind: Literal["folder"]
    other_names: dict[Name, str] = {}
    megapixels: Annotated[PositiveInt, Field(description="of a photo")] = 90
    megabytes: Annotated[PositiveInt, Field(description="of a photo's file")] = 300
    archive_gigabytes: PositiveInt = 50
    archive_files: PositiveInt = 1_000_000


class Torchvision(Section):
    """A data set of torchvision, with the label that each of our classes has there."""

    kind: Literal["torchvision"]
    dataset: Literal["CIFAR10", "FashionMNIST"]
    labels: dict[Name, str]


class Dataset(Section):
    name: Name
    image_size: PositiveInt
    channels: Literal[1, 3]
    test_per_class: PositiveInt
    forget_class: Name
    class_sets: dict[str, list[Name]]
    source: Annotated[Wheel | Folder | Torchvision, Field(discriminator="kind")]


class Leakage(Section):
    dominant: PositiveInt
    leaked: NonNegativeInt
    restricted: list[str]  # classes, as is forget.class: `contradiction` knows which there are
    reach: NonNegativeInt | Literal["all"]
    kind: Literal["copy", "flip", "crop", "recompress", "resize", "mixed"]


class Augment(Section):
    """Strength of the random changes to a training batch."""

    flip: bool
    rotate: Annotated[float, Field(ge=0, le=180, description="degrees")]
    scale: Annotated[float, Field(ge=0, lt=1, description="share of the image size")]
    shift: Annotated[float, Field(ge=0, lt=1, description="share of the image size")]
    color: Annotated[float, Field(ge=0, lt=1, description="relative change of brightness, contrast, saturation")]
    cutout: Annotated[float, Field(ge=0, lt=1, description="side of the square blanked out, share of the image size")]


class Cnn(Section):
    name: Literal["cnn"]
    patch: Annotated[PositiveInt, Field(description="side of the whitening layer's patches, pixels")]
    stride: Annotated[PositiveInt, Field(description="between the patches, pixels")]
    filters: Annotated[int, Field(ge=2, multiple_of=2, description="of the whitening layer, at most")]
    widths: Annotated[list[PositiveInt], Field(min_length=1)]
    pool: Literal["max", "mean"]


class ResNet18(Section):
    name: Literal["resnet18"]


class Adam(Section):
    name: Literal["adam"]
    learning_rate: Annotated[float, Field(gt=0)]


class AdamW(Section):
    name: Literal["adamw"]
    learning_rate: Annotated[float, Field(gt=0)]
    beta2: Annotated[float, Field(gt=0, lt=1)]
    weight_decay: Annotated[float, Field(ge=0)]


class Train(Section):
    network: Annotated[Cnn | ResNet18, Field(discriminator="name")]
    epochs: PositiveInt
    batch_size: Annotated[int, Field(ge=2)]
    optimizer: Annotated[Adam | AdamW, Field(discriminator="name")]
    warm_up: Annotated[float, Field(gt=0, le=1)]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    logit_adjustment: Annotated[float, Field(ge=0, le=1)]
    augment: Augment
    test_flip: bool
    precision: Literal["float32", "bfloat16", "exact"]


class Forget(Section):
    class_: str | None = Field(alias="class")
    scope: Literal["dominant", "all"]
    near: bool


class Attacks(Section):
    shards: list[Name]
    of: list[Literal["forgotten"]]
    shadows: Annotated[int, Field(ge=0, multiple_of=2)]
    oracles: NonNegativeInt


class NoUnlearner(Section):
    name: Literal["none"]
    of: Annotated[list[Literal["forgotten"]], Field(max_length=0)]


class Unlearner(Section):
    """What approximate unlearners have in common."""

    of: list[Literal["forgotten"]]
    budget: Annotated[float, Field(gt=0, le=1, description="share of the samples that exact forgetting takes")]
    learning_rate: Annotated[float, Field(gt=0, description="share of that of the recipe")]


class Finetune(Unlearner):
    name: Literal["finetune"]


class NegGrad(Unlearner):
    name: Literal["neggrad"]
    retain: Annotated[float, Field(ge=0, le=1, description="weight of the retained images in the loss")]


class RandomLabels(Unlearner):
    name: Literal["random_labels"]


class Scrub(Unlearner):
    name: Literal["scrub"]
    rounds: PositiveInt
    ascent: Annotated[float, Field(gt=0, lt=1, description="share of the samples on which the divergence is raised")]
    alpha: Annotated[float, Field(ge=0, description="weight of the divergence on retained images")]
    gamma: Annotated[float, Field(ge=0, description="weight of the cross-entropy on retained images")]


class SalUn(Unlearner):
    name: Literal["salun"]
    salient: Annotated[float, Field(gt=0, le=1, description="share of the weights that may change")]
    search: Annotated[float, Field(gt=0, lt=1, description="share of the samples that find these weights")]


class L1Sparse(Unlearner):
    name: Literal["l1_sparse"]
    gamma: Annotated[float, Field(ge=0, description="weight of the penalty")]


class Params(Section):
    dataset: Dataset
    leakage: Leakage
    train: Train
    classes: int
    shards: list[Name]
    slices: PositiveInt
    forget: Forget
    aggregation: Name
    attacks: Attacks
    unlearner: Annotated[
        NoUnlearner | Finetune | NegGrad | RandomLabels | Scrub | SalUn | L1Sparse, Field(discriminator="name")
    ]
    threads: PositiveInt
    seed: NonNegativeInt
    split_seed: NonNegativeInt


def load(path: str | Path = "params.yaml") -> Params:
    """Read and validate the parameters of this run.

    Raises BadInput, naming the file, the key and what to do, when a value is missing, unknown, of the
    wrong type or in contradiction to another.
    """
    try:
        raw = yaml.safe_load(Path(path).read_text())
        if not isinstance(raw, dict):
            raise BadInput(f"{path}: not a mapping of parameters; restore it: git checkout {path}")
        check_groups(path, raw)
        params = Params.model_validate(raw)
    except FileNotFoundError as error:
        raise BadInput(f"{path}: not in this folder; run in the repository's root, or: git checkout {path}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{path}: cannot be read ({reason}); restore it: git checkout {path}") from error
    except ValidationError as error:
        raise BadInput(f"{path}: {describe(error, raw)}") from error
    if problem := contradiction(params):
        raise BadInput(f"{path}: {problem}")
    return params


def check_groups(path: str | Path, raw: dict) -> None:
    """Answer a choice that was typed where its composed values belong, such as `leakage: medium`."""
    for group in GROUPS:
        if not isinstance(raw.get(group), dict):
            names = ", ".join(sorted(file.stem for file in Path("conf", group).glob("*.yaml")))
            wrong = f"{group} is {raw.get(group)!r}, not the values of a choice"
            raise BadInput(f"{path}: {wrong}; choose one of {names} with: dvc exp run -S {group}=NAME")


def describe(error: ValidationError, raw: dict) -> str:
    """What is wrong with each key, as `key is value: what should be`, in one line."""
    values, wrong = {}, {}
    for each in error.errors():
        key, value, reason = key_of(each["loc"], raw), repr(each["input"]), each["msg"]
        if each["type"] == "union_tag_invalid":
            key += "." + each["ctx"]["discriminator"].strip("'")
            value, reason = repr(each["ctx"]["tag"]), f"choose one of {each['ctx']['expected_tags']}"
        if each["type"] == "string_pattern_mismatch":
            reason = NO_NAME
        values.setdefault(key, value)
        wrong.setdefault(key, []).append(MISSING.get(each["type"], reason[0].lower() + reason[1:]))
    return "; ".join(
        f"{key} {reasons[0]}" if reasons[0] in MISSING.values() else f"{key} is {values[key]}: {', or '.join(reasons)}"
        for key, reasons in wrong.items()
    )


def key_of(place: tuple[str | int, ...], raw: dict) -> str:
    """The key of an error as it stands in the file: pydantic's names of the kinds in a union are left out."""
    parts, here = [], raw
    for number, part in enumerate(place):
        known = isinstance(here, list) or (isinstance(here, dict) and part in here)
        if known or (isinstance(here, dict) and number == len(place) - 1):
            parts.append(str(part))
            here = here[part] if known else None
    return ".".join(parts)


def contradiction(params: Params) -> str | None:
    """The first way in which parameters that are valid one by one do not fit together."""
    dataset, leakage, shards = params.dataset, params.leakage, params.shards
    expected = dataset.class_sets.get(str(params.classes))
    if expected is None:
        return f"classes is {params.classes}, but data set {dataset.name} has {' and '.join(dataset.class_sets)}"
    if shards != expected:
        return (
            f"shards is {', '.join(shards)}, but classes={params.classes} of {dataset.name} means "
            f"{', '.join(expected)}; recompose with: dvc exp run -S classes={params.classes} "
            "and an -S for each other change: it starts from conf/"
        )
    if shards != sorted(set(shards)) or len(shards) < 2:
        return f"shards must be at least two different classes in alphabetical order, not {', '.join(shards)}"
    for key, names in {"forget.class": [params.forget.class_], "leakage.restricted": leakage.restricted}.items():
        for name in names:
            if name is not None and name not in shards:
                close = get_close_matches(name.lower(), shards, n=1)
                meant = f"; did you mean {close[0]}?" if close else ""
                return f"{key} names {name!r}, which is not among the classes {', '.join(shards)}{meant}"
    network = params.train.network
    if isinstance(network, Cnn):
        halvings = len(network.widths) - 1
        smallest = network.patch + network.stride * (2**halvings - 1)
        if dataset.image_size < smallest:
            return (
                f"dataset.image_size is {dataset.image_size}, but patches of {network.patch} pixels at a stride of "
                f"{network.stride}, halved {halvings} times, need {smallest}"
            )
    if params.attacks.shards not in ([], shards):
        return f"attacks.shards is {', '.join(params.attacks.shards)}; write none, or all of {', '.join(shards)}"
    if leakage.leaked > leakage.dominant:
        most = number_of(leakage.dominant, "dominant image")
        return f"leakage.leaked is {leakage.leaked}, more than the {most} to draw from"
    if isinstance(leakage.reach, int) and leakage.reach >= len(shards):
        return f"leakage.reach is {leakage.reach}, but a shard has {len(shards) - 1} others; write `all` for every one"
    return None
