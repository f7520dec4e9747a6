"""params.yaml is what conf/ composes, and a bad value in it gets one clear line."""

import copy
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from sisa.base.errors import BadInput
from sisa.base.params import forgotten_classes, load, written_classes

ROOT = Path(__file__).parents[3]
CONF = ROOT / "conf"
COMMITTED = yaml.safe_load((ROOT / "params.yaml").read_text())
GONE = ...


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def composed(*overrides):
    with initialize_config_dir(str(CONF), version_base=None):
        return OmegaConf.to_container(compose("config", list(overrides)), resolve=True)


def presets(group):
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def class_counts(dataset):
    return list(yaml.safe_load((CONF / "dataset" / f"{dataset}.yaml").read_text())["class_sets"])


def loaded(values, folder):
    path = folder / "params.yaml"
    path.write_text(yaml.dump(values))
    return load(path)


def refused(path):
    """The message of the one error, without the name of the file that it starts with."""
    with pytest.raises(BadInput) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def changed(key, value):
    """The committed parameters with one value replaced, added or (GONE) removed."""
    values = copy.deepcopy(COMMITTED)
    *sections, last = key.split(".")
    inner = values
    for name in sections:
        inner = inner[name]
    inner.pop(last, None)
    if value is not GONE:
        inner[last] = value
    return values


def test_the_committed_parameters_are_what_conf_composes():
    assert composed() == COMMITTED, "run `dvc exp run`, or `make repro`, and commit params.yaml with conf/"


def test_the_committed_parameters_are_valid():
    params = load()
    assert params.shards == ["cat", "cow", "dog", "elephant", "horse"]
    assert (params.forget.classes, params.leakage.dominant, params.leakage.leaked) == (("cat",), 800, 50)


@pytest.mark.parametrize("leakage", presets("leakage"))
@pytest.mark.parametrize(
    ("dataset", "classes"), [(name, count) for name in presets("dataset") for count in class_counts(name)]
)
def test_every_dataset_with_every_class_count_and_leakage_level_is_valid(dataset, classes, leakage, tmp_path):
    params = loaded(composed(f"dataset={dataset}", f"classes={classes}", f"leakage={leakage}"), tmp_path)
    assert params.dataset.name == dataset
    assert len(params.shards) == int(classes)
    assert [*params.forget.classes] == [params.dataset.forget_class]
    assert params.dataset.forget_class in params.leakage.restricted


@pytest.mark.parametrize("count", range(2, 11))
def test_shards_of_random_images_have_names_of_their_own_and_models_in_a_folder_of_their_own(count, tmp_path):
    params = loaded(composed("sharding=iid", "leakage=none", f"sharding.shards={count}"), tmp_path)
    assert params.shards == [f"iid-{number}" for number in range(1, count + 1)]
    assert params.class_names == load().class_names
    assert params.sharding.folder == f"animal_mnist-5-iid-{count}"


def test_there_are_as_many_shards_of_random_images_as_classes_unless_another_number_is_chosen(tmp_path):
    assert len(loaded(composed("sharding=iid", "leakage=none", "classes=3"), tmp_path).shards) == 3


IID = composed("sharding=iid", "leakage=none")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (composed("sharding=iid"), "leakage.leaked is 50, but at sharding=iid no shard holds copies; "),
        (composed("sharding=iid", "leakage=none", "sharding.shards=20"), "sharding.shards is 20; choose one of "),
        (composed("sharding=iid", "leakage=none", "sharding.shards=1"), "sharding.shards is 1; choose one of "),
        (composed("sharding=iid", "leakage=none", "sharding.shards=few"), "sharding.shards is 'few': input should be "),
        (IID | {"shards": ["iid-1"]}, "shards is iid-1, but sharding.shards=5 means iid-1, iid-2, "),
        (IID | {"shards": COMMITTED["shards"]}, "shards is cat, cow, dog, elephant, horse, but sharding.shards=5"),
        (changed("sharding.folder", "mine"), "sharding.folder is mine, but classes=5 of animal_mnist means "),
        (changed("sharding.kind", "random"), "sharding.kind is 'random': choose one of "),
    ],
)  # fmt: skip
def test_shards_that_do_not_fit_the_choice_are_refused(values, message, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.dump(values))
    assert refused(path).startswith(message)


@pytest.mark.parametrize("train", presets("train"))
def test_every_training_recipe_is_valid(train, tmp_path):
    loaded(composed(f"train={train}"), tmp_path)


