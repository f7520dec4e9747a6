"""Attack what was trained on the class to forget, and compare each state with the exactly retrained ensemble."""

from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

from sisa import attacks, forgotten, scoring, shadows
from sisa.answers import Answers, ask
from sisa.common import paths, tables
from sisa.common.files import write_csv, write_json
from sisa.common.images import Images, Pool, Shard
from sisa.common.params import Params, load
from sisa.ensemble import loss_of
from sisa.forgotten import Forgotten
from sisa.learning.training import be_deterministic
from sisa.odds import log_odds, softmax
from sisa.scoring import HELD_OUT, TRAINING, Exam, Says
from sisa.states import BASELINES, answering, exam_of, serving

UNUSED = "unused"  # images of the class to forget that are in no shard and not held out
EXACT = "reference"


def main() -> None:
    params = load()
    be_deterministic(params.train.threads)
    request = forgotten.read(paths.FORGOTTEN)
    shards = {name: tables.read(paths.SHARDS / f"{name}.parquet", Shard) for name in params.shards}
    sets = images_asked_about(params)
    serves = serving(params, request) | {EXACT: [paths.reference(params) / name for name in params.shards]}
    models = list(dict.fromkeys([*(each for members in serves.values() for each in members), *BASELINES]))
    with tqdm(total=sum(map(len, sets.values())), desc="examining", unit=" images", disable=None) as bar:
        answers = ask(models, sets, params, bar.update)

    exam = exam_of(sets, request, params)
    says = {
        state: scoring.says_by_aggregation(members, exam, loss_of(params.train))
        for state, members in answering(serves, answers).items()
    }
    baselines = {model.name: scoring.says_of_model(answers[model]) for model in BASELINES if model in answers}
    write_json(paths.METRICS / "reference.json", against_exact(says, baselines, exam))

    found: dict = {}
    influence: dict[str, dict[str, float]] = {}
    if params.forget.class_:
        suspects = Suspects(sets, shards, request, params)
        chosen = {state: said[params.aggregation] for state, said in says.items()} | baselines
        population = {name: suspects.by_origin(said) for name, said in chosen.items()}
        of_state = {
            state: {each.name: answers[each] for each in serves[state] if each in answers}
            for state in ("before", "retrained", EXACT)
        }
        lira = {state: suspects.by_likelihood(members) for state, members in of_state.items()}
        found["population"], found["lira"] = numbers(population), numbers(lira)
        found["members"] = {state: numbers(suspects.by_member(members, state)) for state, members in of_state.items()}
        influence = dict([*columns("population", population), *columns("lira", lira)])
    write_json(paths.METRICS / "attacks.json", found)
    write_csv(paths.METRICS / "influence.csv", table(influence))


ByOrigin = dict[str, dict[str, attacks.Found]]  # of each target, by the origin of the images attacked


def numbers(found: ByOrigin) -> dict[str, dict[str, dict[str, float]]]:
    return {target: {name: each.numbers for name, each in origins.items()} for target, origins in found.items()}


def columns(attack: str, found: ByOrigin) -> Iterator[tuple[str, dict[str, float]]]:
    """`lira/before/leaked`, and how far each image moves that AUC."""
    for target, origins in found.items():
        for origin, each in origins.items():
            yield f"{attack}/{target}/{origin}", each.influence


def table(influence: dict[str, dict[str, float]]) -> list[tuple]:
    """One row an image, by the start of its id, and one column an AUC; empty where that does not rest on the image."""
    images = sorted(set().union(*influence.values()))
    rows = [
        (image[:16], *(f"{column[image]:.4g}" if image in column else "" for column in influence.values()))
        for image in images
    ]
    return [("image", *influence), *rows]


def images_asked_about(params: Params) -> dict[str, Images]:
    sets = {HELD_OUT: tables.read(paths.TEST, Images), TRAINING: tables.read(paths.UNION, Images)}
    pool = tables.read(paths.POOL, Pool)
    used = np.concatenate([images.ids for images in sets.values()])
    unused = pool.take((pool.classes == (params.forget.class_ or "")) & ~np.isin(pool.ids, used))
    return sets | {UNUSED: Images(unused.ids, unused.classes, unused.pixels)}


