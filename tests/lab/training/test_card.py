"""What the card of a trained model takes over from the cards of what it was made of."""

from pathlib import Path

import pytest
import yaml

from llmos.lab.activities.card import model_card
from llmos.lab.activities.train import origin_of
from llmos.lab.costs import measured
from llmos.lab.recipes import recipe_from
from llmos.lab.training.running import Trained
from llmos.lab.work import Repository

TERMS = "---\nlicense: apache-2.0\nlanguage: en\n---\n"


@pytest.mark.parametrize(
    ("data", "base", "license_", "language"),
    [
        ("---\nlicense: cc-by-4.0\nlanguage: zh\n---\n", TERMS, "apache-2.0", "zh"),
        ("no front\n", TERMS, "apache-2.0", "en"),
        ("---\nlicense: cc-by-4.0\n---\n", "no front\n", "cc-by-4.0", None),
    ],
)
def test_a_model_taught_further_stays_under_the_terms_of_its_base(
    tmp_path: Path, data: str, base: str, license_: str, language: str | None
) -> None:
    (tmp_path / "data.md").write_text(data)
    (tmp_path / "base.md").write_text(base)
    recipe = recipe_from({"task": "finetune"}, {"base": "ada/small", "budget.steps": 1})
    with measured() as meter:
        cost = meter.cost()
    origin = origin_of(
        Trained(recipe, 1, {"loss": 1.0}, {}, 10, 98, {}),
        cost,
        name="ada/taught",
        data=Repository("dataset", "ada/rows", "0" * 40),
        base=Repository("model", "ada/small", "1" * 40),
        data_card=tmp_path / "data.md",
        base_card=tmp_path / "base.md",
    )
    front = yaml.safe_load(model_card(origin).split("---\n")[1])
    assert front["base_model"] == "ada/small"
    assert (front["license"], front.get("language")) == (license_, language)