@pytest.mark.parametrize("unlearner", presets("unlearner"))
def test_every_unlearner_is_valid(unlearner, tmp_path):
    assert loaded(composed(f"unlearner={unlearner}"), tmp_path).unlearner.name == unlearner


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("unlearner.budget=0", "unlearner.budget is 0: input should be greater than 0"),
        ("unlearner.budget=1.5", "unlearner.budget is 1.5: input should be less than or equal to 1"),
        ("unlearner.name=forget", "unlearner.name is 'forget': choose one of "),
    ],
)
def test_a_wrong_setting_of_an_unlearner_is_named(override, message, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.dump(composed("unlearner=scrub", override)))
    assert refused(path).startswith(message)


@pytest.mark.parametrize("override", ["forget.class=null", "slices=8", "leakage.reach=2", "leakage.restricted=[]"])
def test_parameters_that_a_study_sweeps_can_be_overridden(override, tmp_path):
    loaded(composed(override), tmp_path)


@pytest.mark.parametrize(
    ("override", "classes"),
    [
        ("forget.class=null", ()),
        ("forget.class=dog", ("dog",)),
        ("forget.class=[dog,cat]", ("cat", "dog")),
        ("forget.class=[horse,cat,cow,elephant]", ("cat", "cow", "elephant", "horse")),
    ],
)
def test_none_one_or_several_classes_are_forgotten_and_their_order_says_nothing(override, classes, tmp_path):
    params = loaded(composed(override), tmp_path)
    assert params.forget.classes == classes
    assert forgotten_classes(written_classes(classes)) == classes


def test_a_class_count_that_the_data_set_lacks_is_answered_with_those_it_has(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.dump(composed("dataset=cifar10", "classes=5")))
    assert refused(path) == "classes is 5, but data set cifar10 has 3"


def test_a_class_of_another_class_count_cannot_be_forgotten(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.dump(composed("classes=3", "forget.class=cow")))
    assert refused(path) == "forget.class names 'cow', which is not among the classes cat, dog, horse"


@pytest.mark.parametrize("group", ["dataset", "sharding", "leakage", "train"])
@pytest.mark.parametrize("value", ["medium", None, GONE, 3])
def test_a_choice_typed_where_its_values_belong_is_answered_with_the_choices(group, value, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.dump(changed(group, value)))
    shown = None if value is GONE else value
    message = refused(path)
    assert message.startswith(f"{group} is {shown!r}, ")
    assert f"choose one of {', '.join(presets(group))} with: dvc exp run -S {group}=NAME" in message


