"""The manifests of `deploy/training` against Kubernetes, and each other."""

import json

import pytest

yaml = pytest.importorskip("yaml")
kubernetes_validate = pytest.importorskip("kubernetes_validate")

from tests.deploy.test_deploy import KUBERNETES, resources  # noqa: E402


@pytest.fixture
def found(checkout):
    return resources(checkout / "deploy" / "training")


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes(found, version):
    assert len(found) == 7
    for resource in found.values():
        kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("index", [0, 1])
def test_every_worker_is_told_the_same_cluster(found, monkeypatch, index):
    from ordinal_tf.training import devices

    job = found["Job", "ordinal-tf-train"]
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    env = {one["name"]: one for one in container["env"]}
    text = env["TF_CONFIG"]["value"].replace("$(INDEX)", str(index))
    monkeypatch.setenv("TF_CONFIG", text)
    count = job["spec"]["completions"]
    assert devices._worker() == (index, count)
    assert job["spec"]["parallelism"] == count
    service = found["Service", pod["subdomain"]]["spec"]
    (port,) = [one["port"] for one in service["ports"]]
    # Pods of an indexed job are called so, in their service's domain.
    assert json.loads(text)["cluster"]["worker"] == [
        f"ordinal-tf-train-{i}.{pod['subdomain']}:{port}" for i in range(count)
    ]
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()


def test_parts_fit_together(found):
    claims = {name for kind, name in found if kind == "PersistentVolumeClaim"}
    (policy,) = [r for (kind, _), r in found.items() if kind == "NetworkPolicy"]
    alike = policy["spec"]["podSelector"]["matchLabels"]
    images = set()
    for (kind, _), resource in found.items():
        if kind not in ("Job", "Deployment"):
            continue
        pod = resource["spec"]["template"]
        assert alike.items() <= pod["metadata"]["labels"].items()
        images |= {one["image"] for one in pod["spec"]["containers"]}
        for volume in pod["spec"].get("volumes", ()):
            assert volume["persistentVolumeClaim"]["claimName"] in claims
    assert len(images) == 1
