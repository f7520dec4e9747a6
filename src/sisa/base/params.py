"""params.yaml, typed and validated as a whole: the one loader that every stage uses."""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PlainSerializer,
    PositiveInt,
    ValidationError,
)

from sisa.base.errors import BadInput
from sisa.base.text import number_of

Name = Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
GROUPS = ("dataset", "sharding", "leakage", "train", "attacks", "unlearner")
EXACT = "exact"  # the precision whose bits are the same on every machine
MISSING = {"missing": "is missing", "extra_forbidden": "is not a parameter"}
NO_NAME = "write it in lower-case letters, digits, _ and - alone"


def forgotten_classes(written: object) -> tuple[str, ...]:
    """The classes that `forget.class` names, sorted: none of `null`, one of a text, several of a list.

    Raises ValueError for what names no class, and for a list of fewer than two classes or with one twice, so that a
    request has one spelling.
    """
    names = written if isinstance(written, list) else [] if written is None else [written]
    if not all(isinstance(name, str) for name in names):
        raise ValueError("write the name of a class, a list of several names, or null")
    if names is written and len(names) < 2:
        raise ValueError("write one class without brackets, and null for none")
    if len(set(names)) < len(names):
        raise ValueError("write each class once")
    return tuple(sorted(names))


def written_classes(names: tuple[str, ...]) -> str | list[str] | None:
    """How `forget.class` names these classes."""
    return [*names] if len(names) > 1 else next(iter(names), None)


ClassNames = Annotated[
    tuple[str, ...],
    BeforeValidator(forgotten_classes, json_schema_input_type=str | list[str] | None),
    PlainSerializer(written_classes),
]


class Section(BaseModel):
    """A part of params.yaml: unknown keys and loosely typed values are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Array(Section):
    """A NumPy array inside a gzipped file: its place in the wheel, its checksum and the byte offset after gunzip."""

    member: Annotated[str, Field(description="the file in the wheel")]
    sha256: Annotated[str, Field(description="of this file")]
    offset: Annotated[NonNegativeInt, Field(description="bytes before the array, in the unpacked file")]


class Wheel(Section):
    """Images in a wheel from the package index."""

    kind: Literal["wheel"]
    requirement: str
    sha256: Annotated[str, Field(description="of the wheel")]
    shape: list[PositiveInt]
    images: Array
    labels: Array
    label_names: Annotated[list[Name], Field(description="the classes, by their numbers in the wheel")]


class Folder(Section):
    """Photos in one folder a class, under the class's name or its other name; larger ones than these are left out.

    An archive is refused where it holds more files, or more bytes when unpacked.
    """

    kind: Literal["folder"]
    other_names: Annotated[dict[Name, str], Field(description="another name of a class's folder")] = {}
    megapixels: Annotated[PositiveInt, Field(description="the most that a photo may have")] = 90
    megabytes: Annotated[PositiveInt, Field(description="the most that a photo's file may have")] = 300
    archive_gigabytes: Annotated[PositiveInt, Field(description="the most that an archive may have, unpacked")] = 50
    archive_files: Annotated[PositiveInt, Field(description="the most that an archive may hold")] = 1_000_000


class Torchvision(Section):
    """A data set of torchvision, with the label that each of our classes has there."""

    kind: Literal["torchvision"]
    dataset: Annotated[Literal["CIFAR10", "FashionMNIST"], Field(description="its name in torchvision")]
    labels: Annotated[dict[Name, str], Field(description="the label there of each class here")]


class Dataset(Section):
    name: Annotated[Name, Field(description="that of its file in conf/dataset, its roster and its folder in data/raw")]
    image_size: PositiveInt
    channels: Literal[1, 3]
    test_per_class: PositiveInt
    forget_class: Name
    class_sets: dict[str, list[Name]]
    source: Annotated[Wheel | Folder | Torchvision, Field(discriminator="kind")]


class ByClass(Section):
    """One shard a class."""

    kind: Literal["classes"]
    folder: Name


class Iid(Section):
    """Shards of images drawn at random."""

    kind: Literal["iid"]
    shards: int
    names: dict[str, list[Name]]
    folder: Name


class Leakage(Section):
    dominant: PositiveInt
    leaked: NonNegativeInt
    restricted: list[str]  # classes, as is forget.class: `contradiction` knows which there are
    reach: NonNegativeInt | Literal["all"]
    kind: Literal["copy", "flip", "crop", "recompress", "resize", "mixed"]


class Augment(Section):
    """Strength of the random changes to a training batch."""

    flip: Annotated[bool, Field(description="mirror half of the images, drawn anew each time")]
    rotate: Annotated[float, Field(ge=0, le=180, description="turn by at most so many degrees")]
    scale: Annotated[float, Field(ge=0, lt=1, description="zoom by at most this share of the image size")]
    shift: Annotated[float, Field(ge=0, lt=1, description="move by at most this share of the image size")]
    color: Annotated[
        float, Field(ge=0, lt=1, description="change brightness, contrast, saturation by at most this share")
    ]
    cutout: Annotated[float, Field(ge=0, lt=1, description="blank a square of this share of the image size")]


class Cnn(Section):
    name: Literal["cnn"]
    patch: Annotated[PositiveInt, Field(description="side of the whitening layer's patches, in pixels")]
    stride: Annotated[PositiveInt, Field(description="pixels from one patch to the next")]
    filters: Annotated[int, Field(ge=2, multiple_of=2, description="the most that the whitening layer may have")]
    widths: Annotated[list[PositiveInt], Field(min_length=1, description="filters of each block that follows")]
    pool: Annotated[Literal["max", "mean"], Field(description="how the last layer sums up the places of an image")]


class ResNet18(Section):
    name: Literal["resnet18"]


class Adam(Section):
    name: Literal["adam"]
    learning_rate: Annotated[float, Field(gt=0)]


class AdamW(Section):
    name: Literal["adamw"]
    learning_rate: Annotated[float, Field(gt=0, description="the highest, after the warm-up")]
    beta2: Annotated[float, Field(gt=0, lt=1, description="how long the mean of squared gradients remembers")]
    weight_decay: Annotated[float, Field(ge=0, description="how fast weights shrink, times the learning rate")]


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
    classes: ClassNames = Field(alias="class")
    scope: Literal["dominant", "all"]
    near: bool


class Attacks(Section):
    shards: Annotated[list[Name], Field(description="all of them with attacks=all, else none; do not edit")]
    of: Annotated[list[Literal["forgotten"]], Field(description="what is attacked: forgotten classes, or nothing")]
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
    sharding: Annotated[ByClass | Iid, Field(discriminator="kind")]
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

    @property
    def class_names(self) -> list[str]:
        """In alphabetical order, by which labels, logits and every table number the classes."""
        return self.dataset.class_sets[str(self.classes)]


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
        key, value, reason = key_of(each["loc"], raw), repr(each["input"]), each["msg"].removeprefix("Value error, ")
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
    return next(filter(None, (check(params) for check in (misnamed, misdealt, too_small, misleaked))), None)


def misnamed(params: Params) -> str | None:
    """Where class names are not those of the data set, or all are to be forgotten."""
    dataset = params.dataset
    if str(params.classes) not in dataset.class_sets:
        return f"classes is {params.classes}, but data set {dataset.name} has {' and '.join(dataset.class_sets)}"
    classes = params.class_names
    if classes != sorted(set(classes)) or len(classes) < 2:
        return f"classes must be at least two different ones in alphabetical order, not {', '.join(classes)}"
    for key, names in {"forget.class": params.forget.classes, "leakage.restricted": params.leakage.restricted}.items():
        for name in names:
            if name not in classes:
                close = get_close_matches(name.lower(), classes, n=1)
                meant = f"; did you mean {close[0]}?" if close else ""
                return f"{key} names {name!r}, which is not among the classes {', '.join(classes)}{meant}"
    if len(params.forget.classes) == len(classes):
        return "forget.class names every class, and no model would have an image left; leave one out, or more"
    return None


def too_small(params: Params) -> str | None:
    """Where images are smaller than the network's patches need."""
    network, size = params.train.network, params.dataset.image_size
    if isinstance(network, Cnn):
        halvings = len(network.widths) - 1
        smallest = network.patch + network.stride * (2**halvings - 1)
        if size < smallest:
            return (
                f"dataset.image_size is {size}, but patches of {network.patch} pixels at a stride of "
                f"{network.stride}, halved {halvings} times, need {smallest}"
            )
    return None


