"""The corpus on the page: reasons grouped, languages cut short, tasks that nobody checked named so, text as text."""

from __future__ import annotations

from typing import Any

from leaven.report.contents import read
from leaven.report.corpus import corpus, dropped


def said(data: dict[str, Any]) -> str:
    return str(corpus(read(data)) or "")


def test_reasons_are_grouped(data: dict[str, Any]) -> None:
    page = said(data)
    assert "too short 312; floor: mostly digits 12" in page
    assert "exact duplicates" in page
    assert "--share:" in page
    assert page.count("%</td><td>not UTF-8 3") == 0
    data["corpus"]["text"]["removed"]["extraction"] = {"little prose": 10**6}
    assert "100.0%" not in said(data)
    many = {f"rule {n}": 100 - n for n in range(9)}
    data["corpus"]["text"]["removed"]["rules"] = many
    page = said(data)
    assert "rule 3 97; 5 other reasons" in page
    assert "rule 4 " not in page
    assert dropped(data["corpus"]["text"])["rules: rule 8"] == 92


def test_the_ten_first_languages_and_the_others(data: dict[str, Any]) -> None:
    page = said(data)
    assert "12 languages of web_code" in page
    assert "2 others" in page
    assert ">lua<" not in page
    assert "none of: Swift and Vue" in page
    assert "languages of text" not in page


def test_licences_and_clusters(data: dict[str, Any]) -> None:
    page = said(data)
    assert "not permissive" in page
    assert "18 clusters of two or more" in page
    assert "web_code: packages/b/tables.py; web_code: packages/c/tables.py" in page
    data["assembly"]["largest"] = data["assembly"]["largest"][:1] * 9
    assert said(data).count("web_code: packages/a/tables.py") == 3


def test_a_task_that_nobody_checked_is_named_so(data: dict[str, Any]) -> None:
    page = said(data)
    assert page.count("<strong>not checked</strong>") == 1
    assert 'scope="row">boolean</th><td><strong>not checked</strong>' in page
    assert "3 documents left out of the corpus" in page
    assert "12 items left out of the suite" in page
    data["assembly"]["contamination"]["boolean"] = data["assembly"]["contamination"]["humaneval"]
    assert "not checked" not in said(data)


def test_a_corpus_of_this_computer_says_so(data: dict[str, Any]) -> None:
    assert "different on any other: text, web_code, markup and adjacent." in said(data)
    for row in data["corpus"].values():
        row["origin"] = "path"
    assert "different on any other" not in said(data)


def test_names_of_documents_are_text(data: dict[str, Any], hostile: str) -> None:
    data["assembly"]["largest"][0]["documents"] = [f"text: {hostile}", hostile, hostile]
    data["assembly"]["contamination"][hostile] = data["assembly"]["contamination"]["humaneval"]
    data["corpus"]["web_code"]["languages"][0]["language"] = hostile
    data["corpus"]["text"]["removed"]["rules"][hostile] = 5
    data["corpus"]["text"]["licence_classes"] = {hostile: {"documents": 1}}
    data["assembly"]["note"] = hostile
    page = said(data)
    assert "<script" not in page
    assert "<img" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_with_little_known_the_rest_is_shown() -> None:
    page = said({"corpus": {"text": {"documents": 5}}})
    assert "Nothing was left out of any source." in page
    assert "Near-duplicates" not in page
    assert said({}) == ""
