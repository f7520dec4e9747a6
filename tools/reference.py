"""`make docs`: write what the documentation takes from the code, each from its one source.

These are the pages of docs/reference, and what `python src summary` prints, between its markers in other texts. A test
compares them with what stands there.
"""

import argparse
import contextlib
import io
import json
import re
import runpy
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

import house
import yaml

ROOT = house.ROOT
sys.path.insert(0, str(ROOT / "src"))
SUMMARY = re.compile(r"<!-- python src summary -->\n.*?<!-- end of python src summary -->", re.DOTALL)
SYNONYMS = {"forgotten_auroc": "AUROC", "auc": "AUC", "js_distance_forgotten": "js_distance"}
SYNONYMS |= {
    "js_distance_held_out": "js_distance",
    "names": "forgotten",
    "names_others": "others taken",
    "members": "member",
}


def pages() -> dict[str, str]:
    """The text of each generated page of docs/reference, by its file name."""
    made = {
        "glossary.md": glossary(),
        "parameters.md": parameters(),
        "commands.md": commands(),
        "stages.md": stages(),
        "metrics.md": metrics(),
        "architecture.md": architecture(),
    }
    note = "<!-- `python tools/reference.py` writes this page: change its source, not this file. -->"
    return {name: f"{note}\n\n{text.strip()}\n" for name, text in made.items()}


def texts() -> dict[Path, str]:
    """The generated text of each file."""
    shown = f"<!-- python src summary -->\n\n```text\n{summary()}```\n\n<!-- end of python src summary -->"
    places = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
    written = {place: place.read_text() for place in places}
    marked = {place: SUMMARY.sub(lambda _: shown, text) for place, text in written.items() if SUMMARY.search(text)}
    return marked | {ROOT / "docs/reference" / name: text for name, text in pages().items()}


def summary() -> str:
    """What `python src summary` prints of the committed metrics."""
    from sisa.commands import summary

    printed = io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(printed):
        summary.main(argparse.Namespace())
    return "".join(line for line in printed.getvalue().splitlines(keepends=True) if not line.startswith("notice: "))


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: object) -> str:
    return f"`{text}`"


def plain(text: str) -> str:
    """Text of the code, in which `<` begins no HTML."""
    return text.replace("<", "&lt;")


def listed(names: Iterable[str]) -> str:
    return ", ".join(map(code, names)) or "-"


def read_yaml(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text())


def words() -> dict[str, str]:
    return read_yaml("src/sisa/publishing/page/words.yaml")


def glossary() -> str:
    rows = [(f"**{word}**", meaning) for word, meaning in words().items()]
    return "# Glossary\n\nThe words of the results page and of this documentation.\n\n" + table(
        ("word", "meaning"), rows
    )


def parameters() -> str:
    from sisa.base.params import Params

    schema, said, now = Params.model_json_schema(), comments(), read_yaml("params.yaml")
    rows = [
        (code(key), allowed(kind), value(now, key), kind.get("description") or said.get(key, ""))
        for key, kind in leaves(schema, schema, "")
    ]
    return (
        "# Parameters\n\n`dvc exp run -S KEY=VALUE` changes one, `-S GROUP=NAME` chooses a file of conf/GROUP. "
        "Unknown keys and wrong types are refused before any stage runs.\n\n"
        + table(("parameter", "allowed", "in params.yaml", "meaning"), rows)
    )


def leaves(schema: dict, kind: dict, key: str) -> Iterator[tuple[str, dict]]:
    """Each parameter by its dotted key, with its JSON Schema; of alternatives, the parameters of all, each once."""
    if "$ref" in kind:
        kind = schema["$defs"][kind["$ref"].rsplit("/", 1)[1]]
    if "discriminator" in kind:
        parts = [each for option in kind["oneOf"] for each in leaves(schema, option, key)]
        names = " or ".join(code(name) for name in kind["discriminator"]["mapping"])
        choice = {"allowed": names}
        chosen = f"{key}.{kind['discriminator']['propertyName']}"
        yield from ({chosen: choice} | {name: each for name, each in parts if name != chosen}).items()
    elif "properties" in kind:
        for name, each in kind["properties"].items():
            yield from leaves(schema, each, f"{key}.{name}".lstrip("."))
    else:
        yield key, kind


