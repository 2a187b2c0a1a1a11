"""What a study or a judge file may say of judging, and every mistake named by file, line and field."""

from __future__ import annotations

import pytest
import yaml

from leaven.ground.errors import BadInput
from leaven.study.corpus_graph import Survey
from leaven.study.expand import JUDGE, PROMPTS, expand
from leaven.study.judging import Judge, is_file
from leaven.study.load import load
from leaven.study.load_judge import load_judge
from leaven.study.templates import built_in_templates

ENDPOINT = "judge:\n  kind: endpoint\n  url: http://127.0.0.1:1/v1\n  model: some-model\n"
MINE = """\
template: mine
system: You compare.
user: |
  {prompt} one: {first} two: {second}
verdict: {first: "[[A]]", second: "[[B]]", tie: "[[C]]"}
"""


def write(tmp_path, text, name="judge.yaml"):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def settled(**judge):
    judge = {"kind": "endpoint", "url": "http://127.0.0.1:1/v1", "model": "m"} | judge
    study = load("pocket", settings=[f"judge={yaml.safe_dump(judge, default_flow_style=True).strip()}"]).study
    return study.settled(sequence=128, batch=16, precision="float32")


def graph_of(study, **extra):
    surveys = {
        name: Survey(f"print of {name}", 1, 1)
        for name, source in study.corpus.sources.items()
        if source.kind not in ("synthetic", "facts")
    }
    return expand(study, surveys | extra, {"width": 8})


def test_an_llm_judge_asks_by_the_papers_template_unless_told_otherwise(tmp_path):
    judge = load_judge(write(tmp_path, ENDPOINT)).judge
    assert judge.template is not None
    assert judge.template.template == "paper"
    assert load("pocket").study.judge.template is None
    assert {"paper", "ties"} <= set(built_in_templates())


def test_a_template_is_a_file_beside_the_judges(tmp_path):
    write(tmp_path, MINE, "templates/mine.yaml")
    judge = load_judge(write(tmp_path, f"{ENDPOINT}  template: templates/mine.yaml\n")).judge
    assert judge.template is not None
    assert judge.template.verdict.tie == "[[C]]"


def test_a_template_on_the_command_line_starts_from_here(tmp_path, monkeypatch):
    write(tmp_path, MINE, "here/mine.yaml")
    path = write(tmp_path, f"{ENDPOINT}  template: not-there.yaml\n", "there/judge.yaml")
    monkeypatch.chdir(tmp_path / "here")
    judge = load_judge(path, settings=["template=mine.yaml"]).judge
    assert judge.template is not None
    assert judge.template.template == "mine"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            f"{ENDPOINT}  template: papr\n",
            r'judge.yaml:5: judge.template: unknown template "papr"; did you mean "paper"',
        ),
        (f"{ENDPOINT}  budget: 5\n", "a budget in USD needs `price`"),
        (f"{ENDPOINT}  script: longer\n", "`script` belongs to a script; this judge is endpoint"),
        (f"{ENDPOINT}  prompts: {{limit: 5}}\n", "held-out beginnings have no"),
        (
            f"{ENDPOINT}  prompt: alpaca-eval\n",
            'judge.yaml:5: judge.prompt: unknown field "prompt"; did you mean "prompts"',
        ),
        (f"{ENDPOINT}  stop: ['']\n", "an empty string would end every completion"),
        ("judge: {kind: local}\n", "a local judge needs `model`"),
        ("judge: {kind: scripted}\n", "a scripted judge needs `script`"),
        ("judge: {kind: scripted, script: first, at_once: 4}\n", "`at_once` belongs to an LLM behind an endpoint"),
        ("judging: {}\n", "judge: the field is missing"),
    ],
)
def test_mistakes_are_told_where_they_are(tmp_path, text, says):
    with pytest.raises(BadInput, match=says.replace("(", r"\(")):
        load_judge(write(tmp_path, text))


def test_a_mistake_in_a_template_names_its_own_file_and_line(tmp_path):
    write(tmp_path, MINE.replace("second:", "secnd:"), "mine.yaml")
    with pytest.raises(BadInput, match=r"mine.yaml:5: judge.template.verdict.secnd: unknown field"):
        load_judge(write(tmp_path, f"{ENDPOINT}  template: mine.yaml\n"))


def test_paths_start_from_the_judges_file(tmp_path, monkeypatch):
    (tmp_path / "sub" / "model").mkdir(parents=True)
    judge = "judge:\n  kind: local\n  model: model\n  prompts: mine.jsonl\ndata: here\n"
    path = write(tmp_path, judge, "sub/judge.yaml")
    monkeypatch.chdir(tmp_path)
    found = load_judge("sub/judge.yaml")
    assert found.judge.model == str(tmp_path / "sub" / "model")
    assert found.judge.prompts.set == str(tmp_path / "sub" / "mine.jsonl")
    assert found.data == (str(tmp_path / "sub" / "here"),)
    assert load_judge(path, data=["there"]).data == ("there",)


