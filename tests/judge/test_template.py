"""The question as it is put, and strict reading of the answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.ground.errors import BadInput
from leaven.judge.question import Question
from leaven.judge.template import AFTER, BEFORE, Template, template_of
from leaven.study.templates import FOLDER, read_template

READINGS = [
    ("Comparison: A holds, B rambles.\nPreferred: Answer (A)", "first"),
    ("Comparison: …\nPreferred: Answer (B)", "second"),
    ("Preferred: 'Answer (B)'", "second"),
    ("Preferred: “Answer (B)”.", "second"),
    ("Preferred: <'Answer (B)'>", "second"),
    ("'Preferred: Answer (B)'", "second"),
    ("**Preferred:** Answer (A)", "first"),
    ("**Preferred**: Answer (A)", "first"),
    ("**Preferred: Answer (A)**", "first"),
    ("### Preferred: __Answer (A)__", "first"),
    ("  Preferred : Answer (A).\n\n", "first"),
    ("Preferred: Answer (A)  \t\r\n", "first"),
    ("Hm.\r\nPreferred: Answer (B)\r\n\r\nThat is all.\r\n", "second"),
    ("```\nPreferred: Answer (B)\n```", "second"),
    ("`Preferred: Answer (B)`", "second"),
    # The last verdict counts: the judge may quote the format, or think aloud, before.
    ("Preferred: Answer (A)\nOn reflection:\nPreferred: Answer (B)", "second"),
    ("The format is Preferred: <'Answer (A)' or 'Answer (B)'>\nPreferred: Answer (A)", "first"),
    ("Preferred: <'Answer (A)' or 'Answer (B)'>\nPreferred: Answer (A)", "first"),
    ("Preferred: Answer (A)\n> Preferred: Answer (B)", "first"),
    # No verdict on a line of its own, or one that hedges, is none.
    ("I would say that Preferred: Answer (A)", None),
    ("Preferred: Answer (A) or Answer (B)", None),
    ("Preferred: Answer (A) or (B)", None),
    ("Preferred: Answer (A), Answer (B)", None),
    ("Preferred: Answer (AB)", None),
    ("Preferred: Answer (A)\nPreferred: neither", None),
    ("Preferred: <'Answer (A)' or 'Answer (B)'>", None),
    ("Preferred: Answer (A), because it holds", None),
    ("Preferred: Answer (A)?", None),
    ("Preferred: Answer (C)", None),
    ("Preferred: Tie", None),
    ("Preferred: A", None),
    ("Preferred: Answer A", None),
    ("Preferred: Answer  (A)", None),
    ("Answer (A) is better.", None),
    ("preferred: answer (a)", None),
    ("PREFERRED: ANSWER (A)", None),
    ("I cannot help with that.", None),
    # Half lines.
    ("Preferred:\nAnswer (A)", None),
    ("Preferred:", None),
    ("Preferred: Answer (A", None),
    ("Preferred: Answer", None),
    ("Preferred", None),
    ("Answer (A)", None),
    ("", None),
    # Letters that look alike are others: А of the Cyrillic, Ａ and （ of full width, Α of the Greek alphabet.
    ("Preferred: Answer (А)", None),
    ("Preferred: Answer (Ａ)", None),
    ("Preferred: Answer （A）", None),
    ("Preferred: Answer (Α)", None),
    ("Рreferred: Answer (A)", None),
    ("Preferred：Answer (A)", None),
    ("Preferred:\u200bAnswer (A)", None),
]


@pytest.mark.parametrize(("reply", "choice"), READINGS)
def test_the_last_anchored_verdict_counts(paper, reply, choice):
    assert paper.parse(reply) == choice


@pytest.mark.parametrize(
    ("reply", "choice"),
    [
        ("Both err.\nDecision: tie", "tie"),
        ("Decision: **response 1**", "first"),
        ("Decision: response 1\nDecision: response 2.", "second"),
        ("Decision: response 1 or tie", None),
        ("Decision: response", None),
        ("Decision: response 12", None),
        ("tie", None),
    ],
)
def test_a_tie_is_a_verdict_where_the_template_has_one(ties, reply, choice):
    assert ties.parse(reply) == choice


QUOTED = st.lists(
    st.sampled_from(
        [
            "Preferred: Answer (A)",
            "Preferred: Answer (B)",
            "Preferred: <'Answer (A)' or 'Answer (B)'>",
            "Decision: tie",
            "Decision: response 1",
            "[[A]]",
            "Winner",
            "A",
            "B",
            "```",
            "{first}",
            "\r\n",
        ]
    )
    | st.text(),
    max_size=8,
).map("\n".join)
AROUND = st.tuples(st.text(BEFORE, max_size=4), st.text(AFTER, max_size=4))


@given(QUOTED, AROUND, AROUND)
def test_a_verdict_put_last_wins_over_any_quoted_before(paper, ties, quoted, line, inner):
    for template, begins, text, choice in [
        (paper, "Preferred:", "Answer (B)", "second"),
        (ties, "Decision:", "tie", "tie"),
        (Template("bare", "", "A", "B"), "", "B", "second"),
    ]:
        said = f"{quoted}\n{line[0]}{begins}{inner[0]}{text}{inner[1]}{line[1]}"
        assert template.parse(said) == choice


@given(QUOTED)
def test_anywhere_the_last_string_counts(quoted):
    template = Template("anywhere", "", "[[A]]", "[[B]]", "[[C]]", anywhere=True)
    assert template.parse(f"{quoted}so it is [[B]], I think; ") == "second"
    assert template.parse(f"{quoted}[[B]][[A]]") == "first"
    assert template.parse(f"{quoted}[[A]] [[C]]!") == "tie"
    assert template.parse("[[a]] [A]") is None


def test_without_a_beginning_only_a_whole_line_counts():
    template = Template("bare", "", "A", "B", "C")
    assert template.parse("A\nB or A\nAnd so on") == "first"
    assert template.parse("**C**\n") == "tie"
    assert template.parse("A and B\nI choose A\nD") is None


@pytest.mark.parametrize("begins", ["**Verdict:**", "Verdict :", "The better one is", "## Verdict", "I say."])
def test_any_beginning_is_read_as_it_is_written(begins):
    template = Template("mine", "", "1", "2", begins=begins)
    assert template.parse(f"Verdict: 1 is said\n{begins} 2") == "second"
    assert template.parse(f"{begins} 1 or 2") is None
    assert template.parse("2") is None


@given(st.text(), st.sampled_from(["paper", "ties"]))
def test_reading_never_fails(paper, ties, reply, name):
    assert {"paper": paper, "ties": ties}[name].parse(reply) in ("first", "second", "tie", None)


@pytest.mark.parametrize(
    "long",
    ["*" * 10**6, " " * 10**6, "Preferred:" * 10**5, "Preferred" + " " * 10**6 + "x", "\n" * 10**6, "' " * 10**6],
)
def test_very_long_replies_are_read(paper, long):
    """In linear time: a quadratic reading of a megabyte would not end."""
    assert paper.parse(f"{long}\nPreferred: Answer (A)") == "first"
    assert paper.parse(f"Preferred: Answer (A){long}!") is None or "\n" in long
    assert paper.parse(f"Preferred: {long}Answer (B){long}") in ("second", None)


@given(st.text(), st.text(), st.text())
def test_the_texts_stand_in_their_places_as_they_are(paper, prompt, first, second):
    user = paper.messages(Question(prompt, first, second))[1]["content"]
    assert f"Instruction: {prompt}\n\nAnswer (A): {first}\n\nAnswer (B): {second}\n\n" in user


HOSTILE = st.sampled_from(["{prompt}", "{first}", "{second}", "{", "}", "{{first}}", "\\1", "\\g<0>", "$first", "%s"])


@given(st.lists(HOSTILE | st.text(), max_size=5).map("".join), st.lists(HOSTILE, max_size=5).map("".join))
def test_placeholders_in_a_text_are_only_text(first, second):
    template = Template("mine", "{second}|{first}|{prompt}|{first}", "A", "B", system="{prompt}/{other}")
    system, user = template.messages(Question("{second}", first, second, given="not shown"))
    assert user == {"role": "user", "content": f"{second}|{first}|{{second}}|{first}"}
    assert system == {"role": "system", "content": "{second}/{other}"}


def test_without_a_system_text_there_is_no_system_message():
    assert [m["role"] for m in Template("mine", "{prompt}", "A", "B").messages(Question("p", "x", "y"))] == ["user"]


def described(user="{prompt} {first} {second}", system="", **verdict):
    return {"template": "mine", "system": system, "user": user, "verdict": {"first": "A", "second": "B", **verdict}}


def test_a_template_is_read_from_its_description():
    data = described(system="s", begins="So:", tie="C") | {"source": "a book"}
    expected = Template("mine", "{prompt} {first} {second}", "A", "B", "C", "s", "So:", False, "a book")
    assert template_of(data) == expected
    assert template_of(described("{first} {second}", "{prompt}", anywhere=True, tie=None)).anywhere
    least = {"template": "mine", "user": "{prompt} {first} {second}", "verdict": {"first": "A", "second": "B"}}
    assert template_of(least) == Template("mine", "{prompt} {first} {second}", "A", "B")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (described("{first} {second}"), r"lacks \{prompt\}"),
        (described("{prompt} {answer} {second}"), r"lacks \{first\} \(it has \{answer\}\)"),
        (described("{prompt} {first}"), r"lacks \{second\}"),
        (described(second="A"), 'verdict "A" could be mistaken for "A"'),
        (described(second="**A**."), 'verdict "A" could be mistaken'),
        (described(second="AB"), 'verdict "A" could be mistaken for "AB"'),
        (described(first="AB", second="A"), 'verdict "A" could be mistaken for "AB"'),
        (described(tie="A or B"), 'verdict "A" could be mistaken for "A or B"'),
        (described(tie="neither A nor B", anywhere=True), 'verdict "A" could be mistaken for "neither A nor B"'),
        (described(begins="So:", anywhere=True), "`begins` is for verdicts on a line of their own"),
        (described(first=""), "'' cannot be a verdict"),
        (described(first=" **."), "cannot be a verdict"),
        (described(tie=""), "'' cannot be a verdict"),
        (described(first=" ", anywhere=True), "cannot be a verdict"),
        (described(first="A\nA"), "cannot be a verdict"),
        (described(begins="So\nthen:"), "must be words on one line"),
        (described(begins=" "), "must be words on one line"),
        (described(begins="**:"), "must be words on one line"),
    ],
)
def test_a_template_that_could_be_misread_is_refused(data, message):
    with pytest.raises(BadInput, match=message):
        template_of(data)


def test_verdicts_may_share_words_where_they_are_whole_lines():
    assert template_of(described(tie="neither A nor B")).parse("neither A nor B") == "tie"


def test_the_id_changes_with_the_request_and_not_with_the_reading():
    ids = {
        template_of(described()).id,
        template_of(described("{prompt} {first} {second}!")).id,
        template_of(described(system="s")).id,
        template_of(described() | {"template": "other"}).id,
    }
    assert len(ids) == 4
    read_otherwise = template_of(described(first="X", tie="C", begins="So:") | {"source": "a book"})
    assert read_otherwise.id == template_of(described()).id


@pytest.mark.parametrize("name", ["paper", "ties"])
def test_built_in_templates_pass_the_study_room(name, tmp_path, request):
    assert template_of(read_template(name, "here", tmp_path)) == request.getfixturevalue(name)
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == ["paper", "ties"]


def test_the_papers_template_has_its_structure_and_no_tie(paper):
    user = paper.user
    parts = ["Instruction: {prompt}", "Answer (A): {first}", "Answer (B): {second}", "Comparison: <", "Preferred: <'"]
    places = [user.index(part) for part in parts]
    assert places == sorted(places)
    assert all(f"\n{n}. " in user for n in (1, 2, 3, 4))
    assert paper.tie is None
    assert "2408.10914" in paper.source


def test_golden_templates(paper, ties):
    """Another wording is another judge: its id, and with it every cached reply, must change with it."""
    assert (paper.id, ties.id) == ("paper/fd8f3f58ff8a", "ties/b6c501e683c8")
