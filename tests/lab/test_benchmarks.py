"""eval.yaml: what it may say, what it may not, and that its hash is of what is asked."""

import pytest

from llmos.lab.benchmarks import (
    as_content,
    benchmark_from,
    benchmark_hash,
    parse_benchmark,
)
from llmos.lab.errors import BadBenchmark

TEXT = """
name: Multi30k
version: 2
description: Captions.
task: translation
data: {repo: ada/multi30k, revision: 0123456789012345678901234567890123456789}
columns: {source: en, target: de}
metrics: [{name: sacrebleu, tokenize: 13a}, chrf]
decoding: {beam: 4, length_penalty: 1}
"""


def changed(**changes: object) -> dict[str, object]:
    return as_content(parse_benchmark(TEXT)) | changes


def test_a_benchmark_is_read_with_its_defaults_and_reads_itself_back() -> None:
    benchmark = parse_benchmark(TEXT)
    assert (benchmark.version, benchmark.primary) == ("2", "sacrebleu")
    assert benchmark.data.split == "test"
    assert benchmark.decoding.length_penalty == 1.0
    assert benchmark_from(as_content(benchmark)) == benchmark


def test_without_metrics_those_of_the_task_are_taken() -> None:
    content = changed()
    del content["metrics"]
    assert [one.name for one in benchmark_from(content).metrics] == ["sacrebleu", "chrf"]


def test_the_hash_changes_with_what_is_asked_and_not_with_words_about_it() -> None:
    first = benchmark_hash(parse_benchmark(TEXT))
    assert first == benchmark_hash(benchmark_from(changed(description="Other words.")))
    assert first != benchmark_hash(benchmark_from(changed(version="3")))
    assert first != benchmark_hash(benchmark_from(changed(decoding={"beam": 5})))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "must say its `name`"),
        ({"task": "cooking"}, "task is one of translation"),
        ({"colums": {}}, "did you mean columns"),
        ({"columns": {"source": "en"}}, "wants columns.target"),
        ({"metrics": ["bleu"]}, "no metric 'bleu'"),
        ({"metrics": ["accuracy"]}, "does not measure translation"),
        ({"metrics": ["chrf", "chrf"]}, "named once"),
        ({"metrics": [{"name": "chrf", "tokenize": "zh"}]}, "has no option 'tokenize'"),
        ({"data": {"repo": "ada/x", "revision": "main"}}, "a branch moves"),
        ({"data": {"revision": "0" * 40}}, "goes with data.repo"),
        ({"data": {"limit": -1}}, "not below 0"),
        ({"decoding": {"beam": 0}}, "between 1 and 32"),
        ({"decoding": {"temperature": float("nan")}}, "finite"),
        ({"decoding": {"beam": "many"}}, "expected int"),
        ({"answer": "(["}, "no regular expression"),
        ({"prompt": 3}, "write it in quotes"),
        ({"tasks": []}, "another evaluation framework"),
        ({"task": "classification"}, "at least two"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_words(
    changes: dict[str, object], words: str
) -> None:
    with pytest.raises(BadBenchmark, match=words):
        benchmark_from(changed(**changes))


@pytest.mark.parametrize("text", ["", "- a\n- b", "a: [", "just words"])
def test_what_is_no_mapping_is_no_benchmark(text: str) -> None:
    with pytest.raises(BadBenchmark):
        parse_benchmark(text)
