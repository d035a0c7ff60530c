"""Push a data set with datasets, load it plain and streaming: `… REPO FILES_REPO CACHE`."""

import sys

from datasets import Dataset, load_dataset
from huggingface_hub import HfApi

repo, files_repo, cache = sys.argv[1:]
rows = [{"id": n, "text": f"sentence {n} 句子", "label": n % 3} for n in range(500)]

Dataset.from_list(rows).push_to_hub(repo)
assert list(load_dataset(repo, split="train", cache_dir=cache)) == rows
assert list(load_dataset(repo, split="train", streaming=True)) == rows
Dataset.from_list(rows[:10]).push_to_hub(repo, split="test")
assert list(load_dataset(repo, split="test", cache_dir=cache)) == rows[:10]
assert list(load_dataset(repo, split="train", cache_dir=cache)) == rows

api = HfApi()
api.create_repo(files_repo, repo_type="dataset")
lines = "".join(f'{{"id": {n}, "text": "line {n}"}}\n' for n in range(100))
table = "id,text\n" + "".join(f"{n},cell {n}\n" for n in range(50))
for name, text in (("train.jsonl", lines), ("table.csv", table)):
    api.upload_file(
        path_or_fileobj=text.encode(), path_in_repo=name, repo_id=files_repo, repo_type="dataset"
    )
for streaming in (False, True):
    options = {"streaming": True} if streaming else {"cache_dir": cache}
    loaded = load_dataset(files_repo, data_files="train.jsonl", split="train", **options)
    assert [row["id"] for row in loaded] == list(range(100))
    loaded = load_dataset(files_repo, data_files="table.csv", split="train", **options)
    assert [row["text"] for row in loaded] == [f"cell {n}" for n in range(50)]
print("same rows")
