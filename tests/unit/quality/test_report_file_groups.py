"""Groups of files in the report: one line for what one folder delivered."""

from quality.report.batches import Batch, file_groups


def batch(number: int, source_file: str) -> Batch:
    fields = dict.fromkeys(Batch.model_fields)
    kept = {"batch_id": f"{number:08d}", "entity": "ratings", "source": "files", "bytes": 10}
    return Batch.model_construct(
        **fields | kept | {"source_file": f'"{source_file}"', "status": "loaded", "sha256": "ab"}
    )


def test_files_of_a_bucket_keep_their_url() -> None:
    names = ("s3://acme/2026/r1.csv", "s3://acme/2026/r2.csv")
    (group,) = file_groups([batch(n, name) for n, name in enumerate(names, 1)])
    assert (group.pattern, group.files, group.bytes) == ('"s3://acme/2026/r*.csv"', 2, 20)
