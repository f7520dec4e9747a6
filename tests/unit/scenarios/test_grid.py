"""Names of scenarios, and which of them are to be run."""

import json
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisa.scenarios.grid import FORMAT, RUN, SKIPPED, Branch, Scenario, decision, grid, message, parsed, settings

SCENARIO = Scenario(5, "high")
OURS = Branch("scenario/5-high", tree="a", worktree="", made="a", scenario=SCENARIO)


@pytest.mark.parametrize(
    ("scenario", "branch"),
    [
        (SCENARIO, "scenario/5-high"),
        (Scenario(3, "low", dataset="animals10"), "scenario/animals10-3-low"),
        (Scenario(3, "low", scope="all", run=2), "scenario/3-low-all-run2"),
        (Scenario(5, "none", "animals10", "all", 7), "scenario/animals10-5-none-all-run7"),
        (Scenario(5, "high", leaked=0), "scenario/5-high-leaked0"),
        (Scenario(5, "none", sharding="iid", run=1), "scenario/5-none-iid-run1"),
    ],
)
def test_a_branch_is_named_by_what_is_not_the_default(scenario, branch):
    assert scenario.branch == branch


def test_the_choices_name_every_parameter_so_that_a_changed_default_changes_nothing():
    assert Scenario(3, "low", run=2).choices == [
        "dataset=animal_mnist",
        "classes=3",
        "sharding=classes",
        "leakage=low",
        "forget.scope=dominant",
        "leakage.kind=copy",
        "seed=2",
        "split_seed=2",
        "attacks=all",
    ]


def test_leaked_images_are_chosen_only_where_they_are_not_the_level_s_own():
    assert Scenario(3, "low", leaked=10).choices[-1] == "leakage.leaked=10"
    names = [scenario.name for scenario in grid("animal_mnist", [5], ["high"], ["dominant"], [0], [5, 10])]
    assert names == ["5-high-leaked5", "5-high-leaked10"]


def test_the_grid_has_each_combination_once_and_a_run_s_grid_before_the_next_run_s():
    wanted = grid("animal_mnist", [5, 3, 5], ["high", "none"], ["dominant"], range(2))
    names = [scenario.name for scenario in wanted]
    assert names[:4] == ["5-high", "5-none", "3-high", "3-none"]
    assert names[4:] == [f"{name}-run1" for name in names[:4]]


counts = st.integers(0, 100)
words = st.sampled_from(["dominant", "all"])


@given(st.builds(Scenario, counts, st.sampled_from(["none", "low"]), st.just("animals10"), words, counts))
def test_two_scenarios_have_two_names(scenario):
    assert replace(scenario, run=scenario.run + 1).branch != scenario.branch


def test_git_gives_back_what_a_commit_says_of_itself(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    git("init", "--quiet", "--initial-branch=main")
    tree = git("write-tree").strip()
    git("update-ref", "refs/heads/scenario/5-high", git("commit-tree", tree, "-m", message(SCENARIO, tree)).strip())
    git("update-ref", "refs/heads/scenario/mine", git("commit-tree", tree, "-m", "Mine").strip())
    known = parsed(git("for-each-ref", f"--format={FORMAT}", "refs/heads/scenario/"))
    assert known["scenario/5-high"] == Branch("scenario/5-high", tree, "", tree, SCENARIO)
    assert known["scenario/5-high"].ours
    assert not known["scenario/mine"].ours


def test_a_scenario_runs_where_there_is_no_branch_or_it_is_out_of_date():
    assert decision(None, current=False) == RUN
    assert decision(OURS, current=False) == RUN


def test_a_scenario_is_skipped_where_its_branch_is_what_head_would_give():
    assert decision(OURS, current=True) == SKIPPED
    assert decision(replace(OURS, worktree="/somewhere"), current=True) == SKIPPED


@pytest.mark.parametrize("changes", [{"scenario": None, "made": ""}, {"tree": "amended"}])
@pytest.mark.parametrize("current", [False, True])
def test_somebody_else_s_commits_are_never_moved(changes, current):
    assert decision(replace(OURS, **changes), current).startswith("refused: scenario/5-high holds commits of your own")


def test_a_branch_that_is_checked_out_is_not_moved():
    assert "checked out" in decision(replace(OURS, worktree="/somewhere"), current=False)


def test_recipes_must_agree_within_a_table_and_leakage_only_within_a_level():
    params = {"train": 1, "seed": 3, "leakage": {"reach": 0}, "forget": {"class": "cat", "scope": "all"}}
    params |= {"dataset": {"image_size": 28, "class_sets": {"5": ["cat", "dog"]}}, "shards": ["cat", "dog"]}
    found = settings(SCENARIO, params)
    assert found == {
        "train": 1,
        "dataset": {"image_size": 28},
        "forget.class": ("cat",),
        "forget.near": False,
        "leakage high of 5 classes": {"reach": 0},
        "shards classes of 5 classes": ["cat", "dog"],
    }
    json.dumps(found)
    request = params["forget"] | {"near": False}
    assert settings(SCENARIO, params | {"leakage": {"reach": 0, "kind": "flip"}, "forget": request}) == found
    assert settings(SCENARIO, params | {"forget": request | {"near": True}}) != found
    several = [params | {"forget": {"class": names}} for names in (["cat", "dog"], ["dog", "cat"], "dog")]
    one, same, other = (settings(SCENARIO, each) for each in several)
    assert one == same != other


def test_runs_of_before_there_was_a_choice_of_sharding_agree_with_later_ones():
    older = {"leakage": {"reach": 0}, "forget": {"class": "cat"}, "shards": ["cat", "dog"]}
    older |= {"dataset": {"image_size": 28, "class_sets": {"2": ["cat", "dog"]}}}
    later = older | {"sharding": {"kind": "classes", "folder": "animal_mnist-2"}}
    later |= {"dataset": {"image_size": 28, "class_sets": {"2": ["cat", "dog"], "10": []}}}
    assert settings(Scenario(2, "low"), older) == settings(Scenario(2, "low"), later)
    assert (
        parsed(f"scenario/5-high\0a\0\0{json.dumps({'classes': 5, 'leakage': 'high'})}")["scenario/5-high"].scenario
        == SCENARIO
    )


def test_shards_of_random_images_stand_beside_those_of_classes_and_must_be_as_many():
    params = {"leakage": {"reach": 0}, "forget": {"class": "cat"}, "shards": ["iid-1"], "dataset": {}}
    by_class = settings(Scenario(5, "none"), params | {"shards": ["cat", "dog"]})
    random = settings(Scenario(5, "none", sharding="iid"), params)
    fewer = settings(Scenario(5, "none", sharding="iid"), params | {"shards": ["iid-1", "iid-2"]})
    assert all(by_class.get(key, value) == value for key, value in random.items())
    assert random != fewer


def test_a_kind_of_leakage_is_named_where_images_do_not_leak_as_copies():
    found = grid("animal_mnist", [5], ["high"], ["dominant"], [0, 1], kinds=["copy", "flip"])
    assert [each.name for each in found] == ["5-high", "5-high-flip", "5-high-run1", "5-high-flip-run1"]
    assert "leakage.kind=flip" in found[1].choices
    assert sorted(found, key=lambda each: each.place) == [found[0], found[2], found[1], found[3]]
