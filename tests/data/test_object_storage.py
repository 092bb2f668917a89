"""Shards in a bucket: a local server that speaks S3 over TLS, read through litdata's own clients."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from pymaf_pl.data.annotations import load_annotations
from pymaf_pl.data.augment import Augmentation
from pymaf_pl.data.dataset import MixtureDataset, PersonDataset
from pymaf_pl.data.levels import Margins
from pymaf_pl.data.mixture import CurriculumSampler, Stage
from pymaf_pl.data.packed import PackedTable
from pymaf_pl.data.packing import pack_table
from pymaf_pl.errors import InputError

pytest.importorskip("litdata")
boto3 = pytest.importorskip("boto3")

COUNT, SIZE, BUCKET = 12, 32, "people"
AUGMENTATION = Augmentation()
Bucket = tuple[str, list[str]]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of twelve people, and their shards of four."""
    folder, rng = tmp_path_factory.mktemp("packed"), np.random.default_rng(0)
    for i in range(COUNT):
        picture = cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), (80, 60))
        cv2.imwrite(str(folder / f"{i}.png"), picture)
    np.savez(
        folder / "table.npz", imgname=np.array([f"{i}.png" for i in range(COUNT)]),
        center=rng.uniform(20, 40, (COUNT, 2)), scale=np.full(COUNT, 0.2),
    )  # fmt: skip
    table = load_annotations(folder / "table.npz")
    pack_table(table, folder, folder / "shards", Margins(SIZE), rows_per_shard=4, workers=1, show=False)
    return folder


@pytest.fixture(scope="module")
def bucket(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """Address of a server with the shards in a bucket, and what was asked of it."""
    server_side = pytest.importorskip("moto.moto_server.werkzeug_app")
    trustme = pytest.importorskip("trustme")
    from werkzeug.serving import WSGIRequestHandler, make_server

    asked: list[str] = []

    class Handler(WSGIRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            asked.append(f"{self.command} {self.path} {code}")

    folder, authority, patch = tmp_path_factory.mktemp("authority"), trustme.CA(), pytest.MonkeyPatch()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "certificate.pem"))
    for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE"):  # boto3 fetches the index, obstore the shards
        patch.setenv(name, str(folder / "authority.pem"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "made-up")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = make_server(
        "localhost", 0, server_side.DomainDispatcherApplication(server_side.create_backend_app),
        threaded=True, request_handler=Handler, ssl_context=(str(folder / "certificate.pem"), str(folder / "key.pem")),
    )  # fmt: skip
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"https://localhost:{server.server_port}"
    client = boto3.client("s3", endpoint_url=address)
    client.create_bucket(Bucket=BUCKET)
    for path in (packed / "shards").iterdir():
        client.upload_file(str(path), BUCKET, f"some/where/{path.name}")
    yield address, asked
    server.shutdown()
    patch.undo()


def test_loader_processes_read_a_bucket_as_they_read_a_folder(packed: Path, bucket: Bucket, tmp_path: Path) -> None:
    address, asked = bucket
    asked.clear()
    table, cache = load_annotations(packed / "table.npz"), tmp_path / "cache"
    where = f"s3://{BUCKET}/some/where"
    far = PackedTable(str(table.path), where, cache=str(cache), storage={"endpoint_url": address})
    assert list(far.needs()) == [Path(table.path)]
    near = PackedTable(str(table.path), str(packed / "shards"))
    remote, local = (
        MixtureDataset(
            {"p": PersonDataset(table, packed, SIZE, "smpl", AUGMENTATION, None, s.open(AUGMENTATION, SIZE, None))}, 5
        )
        for s in (far, near)
    )
    sampler = CurriculumSampler([Stage("x", 1, {"p": 1.0})], {"p": COUNT}, 2 * COUNT)
    images = torch.cat([batch["image"] for batch in DataLoader(remote, 6, sampler=sampler, num_workers=2)])
    assert torch.equal(images, torch.stack([local[key]["image"] for key in sampler.order(0)]))
    kept = {path.name for path in cache.rglob("*.bin")}
    assert kept == {"rows-0000000.bin", "rows-0000004.bin", "rows-0000008.bin"}
    # 24 crops, and every shard is fetched whole once by at most each of the two processes
    for name in kept:
        assert 1 <= sum(line.startswith(f"GET /{BUCKET}/some/where/{name} 200") for line in asked) <= 2


def test_a_bucket_without_shards_is_one_line(packed: Path, bucket: Bucket, tmp_path: Path) -> None:
    far = PackedTable(
        str(packed / "table.npz"), f"s3://{BUCKET}/else", cache=str(tmp_path), storage={"endpoint_url": bucket[0]}
    )
    with pytest.raises(InputError, match=rf"s3://{BUCKET}/else: shards cannot be opened \(.+\)") as caught:
        far.open(AUGMENTATION, SIZE, None)
    assert "\n" not in str(caught.value)


def test_a_server_without_tls_is_refused_before_training(packed: Path, tmp_path: Path) -> None:
    far = PackedTable(str(packed / "table.npz"), "s3://people/a", storage={"endpoint_url": "http://localhost:9000"})
    with pytest.raises(InputError, match="endpoint_url=http://localhost:9000: shards are fetched over https only"):
        far.open(AUGMENTATION, SIZE, None)
