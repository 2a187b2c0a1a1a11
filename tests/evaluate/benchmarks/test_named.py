"""A task by its name."""

from __future__ import annotations

import pytest

from leaven.evaluate.benchmarks.named import OWN, find_task
from leaven.evaluate.benchmarks.taskyaml import Function, functions, read_task
from leaven.ground.errors import BadInput

PLAIN = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: rows.jsonl}}}}
test_split: test
output_type: multiple_choice
doc_to_text: question
doc_to_target: gold
doc_to_choice: choices
"""


@pytest.mark.parametrize(
    ("name", "source", "file"),
    [
        ("quac", "leaven", "quac.yaml"),
        ("humaneval", "leaven", "humaneval.yaml"),
        ("mbpp", "leaven", "mbpp.yaml"),
        ("triviaqa", "leaven", "triviaqa.yaml"),
        ("piqa", "lm-eval", "piqa/piqa.yaml"),
        ("boolq", "lm-eval", "super_glue/boolq/default.yaml"),
        ("storycloze_2018", "lm-eval", "storycloze/storycloze_2018.yaml"),
    ],
)
def test_leavens_own_come_first_then_lm_evals(name, source, file):
    found = find_task(name)
    assert (found.name, found.source, found.file) == (name, source, file)
    assert found.config()["task"] == name


def test_a_users_folder_comes_between(tmp_path):
    for name in ("piqa", "quac", "mine"):
        (tmp_path / f"{name}.yaml").write_text(PLAIN.format(name=name))
    assert find_task("piqa", [tmp_path]).source == "included"
    assert find_task("mine", [tmp_path]).source == "included"
    assert find_task("quac", [tmp_path]).source == "leaven"
    with pytest.raises(BadInput, match="no such folder"):
        find_task("mine", [tmp_path / "absent"])


def test_a_file_by_its_path(tmp_path):
    (tmp_path / "mine.yaml").write_text(PLAIN.format(name="my_task"))
    assert find_task(str(tmp_path / "mine.yaml")).name == "my_task"
    assert find_task("mine.yaml", [tmp_path]).file == "mine.yaml"
    with pytest.raises(BadInput, match="no such task file"):
        find_task("absent.yaml", [tmp_path])


def test_all_of_leavens_own_can_be_read():
    for path in OWN.glob("*.yaml"):
        assert find_task(path.stem).config()["task"] == path.stem


def test_unknown_names_groups_and_tags():
    with pytest.raises(BadInput, match='did you mean "piqa"'):
        find_task("pika")
    with pytest.raises(BadInput, match="tag of tasks: boolq, cb, copa"):
        find_task("super-glue-lm-eval-v1")
    with pytest.raises(BadInput, match="group of tasks: mmlu_stem"):
        find_task("mmlu")


def test_tasks_that_would_run_programs_or_load_data_by_themselves():
    with pytest.raises(BadInput, match="without isolation"):
        find_task("mbpp_plus")
    with pytest.raises(BadInput, match="Python class"):
        find_task("squadv2")


def test_malformed_files_are_named_with_their_line(tmp_path):
    (tmp_path / "broken.yaml").write_text("task: broken\nmetadata: {a: [1\nb: 2\n")
    with pytest.raises(BadInput, match=r"broken\.yaml:3"):
        find_task("broken", [tmp_path])
    (tmp_path / "list.yaml").write_text("- task: x\n")
    with pytest.raises(BadInput, match="no fields of a task"):
        find_task(str(tmp_path / "list.yaml"))
    (tmp_path / "gone.yaml").write_text("task: gone\ninclude: nowhere.yaml\n")
    with pytest.raises(BadInput, match="cannot be read"):
        find_task("gone", [tmp_path])
    (tmp_path / "round.yaml").write_text("task: round\ninclude: round.yaml\n")
    with pytest.raises(BadInput, match="includes itself"):
        find_task("round", [tmp_path])
    (tmp_path / "nofunction.yaml").write_text("task: nofunction\nprocess_docs: !function nowhere.at_all\n")
    with pytest.raises(BadInput, match="functions cannot be imported"):
        find_task("nofunction", [tmp_path]).config()


def test_the_hash_is_of_all_that_makes_the_task(tmp_path):
    (tmp_path / "base").write_text("output_type: multiple_choice\ndoc_to_text: !function tools.text\n")
    (tmp_path / "tools.py").write_text("def text(doc):\n    return doc['a']\n")
    (tmp_path / "t.yaml").write_text("include: base\ntask: t\noutput_type: generate_until\n")
    first = read_task(tmp_path / "t.yaml")
    assert first.fields["output_type"] == "generate_until"
    assert functions(first.fields) == [Function(tmp_path, "tools.text")]
    assert read_task(tmp_path / "t.yaml").sha256 == first.sha256
    for file in ("base", "tools.py", "t.yaml"):
        before = (tmp_path / file).read_text()
        (tmp_path / file).write_text(before + "\n# changed\n")
        assert read_task(tmp_path / "t.yaml").sha256 != first.sha256
        (tmp_path / file).write_text(before)