def allowed(kind: dict) -> str:
    """What values a parameter takes, in words."""
    if "allowed" in kind:
        return kind["allowed"]
    if "anyOf" in kind:
        return " or ".join(map(allowed, kind["anyOf"]))
    if "enum" in kind or "const" in kind:
        return " or ".join(map(code, kind.get("enum", [kind.get("const")])))
    if kind["type"] == "array":
        return f"list of: {allowed(kind['items'])}"
    name = {"integer": "whole number", "string": "text", "boolean": "`true` or `false`", "object": "mapping"}
    limits = {"minimum": "from {}", "exclusiveMinimum": "above {}", "maximum": "to {}", "exclusiveMaximum": "below {}"}
    limits["multipleOf"] = "multiple of {}"
    parts = [form.format(kind[limit]) for limit, form in limits.items() if limit in kind]
    return " ".join([name.get(kind["type"], kind["type"]).replace("null", "`null`"), ", ".join(parts)]).strip()


def value(content: dict, key: str) -> str:
    """What stands under a dotted key, where that is short enough for a cell."""
    for part in key.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    text = json.dumps(content)
    return code(text.strip('"')) if content is not None and not isinstance(content, dict) and len(text) < 45 else ""


def comments() -> dict[str, str]:
    """What the files of conf/ say beside each parameter, by its dotted key; of several, the first in file order."""
    found: dict[str, str] = {}
    for file in [ROOT / "conf/config.yaml", *sorted(ROOT.glob("conf/*/*.yaml"))]:
        text = file.read_text()
        outer = [] if file.name == "config.yaml" or "# @package _global_" in text else [file.parent.name]
        place = outer
        for line in text.splitlines():
            if match := re.match(r"( *)(\w+):(?:[^#]*#\s*(.*))?", line):
                indent, name, comment = match.groups()
                depth = len(indent) // 2 + len(outer)
                place = [*place[:depth], name]
                if comment:
                    found.setdefault(".".join(place), comment)
    return found