def test_scripts_need_no_file_and_studies_have_judges():
    assert load_judge("scripted:longer").judge.script == "longer"
    assert load_judge("pocket").judge.kind == "reference-likelihood"
    with pytest.raises(BadInput, match='no judge "pockt"; did you mean "pocket"'):
        load_judge("pockt")


def test_what_is_a_file_of_prompts():
    assert [is_file(name) for name in ("alpaca-eval", "x.jsonl", "a/b", "x.json.gz", "heldout")] == [
        False,
        True,
        True,
        True,
        False,
    ]


def test_lengths_stops_and_gates_follow_the_prompts_and_the_judge():
    held = Judge(kind="endpoint", url="http://x/v1", model="m")
    assert (held.longest, held.ends(("\nQ:",)), held.degenerate, held.checks) == (48, ((), True), "ask", 20)
    framed = Judge(kind="scripted", script="first", prompts="alpaca-eval")  # type: ignore[arg-type]
    assert (framed.longest, framed.ends(("\nQ:",)), framed.degenerate, framed.checks) == (
        256,
        (("\nQ:",), False),
        "lose",
        0,
    )
    told = framed.model_copy(update={"stop": ["paragraph", "END"], "completion": 7})
    assert (told.longest, told.ends(("\nQ:",))) == (7, (("END",), True))


def test_with_a_revision_the_address_is_no_part_of_who_judges():
    here, there = (Judge(kind="endpoint", url=f"http://{host}/v1", model="m") for host in ("a", "b"))
    assert here.identity() != there.identity()
    here, there = (judge.model_copy(update={"revision": "2024-05"}) for judge in (here, there))
    assert here.identity() == there.identity()


def test_how_it_is_asked_is_no_part_of_who_judges():
    judge = Judge(kind="endpoint", url="http://a/v1", model="m")
    asked = {"at_once": 32, "timeout": 5.0, "tries": 9, "key": "K", "most_calls": 7, "per_minute": 3.0}
    assert judge.model_copy(update=asked).identity() == judge.identity()
    assert judge.model_copy(update={"replies": 5}).identity() != judge.identity()
    assert judge.model_copy(update={"controls": 5}).identity() != judge.identity()


def test_by_default_every_variant_meets_the_baseline():
    graph = graph_of(settled())
    pairs = [(run.variant, *run.judgements) for run in graph.runs if run.seed == 1 and run.judgements]
    assert sorted(pairs) == [(name, "text-only") for name in ("balanced-only", "balanced→text", "code→text", "no-code")]
    roles = graph.find("verdict").inputs
    assert "judge:no-code/text-only:3" in roles


def test_all_against_all():
    graph = graph_of(settled(pairs="all"))
    met = [{run.variant, other} for run in graph.runs if run.seed == 1 for other in run.judgements]
    assert len(met) == 10
    assert len({frozenset(pair) for pair in met}) == 10
    alone = graph_of(settled())
    ours = {step.identity for step in alone.of_kind("judge")}
    assert ours < {step.identity for step in graph.of_kind("judge")}


def test_prompts_that_are_a_file_are_a_step_of_their_own():
    study = settled(prompts={"set": "dolly-15k", "where": {"category": "open_qa"}, "limit": 50})
    graph = graph_of(study, **{PROMPTS: Survey("p", 0, 0)})
    prompts = graph.find("prompts")
    assert (prompts.fields["where"], prompts.fields["limit"]) == ({"category": ["open_qa"]}, 50)
    assert prompts.fields["kinds"]["text"] == "text"
    step = next(graph.of_kind("complete"))
    assert step.inputs["prompts"] == prompts.identity
    assert (step.fields["tokens"], step.fields["paragraph"]) == (256, False)
    other = graph_of(study, **{PROMPTS: Survey("other", 0, 0)})
    assert other.find("prompts").identity != prompts.identity


def test_where_a_file_of_prompts_lies_is_no_part_of_identity():
    graphs = [
        graph_of(settled(prompts={"set": path}), **{PROMPTS: Survey("p", 0, 0)})
        for path in ("/a/x.jsonl", "/b/y.jsonl")
    ]
    assert graphs[0].find("prompts").identity == graphs[1].find("prompts").identity


def test_a_local_judge_is_its_weights():
    judge = "judge={kind: local, model: some/name}"
    study = load("pocket", settings=[judge]).study.settled(sequence=128, batch=16, precision="float32")
    steps = [next(graph_of(study, **{JUDGE: Survey(weights, 0, 0)}).of_kind("judge")) for weights in "ab"]
    assert steps[0].identity != steps[1].identity
    assert steps[0].fields["model"] == "a"