BAD = [
    ("forget.class", "lion", "forget.class names 'lion'"),
    ("forget.class", "zebra", "forget.class names 'zebra'"),  # on the roster, but no shard's class
    (
        "forget.class",
        "Cat",
        "forget.class names 'Cat', which is not among the classes cat, cow, dog, elephant, horse; did you mean cat?",
    ),
    ("forget.class", "", "forget.class names ''"),
    (
        "dataset.name",
        "Animals 10",
        "dataset.name is 'Animals 10': write it in lower-case letters, digits, _ and - alone",
    ),
    ("forget.class", 7, "forget.class is 7: write the name of a class, a list of several names, or null"),
    (
        "forget.class",
        ["cat", 7],
        "forget.class is ['cat', 7]: write the name of a class, a list of several names, or null",
    ),
    (
        "forget.class",
        [["cat"], ["dog"]],
        "forget.class is [['cat'], ['dog']]: write the name of a class, a list of several names, or null",
    ),
    (
        "forget.class",
        {"cat": 1},
        "forget.class is {'cat': 1}: write the name of a class, a list of several names, or null",
    ),
    ("forget.class", [], "forget.class is []: write one class without brackets, and null for none"),
    ("forget.class", ["cat"], "forget.class is ['cat']: write one class without brackets, and null for none"),
    ("forget.class", ["dog", "cat", "dog"], "forget.class is ['dog', 'cat', 'dog']: write each class once"),
    ("forget.class", ["cat", "dgo"], "forget.class names 'dgo', which is not among the classes cat, cow, dog"),
    (
        "forget.class",
        ["cat", "cow", "dog", "elephant", "horse"],
        "forget.class names every class, and no model would have an image left; leave one out, or more",
    ),
    ("forget.class", GONE, "forget.class is missing"),
    ("forget", "cat", "forget is 'cat'"),
    ("forget.scope", "some", "forget.scope is 'some'"),
    ("classes", 4, "classes is 4, but data set animal_mnist has 3 and 5 and 10"),
    ("classes", "5", "classes is '5'"),
    ("classes", 3, "shards is cat, cow, dog, elephant, horse, but classes=3 of animal_mnist means cat, dog, horse"),
    ("shards", ["cat", "dog"], "shards is cat, dog, but classes=5"),
    ("shards", ["dog", "cat", "cow", "elephant", "horse"], "shards is dog, cat, "),
    ("shards", "cat", "shards is 'cat'"),
    ("leakage.dominant", -800, "leakage.dominant is -800"),
    ("leakage.dominant", 0, "leakage.dominant is 0"),
    ("leakage.dominant", "many", "leakage.dominant is 'many'"),
    ("leakage.dominant", "800", "leakage.dominant is '800'"),
    ("leakage.dominant", 80.5, "leakage.dominant is 80.5"),
    ("leakage.dominant", None, "leakage.dominant is None"),
    ("leakage.leaked", -1, "leakage.leaked is -1"),
    ("leakage.leaked", 801, "leakage.leaked is 801, more than the 800"),
    ("leakage.reach", 5, "leakage.reach is 5"),
    ("leakage.reach", -1, "leakage.reach is -1"),
    ("leakage.reach", "every", "leakage.reach is 'every'"),
    ("leakage.restricted", ["lion"], "leakage.restricted names 'lion'"),
    ("leakage.restricted", "cat", "leakage.restricted is 'cat'"),
    ("leakage.kind", "blur", "leakage.kind is 'blur': input should be 'copy', 'flip', 'crop', 'recompress', 'resize'"),
    ("leakage.kind", GONE, "leakage.kind is missing"),
    ("forget.near", "yes", "forget.near is 'yes'"),
    ("leakage.amount", 3, "leakage.amount is not a parameter"),
    ("leakage.leaked", GONE, "leakage.leaked is missing"),
    ("dataset.test_per_class", -180, "dataset.test_per_class is -180"),
    ("dataset.source.sha256", GONE, "dataset.source.sha256 is missing"),
    ("train.epochs", "20", "train.epochs is '20'"),
    ("train.epoch", 20, "train.epoch is not a parameter"),
    ("train.batch_size", 1, "train.batch_size is 1"),
    ("train.optimizer.learning_rate", "1e-3", "train.optimizer.learning_rate is '1e-3'"),  # as YAML reads 1e-3
    ("train.optimizer.learning_rate", float("inf"), "train.optimizer.learning_rate is inf"),
    ("train.network.widths", [], "train.network.widths is []"),
    ("train.network.filters", 7, "train.network.filters is 7"),
    ("train.network.patch", 27, "dataset.image_size is 28, but patches of 27 pixels at a stride of 2, "),
    ("train.augment.rotate", 181.0, "train.augment.rotate is 181.0: input should be less than or equal to 180"),
    ("train.precision", "half", "train.precision is 'half'"),
    ("train.network.name", "vgg", "train.network.name is 'vgg'"),
    ("slices", 0, "slices is 0"),
    ("slices", True, "slices is True"),
    ("seed", -1, "seed is -1"),
    ("aggregation", 1, "aggregation is 1"),
    ("aggregation", GONE, "aggregation is missing"),
    ("slicse", 1, "slicse is not a parameter"),
]


@pytest.mark.parametrize(("key", "value", "expected"), BAD, ids=[f"{key}={value!r:.20}" for key, value, _ in BAD])
def test_a_bad_value_is_answered_in_one_line_that_starts_with_its_key_and_value(key, value, expected, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.dump(changed(key, value), sort_keys=False))
    message = refused(path)
    assert message.startswith(expected)
    assert "; leakage." not in message  # said once, not once a type that it might have been


def test_every_bad_value_is_named(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.dump(changed("slices", 0) | {"seed": -1}))
    assert "slices is 0" in refused(path)
    assert "seed is -1" in refused(path)


@pytest.mark.parametrize("content", [b"", b"- a list", b"just words", b"a: [", b"a:\n\tb", b"\xff\xfe\x00", b"\x00"])
def test_a_file_that_is_no_mapping_is_refused_with_the_way_back(content, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    assert refused(path).endswith(f"restore it: git checkout {path}")


def test_a_missing_file_is_refused_with_the_way_back(tmp_path):
    assert "run in the repository's root, or: git checkout" in refused(tmp_path / "params.yaml")
    assert refused(tmp_path / "params.yaml").endswith(f"git checkout {tmp_path / 'params.yaml'}")
