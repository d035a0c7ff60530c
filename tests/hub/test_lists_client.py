"""Info and lists as the unmodified client reads them, against a running hub."""

import json
import pickle
import struct
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import RevisionNotFoundError
from tests.conftest import HubServer

CARD = """---
license: apache-2.0
language: [en, zh]
pipeline_tag: text-generation
library_name: transformers
datasets: [ada/poems]
base_model: ada/parent
tags: [{tag}]
---
# A small model

It writes verses, see arxiv.org/abs/1706.03762. 它会写诗，用注意力机制翻译。
"""


@pytest.fixture(scope="module")
def ada(hub_server: HubServer) -> HfApi:
    return HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])


@pytest.fixture(scope="module")
def tag() -> str:
    return f"tag-{uuid4().hex[:10]}"


@pytest.fixture(scope="module")
def model(ada: HfApi, tag: str) -> Iterator[str]:
    name = f"ada/poet-{uuid4().hex[:10]}"
    ada.create_repo(name)
    files = {
        "README.md": CARD.format(tag=tag).encode(),
        "config.json": b'{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}',
        "tokenizer_config.json": b'{"bos_token": "<s>", "chat_template": "{{ x }}"}',
        "model.safetensors": safetensors({"a": ("F32", [3, 4]), "b": ("BF16", [10])}),
        "bad.pkl": pickle.dumps(Evil()),
    }
    ada.create_commit(
        name,
        operations=[CommitOperationAdd(path, content) for path, content in files.items()],
        commit_message="Add files",
    )
    soon(lambda: ada.model_info(name, expand=["tags"]).tags and listed(ada, filter=tag) == [name])
    yield name
    ada.delete_repo(name)


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (eval, ("1",))


def safetensors(tensors: dict[str, tuple[str, list[int]]]) -> bytes:
    header, end = {}, 0
    for name, (dtype, shape) in tensors.items():
        size = 4 if dtype == "F32" else 2
        for length in shape:
            size *= length
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


def soon(is_true: Callable[[], object]) -> None:
    """The worker runs a moment behind."""
    deadline = time.monotonic() + 20
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def listed(api: HfApi, **filters: object) -> list[str]:
    return [found.id for found in api.list_models(**filters)]  # type: ignore[arg-type]


def test_info_tells_card_tags_weights_and_configuration(ada: HfApi, model: str, tag: str) -> None:
    info = ada.model_info(model)
    assert info.card_data is not None
    assert info.card_data.license == "apache-2.0"
    assert info.pipeline_tag == "text-generation"
    assert info.library_name == "transformers"
    assert info.safetensors is not None
    assert info.safetensors.parameters == {"F32": 12, "BF16": 10}
    assert info.safetensors.total == 22
    assert info.config == {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "tokenizer_config": {"bos_token": "<s>", "chat_template": "{{ x }}"},
    }
    assert info.transformers_info is not None
    assert info.transformers_info.auto_model == "AutoModelForCausalLM"
    assert set(info.tags or []) >= {
        tag, "en", "zh", "license:apache-2.0", "dataset:ada/poems", "arxiv:1706.03762",
        "base_model:ada/parent", "base_model:finetune:ada/parent", "transformers", "safetensors",
    }  # fmt: skip


def test_files_are_shown_with_sizes_when_asked(ada: HfApi, model: str) -> None:
    siblings = {file.rfilename: file for file in ada.model_info(model).siblings or []}
    assert siblings["config.json"].size is None
    sized = ada.model_info(model, files_metadata=True).siblings or []
    by_name = {file.rfilename: file for file in sized}
    weights = by_name["model.safetensors"]
    assert weights.lfs is not None
    assert weights.size == weights.lfs.size > 22
    assert by_name["config.json"].size == 62


def test_only_what_is_asked_for_comes(ada: HfApi, model: str) -> None:
    info = ada.model_info(model, expand=["downloads", "safetensors", "siblings", "gated"])
    assert info.downloads is not None
    assert info.safetensors is not None
    assert info.gated is False
    assert info.siblings
    assert info.sha is None
    assert info.tags is None


def test_every_property_can_be_expanded(ada: HfApi, model: str) -> None:
    from huggingface_hub.hf_api import ExpandModelProperty_T

    everything = list(ExpandModelProperty_T.__args__)
    info = ada.model_info(model, expand=everything)
    assert info.author == "ada"
    assert next(iter(ada.list_models(author="ada", expand=everything, limit=1)))


def test_a_revision_is_a_branch_or_a_commit(ada: HfApi, model: str) -> None:
    sha = ada.model_info(model).sha
    assert sha is not None
    assert ada.model_info(model, revision=sha).sha == sha
    assert ada.model_info(model, revision="main").sha == sha
    with pytest.raises(RevisionNotFoundError):
        ada.model_info(model, revision="nowhere")


def test_files_that_run_code_are_marked(ada: HfApi, model: str) -> None:
    def status() -> dict[str, object]:
        return ada.model_info(model, securityStatus=True).security_repo_status or {}

    soon(lambda: status().get("scansDone"))
    assert status()["filesWithIssues"] == [{"path": "bad.pkl", "level": "unsafe"}]


def test_safetensors_headers_come_without_the_file(ada: HfApi, model: str) -> None:
    metadata = ada.get_safetensors_metadata(model)
    assert metadata.parameter_count == {"F32": 12, "BF16": 10}