def commands() -> str:
    program = runpy.run_path(str(ROOT / "src/__main__.py"), run_name="reference")
    names = [name for name, kind in program["KIND_OF"].items() if kind == "commands"]
    targets = re.findall(r"^([a-z-]+):.*?## (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    make = table(("target", "what it does"), [(code(f"make {name}"), plain(purpose)) for name, purpose in targets])
    return "\n\n".join(
        [
            "# Every command",
            "[Commands by purpose](../commands.md) has examples. `python src` needs `source .venv/bin/activate` first.",
            make,
            *(command(name, program["Parser"]) for name in names),
        ]
    )


def command(name: str, make_parser: type[argparse.ArgumentParser]) -> str:
    module = import_module(f"sisa.commands.{name}")
    parser = make_parser(prog=f"python src {name}", add_help=False)
    getattr(module, "arguments", lambda parser: None)(parser)
    rows = [(code(named(action)), plain(action.help or "")) for action in parser._actions]
    purpose = plain(" ".join(module.__doc__.split()))
    parts = [f"## python src {name}", purpose, *([table(("argument", "meaning"), rows)] if rows else [])]
    return "\n\n".join(parts)


def named(action: argparse.Action) -> str:
    """An argument as it is written, `--jobs N`, or `IMAGE...`; in brackets where it may be left out."""
    taken = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
    if action.choices:
        taken = "{" + ",".join(map(str, action.choices)) + "}"
    many = "..." if action.nargs in ("*", "+") else ""
    text = " ".join(filter(None, ["/".join(action.option_strings), f"{taken}{many}"]))
    optional = action.nargs == "*" if not action.option_strings else not action.required
    return f"[{text}]" if optional else text


def stages() -> str:
    return "\n\n".join(
        [
            "# Stages",
            "[dvc.yaml](../../dvc.yaml) declares them. [The pipeline](../pipeline.md) says what the files are, and "
            "what runs again after which change. Dashed stages run with `attacks=all` or with an `unlearner` alone.",
            f"```mermaid\n{stage_graph()}\n```",
            *(stage(name, entry) for name, entry in read_yaml("dvc.yaml")["stages"].items()),
        ]
    )


def stage(name: str, entry: dict) -> str:
    each = entry.get("do", entry)
    reads = [dep for dep in each["deps"] if not dep.startswith("src")]
    rooms = [Path(dep).name for dep in each["deps"] if dep.startswith("src") and not dep.endswith(".py")]
    params = [next(iter(item)) if isinstance(item, dict) else item for item in each.get("params", [])]
    parts = {"reads": reads, "parameters": params, "code": rooms, "writes": outs(each)}
    title = f"{name}@SHARD" if "shards" in entry.get("foreach", "") else name
    lines = [f"- {what}: {listed(names)}" for what, names in parts.items()]
    return "\n".join([f"## {title}\n\n{each.get('desc') or entry.get('desc')}.\n", *lines])


def outs(entry: dict) -> list[str]:
    items = [item for kind in ("outs", "metrics", "plots") for item in entry.get(kind, [])]
    return [next(iter(item)) if isinstance(item, dict) else item for item in items]


def stage_graph() -> str:
    """Which stage reads what another one writes, less the arrows that others imply."""
    entries = {name: entry.get("do", entry) for name, entry in read_yaml("dvc.yaml")["stages"].items()}
    makers = {out: name for name, entry in entries.items() for out in outs(entry)}
    pairs = {
        (maker, name)
        for name, entry in entries.items()
        for dep in entry["deps"]
        for out, maker in makers.items()
        if maker != name and (f"{dep}/".startswith(f"{out}/") or f"{out}/".startswith(f"{dep}/"))
    }
    optional = ("${attacks", "${unlearner")
    extra = [
        name for name, entry in read_yaml("dvc.yaml")["stages"].items() if entry.get("foreach", "").startswith(optional)
    ]
    lines = [f"    {one} --> {other}" for one, other in sorted(reduced(pairs))]
    style = [f"    class {','.join(extra)} extra", "    classDef extra stroke-dasharray: 5 5"]
    return "\n".join(["graph TD", *lines, *style])


def reduced(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows of a graph without circles that no other path implies."""

    def reach(start: str) -> set[str]:
        after = {other for one, other in pairs if one == start}
        return after.union(*map(reach, after))

    return {
        (one, other)
        for one, other in pairs
        if not any(other in reach(middle) for first, middle in pairs if first == one and middle != other)
    }


def metrics() -> str:
    files = {file.name: measures(json.loads(file.read_text())) for file in sorted(ROOT.glob("metrics/*.json"))}
    meaning = words()
    known = {
        name: found
        for name in sorted(set().union(*files.values()))
        if (found := meaning.get(SYNONYMS.get(name, name), meaning.get(name.replace("_", " "))))
    }
    rows = [
        (code(name), found, listed(file for file, names in files.items() if name in names))
        for name, found in known.items()
    ]
    return (
        "# Metrics\n\nThe files in [metrics](../../metrics), after a run. Shares are from 0 to 1, and rounded to 6 "
        "decimals. A measure that does not exist is absent. `cost.json` is explained in "
        "[What unlearning costs](../cost.md), what `attacks=all` adds in [the attacks](../attacks.md). "
        "The formulas, with their papers, are in [the Python reference](api.md).\n\n"
        + table(("measure", "meaning", "in"), rows)
    )


def measures(content: dict) -> set[str]:
    """The names of the numbers in a metrics file, at any depth; those below `class` and `shard` are names of shards."""
    names = set()
    for name, each in content.items():
        names |= measures(each) if isinstance(each, dict) and name not in ("class", "shard") else set()
        names |= {name} if not isinstance(each, dict) else set()
    return names


def architecture() -> str:
    purposes = re.findall(r"^\| `(\w+)` \| (.*) \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    rooms = {name: purpose for name, purpose in purposes if name in house.LAYERS}
    arrows = house.arrows()
    rows = [
        (
            code(name),
            rooms[name].replace("](", "](../../"),
            listed(other for other in house.LAYERS if (name, other) in arrows),
        )
        for name in reversed(house.LAYERS)
    ]
    lines = [f"    {one} --> {other}" for one, other in sorted(reduced(arrows))]
    inner = house.LAYERS[: house.LAYERS.index("stages") + 1]
    box = ["    subgraph results [what results depend on]", *(f"        {name}" for name in inner), "    end"]
    graph = "\n".join(["graph TD", *box, *lines])
    return (
        "# Architecture\n\n`src/sisa` has one room (package) a purpose. A room imports rooms below it, and none above; "
        "a test holds that. [Contributing](../../CONTRIBUTING.md) says where to add what.\n\n"
        "The arrows are the imports, drawn from the code. An arrow that a longer way implies is left out.\n\n"
        f"```mermaid\n{graph}\n```\n\n" + table(("room", "what is in it", "imports"), rows)
    )


def main() -> None:
    for place, text in texts().items():
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)


if __name__ == "__main__":
    main()