def against_exact(says: dict[str, dict[str, Says]], baselines: dict[str, Says], exam: Exam) -> dict:
    """UA, RA and TA of the exactly retrained ensemble by each aggregation, and how far each state is from it."""
    exact = says[EXACT]
    found: dict = {EXACT: {name: scoring.unlearning(said, exam) for name, said in exact.items()}}
    for state in ("before", "after", "retrained"):
        found[state] = {name: scoring.against(said, exact[name], exam) for name, said in says[state].items()}
    for model, said in baselines.items():
        found[model] = {name: scoring.against(said, exact[name], exam) for name in exact}
    return found


class Suspects:
    """The images of the class to forget, where each was trained on, and the attacks on them.

    Every attack tells images apart from the held-out ones of the same class.
    """

    def __init__(self, sets: dict[str, Images], shards: dict[str, Shard], request: Forgotten, params: Params):
        self.params, self.request = params, request
        self.actual = params.shards.index(params.forget.class_)
        self.rows = {name: images.classes == params.forget.class_ for name, images in sets.items()}
        self.ids = np.concatenate([images.ids[self.rows[name]] for name, images in sets.items()])
        self.held_out = np.isin(self.ids, sets[HELD_OUT].ids)
        self.trained_on = {name: np.isin(self.ids, shard.ids) for name, shard in shards.items()}

    def by_origin(self, said: Says) -> dict[str, attacks.Found]:
        """The population attack on an ensemble or model, for images of one shard, of several, and of none.

        Nothing where the answers are undecided, or give the class the probability 0 for every image, as
        `prior_corrected` does where no member saw it: an AUC of 0.5 by a mask would be no control.
        """
        if any(say.probabilities is None for say in said.values()):
            return {}
        believed = np.concatenate([said[name].probabilities[rows] for name, rows in self.rows.items()])
        if not believed[:, self.actual].any():
            return {}
        copies = sum(self.trained_on.values())
        origins = {"dominant": copies == 1, "leaked": copies > 1, "never_seen": (copies == 0) & ~self.held_out}
        return self.told_apart(believed, origins)

    def by_member(self, members: dict[str, Answers], state: str) -> ByOrigin:
        """The population attack on each member: on what it was trained on, and on what only others were."""
        found = {}
        for name, member in members.items():
            gone = [] if state == "before" else self.request.removed.get(name, [])
            saw = self.trained_on[name] & ~np.isin(self.ids, self.request.ids if state == EXACT else gone)
            others = sum(self.trained_on.values()).astype(bool) & ~saw
            found[name] = self.told_apart(softmax(self.logits(member)), {"trained_on": saw, "never_seen": others})
        return found

    def by_likelihood(self, members: dict[str, Answers]) -> dict[str, attacks.Found]:
        """LiRA on the members, for images that they were first trained on: of their own class, and leaked."""
        ratios: dict[str, list] = {"dominant": [], "leaked": []}
        for name, member in members.items():
            asked = shadows.read(paths.shadows(self.params) / f"{name}.csv")
            if asked is None:
                continue
            place = {image: number for number, image in enumerate(self.ids)}
            odds = log_odds(softmax(self.logits(member)), self.actual)[[place[image] for image in asked.ids]]
            ratio = attacks.likelihood_ratio(odds, asked.log_odds, asked.inside)
            origin = "dominant" if name == self.params.forget.class_ else "leaked"
            held = asked.held
            ratios[origin].append((ratio[held], ratio[~held], asked.ids[held], asked.ids[~held]))
        return {
            origin: attacks.success(*map(np.concatenate, zip(*each, strict=True)))
            for origin, each in ratios.items()
            if each
        }

    def logits(self, member: Answers) -> np.ndarray:
        return np.concatenate([member.logits[name][rows] for name, rows in self.rows.items()])

    def told_apart(self, believed: np.ndarray, groups: dict[str, np.ndarray]) -> dict[str, attacks.Found]:
        """The population attack on each group that has images enough, against the held-out ones."""
        outs, held_out = believed[self.held_out], self.ids[self.held_out]
        return {
            name: attacks.population(believed[group], outs, self.actual, self.ids[group], held_out)
            for name, group in groups.items()
            if min(group.sum(), len(outs)) >= attacks.FEWEST
        }


if __name__ == "__main__":
    main()