def test_lists_filter_by_what_cards_say(ada: HfApi, model: str, tag: str) -> None:
    assert listed(ada, filter=[tag, "en", "license:apache-2.0"]) == [model]
    assert listed(ada, filter=[tag, "language:zh"]) == [model]
    assert listed(ada, filter=[tag, "fr"]) == []
    assert listed(ada, filter=tag, trained_dataset="ada/poems") == [model]
    assert listed(ada, filter=tag, author="ADA") == [model]
    assert listed(ada, filter=tag, author="bob") == []
    assert listed(ada, filter=tag, pipeline_tag="text-generation") == [model]
    assert listed(ada, filter=tag, pipeline_tag="fill-mask") == []
    assert listed(ada, filter=tag, apps="vllm") == [model]
    assert listed(ada, filter=tag, apps="ollama") == []
    assert listed(ada, filter=tag, num_parameters="min:20,max:1K") == [model]
    assert listed(ada, filter=tag, num_parameters="min:1K") == []
    assert listed(ada, filter=tag, gated=True) == []
    assert listed(ada, filter=tag, gated=False) == [model]
    assert listed(ada, filter=tag, inference_provider="all") == []


def test_search_finds_names_at_once_and_cards_in_both_languages(
    ada: HfApi, model: str, tag: str
) -> None:
    name = model.partition("/")[2]
    assert listed(ada, search=name[2:9], filter=tag) == [model]
    soon(lambda: listed(ada, search="verses", filter=tag) == [model])
    assert listed(ada, search="翻译", filter=tag) == [model]
    assert listed(ada, search="写诗 verses", filter=tag) == [model]
    assert listed(ada, search="译翻", filter=tag) == []


def test_lists_show_as_much_as_is_asked(ada: HfApi, model: str, tag: str) -> None:
    plain = next(iter(ada.list_models(filter=tag)))
    assert plain.siblings is None
    assert plain.card_data is None
    full = next(iter(ada.list_models(filter=tag, full=True, cardData=True, fetch_config=True)))
    assert full.siblings
    assert full.card_data is not None
    assert full.config is not None
    assert full.last_modified is not None
    assert full.sha == ada.model_info(model).sha
    chosen = next(iter(ada.list_models(filter=tag, expand=["safetensors", "gguf", "createdAt"])))
    assert chosen.safetensors is not None
    assert chosen.tags is None


def test_pages_follow_one_another_without_gaps(ada: HfApi) -> None:
    names = [f"ada/page-{uuid4().hex[:8]}" for _ in range(5)]
    for name in names:
        ada.create_repo(name, repo_type="dataset")
    try:
        url = f"{ada.endpoint}/api/datasets?author=ada&search=page-&limit=2&sort=createdAt"
        found, pages = [], 0
        import httpx2

        while url and pages < 9:
            answer = httpx2.get(url)
            found += [row["id"] for row in answer.json()]
            url = answer.links.get("next", {}).get("url", "")
            pages += 1
        assert found == names[::-1]
        assert pages == 3
    finally:
        for name in names:
            ada.delete_repo(name, repo_type="dataset")


def test_data_sets_are_found_by_their_fields(ada: HfApi) -> None:
    name = f"ada/data-{uuid4().hex[:8]}"
    ada.create_repo(name, repo_type="dataset")
    card = (
        "---\nlanguage: zh\ntask_categories: [text-classification]\n"
        "size_categories: n<1K\nlicense: mit\n---\n# Data\n\nSmall and clean.\n"
    )
    ada.upload_file(
        path_or_fileobj=card.encode(), path_in_repo="README.md", repo_id=name, repo_type="dataset"
    )

    def found(**filters: str) -> list[str]:
        return [row.id for row in ada.list_datasets(author="ada", **filters)]  # type: ignore[arg-type]

    soon(lambda: name in found(language="zh"))
    assert name in found(task_categories="text-classification", size_categories="n<1K")
    assert name not in found(language="en")
    assert next(iter(ada.list_datasets(search=name))).description == "Small and clean."
    info = ada.dataset_info(name, expand=["description", "mainSize", "citation"])
    assert info.description == "Small and clean."
    tags = ada.get_dataset_tags()
    assert any(tag["id"] == "language:zh" for tag in tags["language"])
    ada.delete_repo(name, repo_type="dataset")


def test_tags_are_grouped_by_what_they_are_about(ada: HfApi, model: str) -> None:
    tags = ada.get_model_tags()
    assert {"id": "license:apache-2.0", "label": "apache-2.0", "type": "license"} in tags["license"]
    assert any(tag["id"] == "text-generation" for tag in tags["pipeline_tag"])


def test_likes_are_counted_once_and_taken_back(
    hub_server: HubServer, ada: HfApi, model: str
) -> None:
    import httpx2

    for _ in range(2):
        httpx2.post(
            f"{hub_server.url}/api/models/{model}/like",
            headers={"authorization": f"Bearer {hub_server.tokens['bob']}"},
        ).raise_for_status()
    assert ada.model_info(model).likes == 1
    assert [user.username for user in ada.list_repo_likers(model)] == ["bob"]
    assert ada.list_liked_repos("bob").models == [model]
    HfApi(endpoint=hub_server.url, token=hub_server.tokens["bob"]).unlike(model)
    assert ada.model_info(model).likes == 0


def test_people_have_an_overview(ada: HfApi) -> None:
    assert ada.get_user_overview("ada").username == "ada"
