"""Scores equal those of the libraries and scripts that define them, on real sentences."""

import json
import math
import random
import re
import string
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import sacrebleu
from sacrebleu.metrics import BLEU, CHRF

from llmos.lab.benchmarks import MetricChoice
from llmos.lab.errors import BadBenchmark
from llmos.lab.metrics import Score, measure_choices, measure_likelihoods, measure_texts
from llmos.lab.metrics.counting import interval, mean_of
from llmos.lab.metrics.likelihoods import Chosen, Surprise

DATA = Path(__file__).parents[4] / "shared" / "data"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of nltk


def data(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the public data set {name} lies not beside the checkout")
    return path


def lines(name: str, count: int) -> list[str]:
    return data(name).read_text(encoding="utf-8").splitlines()[:count]


def worsened(texts: list[str]) -> list[str]:
    """Some words swapped, some dropped: what a middling model says."""
    chance = random.Random(3)
    found = []
    for text in texts:
        words = text.split() if " " in text else list(text)
        words = [word for word in words if chance.random() > 0.15]
        if len(words) > 2 and chance.random() > 0.5:
            words[0], words[1] = words[1], words[0]
        found.append((" " if " " in text else "").join(words))
    return found


def one(name: str, outputs: list[str], references: list[list[str]], **options: str) -> Score:
    return measure_texts([MetricChoice(name, **options)], outputs, references)[0]  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def german() -> list[str]:
    return lines("multi30k/test_2016_flickr.de", 200)


def test_bleu_and_chrf_are_sacrebleus_to_the_last_digit(german: list[str]) -> None:
    outputs, references = worsened(german), [[text] for text in german]
    bleu, chrf = BLEU(), CHRF()

    found = measure_texts([MetricChoice("sacrebleu"), MetricChoice("chrf")], outputs, references)

    assert found[0].value == bleu.corpus_score(outputs, [german]).score
    assert found[1].value == chrf.corpus_score(outputs, [german]).score
    assert [one.signature for one in found] == [
        str(bleu.get_signature()),
        str(chrf.get_signature()),
    ]
    assert 20 < found[0].low < found[0].value < found[0].high < 90


def test_bleu_is_what_sacrebleus_own_command_prints(german: list[str], tmp_path: Path) -> None:
    outputs = worsened(german)
    (tmp_path / "out").write_text("\n".join(outputs) + "\n")
    (tmp_path / "ref").write_text("\n".join(german) + "\n")
    said = subprocess.run(
        [sys.executable, "-m", "sacrebleu", "ref", "-i", "out", "-w", "12", "--format", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(said.stdout)
    ours = one("sacrebleu", outputs, [[text] for text in german])
    assert round(ours.value, 12) == theirs["score"]
    assert ours.signature == theirs["signature"]


def test_chinese_is_cut_into_letters_and_says_so() -> None:
    pairs = [line.split("\t") for line in lines("tatoeba-cmn-eng/cmn.txt", 150)]
    chinese = [pair[1] for pair in pairs]
    outputs = worsened(chinese)
    found = one("sacrebleu", outputs, [[text] for text in chinese])
    assert "tok:zh" in found.signature
    assert found.value == sacrebleu.corpus_bleu(outputs, [chinese], tokenize="zh").score
    told = one("sacrebleu", outputs, [[text] for text in chinese], tokenize="char")
    assert "tok:char" in told.signature


def test_rows_with_several_references_and_with_one_go_together() -> None:
    outputs = ["the cat sat on the mat", "a dog ran off"]
    references = [["the cat sat on a mat", "the cat sat on the mat"], ["a dog ran away"]]
    found = one("sacrebleu", outputs, references)
    streams = [["the cat sat on a mat", "a dog ran away"], ["the cat sat on the mat", None]]
    assert found.value == BLEU().corpus_score(outputs, streams).score
    assert "nrefs:var" in found.signature


def test_intervals_agree_with_sacrebleus_and_repeat_themselves(german: list[str]) -> None:
    outputs, references = worsened(german), [[text] for text in german]
    theirs = BLEU().corpus_score(outputs, [german], n_bootstrap=1000)
    found = one("sacrebleu", outputs, references)
    assert (found.high - found.low) / 2 == pytest.approx(theirs._ci, rel=0.15)
    assert found == one("sacrebleu", outputs, references)


def test_an_interval_of_a_mean_is_as_wide_as_statistics_say() -> None:
    chance = random.Random(1)
    values = [float(chance.random() < 0.3) for _ in range(2000)]
    counted = mean_of("x", "", values)
    low, high = interval(counted.counts, counted.total)
    share = sum(values) / len(values)
    width = 2 * 1.96 * 100 * math.sqrt(share * (1 - share) / len(values))
    assert high - low == pytest.approx(width, rel=0.1)


def test_rouge_is_rouge_scores_and_takes_the_best_of_several_summaries() -> None:
    from rouge_score.rouge_scorer import RougeScorer

    rows = [json.loads(line) for line in lines("scitldr/test.jsonl", 40)]
    outputs = [row["source"][0] for row in rows]
    references = [row["target"] for row in rows]
    for name in ("rouge1", "rouge2", "rougeL"):
        scorer = RougeScorer([name], use_stemmer=True)
        best = [
            max(scorer.score(text, output)[name].fmeasure for text in texts)
            for output, texts in zip(outputs, references, strict=True)
        ]
        found = one(name, outputs, references)
        assert found.value == pytest.approx(100 * sum(best) / len(best), rel=1e-12)
        assert found.rows[3] == 100 * best[3]


def test_rouge_compares_chinese_letter_by_letter() -> None:
    found = one("rouge1", ["今天天气很好"], [["今天的天气好"]])
    assert found.value == pytest.approx(100 * 2 * (5 / 6) * (5 / 6) / (10 / 6))
    assert "tok:characters" in found.signature


# What SQuAD 1.1 and CMRC 2018 publish as their measure, written down once more.


def squad_words(text: str) -> list[str]:
    text = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def squad_f1(reference: str, output: str) -> float:
    right, said = squad_words(reference), squad_words(output)
    common = sum((Counter(right) & Counter(said)).values())
    if not common:
        return 0.0
    precision, recall = common / len(said), common / len(right)
    return 2 * precision * recall / (precision + recall)


CMRC_REMOVED = [
    *["-", ":", "_", "*", "^", "/", "\\", "~", "`", "+", "="],
    *["，", "。", "：", "？", "！", "“", "”", "；", "’", "《", "》", "……", "·", "、"],
    *["「", "」", "（", "）", "－", "～", "『", "』"],
]


def cmrc_segments(text: str) -> list[str]:
    from nltk import word_tokenize

    segments, pending = [], ""
    for letter in text.lower().strip():
        if letter in CMRC_REMOVED:
            continue
        if re.search("[\u4e00-\u9fa5]", letter):
            if pending:
                segments += word_tokenize(pending, preserve_line=True)
                pending = ""
            segments.append(letter)
        else:
            pending += letter
    if pending:
        segments += word_tokenize(pending, preserve_line=True)
    return segments


def longest_common_run(one: list[str], other: list[str]) -> int:
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, left in enumerate(one):
        for j, right in enumerate(other):
            if left == right:
                table[i + 1][j + 1] = table[i][j] + 1
    return max(max(row) for row in table)


def cmrc_f1(reference: str, output: str) -> float:
    right, said = cmrc_segments(reference), cmrc_segments(output)
    run = longest_common_run(right, said)
    if not run:
        return 0.0
    precision, recall = run / len(said), run / len(right)
    return 2 * precision * recall / (precision + recall)


def test_english_answers_are_compared_as_squad_does() -> None:
    rows = [json.loads(line)["target"] for line in lines("scitldr/test.jsonl", 60)]
    outputs = worsened([texts[0] for texts in rows])
    outputs[0] = "The " + rows[0][0].upper() + "!"
    found = one("squad_f1", outputs, rows)
    expected = [
        max(squad_f1(text, output) for text in texts)
        for output, texts in zip(outputs, rows, strict=True)
    ]
    assert found.rows == tuple(100 * value for value in expected)
    assert found.value == pytest.approx(100 * sum(expected) / len(expected), rel=1e-12)
    equal = one("squad_exact_match", outputs, rows)
    assert equal.rows[0] == 100
    assert equal.value == 100 * sum(
        any(squad_words(text) == squad_words(output) for text in texts)
        for output, texts in zip(outputs, rows, strict=True)
    ) / len(rows)


def test_chinese_answers_are_compared_as_cmrc_does() -> None:
    content = json.loads(data("cmrc2018/cmrc2018_trial.json").read_text(encoding="utf-8"))
    answers = [
        [answer["text"] for answer in question["answers"]]
        for article in content["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ][:400]
    outputs = worsened([texts[0] for texts in answers])
    outputs[:40] = [f"「{texts[0]}」。" for texts in answers[:40]]
    found = one("squad_f1", outputs, answers)
    expected = [
        max(cmrc_f1(text, output) for text in texts)
        for output, texts in zip(outputs, answers, strict=True)
    ]
    assert "norm:cmrc-2018" in found.signature
    assert found.rows == tuple(100 * value for value in expected)
    assert len(set(expected)) > 20
    assert one("squad_exact_match", outputs, answers).rows[:40] == (100.0,) * 40


def test_a_model_that_says_nothing_scores_nothing() -> None:
    names = "sacrebleu chrf rouge1 rougeL squad_f1 squad_exact_match exact_match".split()
    found = measure_texts([MetricChoice(name) for name in names], ["", ""], [["a b"], ["c"]])
    assert [score.value for score in found] == [0.0] * len(names)


def test_choices_are_weighed_whole_and_by_their_length() -> None:
    rows = [
        Chosen((-4.0, -3.0), (8, 2), right=0),
        Chosen((-1.0, -2.0), (1, 1), right=0),
        Chosen((-2.0, -2.0), (4, 4), right=1),  # of equals the first is taken
    ]
    whole, by_length = measure_choices(
        [MetricChoice("accuracy"), MetricChoice("accuracy_norm")], rows
    )
    assert whole.value == 100 * (1 / 3)
    assert by_length.value == 100 * (2 / 3)


def test_perplexity_is_of_all_text_together() -> None:
    rows = [Surprise(-10.0, byte=5, word=2, token=4), Surprise(-2.0, byte=15, word=3, token=6)]
    by_byte, by_token = (
        measure_likelihoods([MetricChoice("perplexity", unit=unit)], rows)[0]  # type: ignore[arg-type]
        for unit in ("byte", "token")
    )
    assert by_byte.value == pytest.approx(math.exp(12 / 20))
    assert by_token.value == pytest.approx(math.exp(12 / 10))
    assert not by_byte.higher_is_better
    assert by_byte.low <= by_byte.value <= by_byte.high


def test_a_tokeniser_that_is_not_here_is_named() -> None:
    with pytest.raises(BadBenchmark, match="martian"):
        one("sacrebleu", ["a"], [["a"]], tokenize="martian")