def misleaked(params: Params) -> str | None:
    """Where the leakage does not fit the shards."""
    leakage, shards = params.leakage, params.shards
    if isinstance(params.sharding, Iid) and leakage.leaked:
        return f"leakage.leaked is {leakage.leaked}, but at sharding=iid no shard holds copies; choose leakage=none"
    if leakage.leaked > leakage.dominant:
        most = number_of(leakage.dominant, "dominant image")
        return f"leakage.leaked is {leakage.leaked}, more than the {most} to draw from"
    if isinstance(leakage.reach, int) and leakage.reach >= len(shards):
        return f"leakage.reach is {leakage.reach}, but a shard has {len(shards) - 1} others; write `all` for every one"
    return None


def misdealt(params: Params) -> str | None:
    """Where the shards, or the folder of their models, are not those that the choices mean."""
    sharding = params.sharding
    if isinstance(sharding, Iid):
        if str(sharding.shards) not in sharding.names:
            return f"sharding.shards is {sharding.shards}; choose one of {', '.join(sharding.names)}"
        expected, suffix = sharding.names[str(sharding.shards)], f"-iid-{sharding.shards}"
        said, choices = f"sharding.shards={sharding.shards}", f"sharding=iid -S sharding.shards={sharding.shards}"
    else:
        expected, suffix = params.class_names, ""
        said, choices = f"classes={params.classes} of {params.dataset.name}", f"classes={params.classes}"
    folder = f"{params.dataset.name}-{params.classes}{suffix}"
    pairs = {"shards": (params.shards, expected), "sharding.folder": ([sharding.folder], [folder])}
    for key, (found, meant) in pairs.items():
        if found != meant:
            return (
                f"{key} is {', '.join(found)}, but {said} means {', '.join(meant)}; recompose with: "
                f"dvc exp run -S {choices} and an -S for each other change: it starts from conf/"
            )
    if params.attacks.shards not in ([], params.shards):
        known = ", ".join(params.shards)
        return f"attacks.shards is {', '.join(params.attacks.shards)}; write none, or all of {known}"
    return None
