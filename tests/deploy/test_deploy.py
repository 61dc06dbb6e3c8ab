"""The files of `deploy/` against the schemas of what reads them."""

import shutil
import subprocess
import sys

import pytest

kubernetes_validate = pytest.importorskip("kubernetes_validate")
model_server_config_pb2 = pytest.importorskip(
    "tensorflow_serving.config.model_server_config_pb2"
)

import yaml  # noqa: E402
from google.protobuf import (  # noqa: E402
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

from ordinal_tf import paths  # noqa: E402
from tests.serving import embedded, tiny  # noqa: E402

# The oldest and the newest that are supported together with preStop.sleep.
KUBERNETES = ("1.30", "1.37")
FIELD = descriptor_pb2.FieldDescriptorProto


@pytest.fixture
def deploy(checkout):
    return checkout / "deploy"


def documents(path):
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def resources(deploy):
    """Every resource that `kubectl apply -k deploy` makes, by kind and name."""
    found = [
        document
        for path in kustomization(deploy)["resources"]
        for document in documents(deploy / path)
    ]
    return {(r["kind"], r["metadata"]["name"]): r for r in found}


def kustomization(deploy):
    (found,) = documents(deploy / "kustomization.yaml")
    return found


def message(**kinds):
    """The first of some message classes, each of `(name, number, type)`s.

    For the protos that TF-Serving reads but does not publish in its package;
    a type is one of `FIELD`'s or a message's full name.
    """
    first = next(iter(kinds))
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{first}.proto",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    for kind, fields in kinds.items():
        made = file.message_type.add(name=kind)
        for name, number, type_, *repeated in fields:
            field = made.field.add(name=name, number=number)
            field.label = (
                FIELD.LABEL_REPEATED if repeated else FIELD.LABEL_OPTIONAL
            )
            if isinstance(type_, str):
                field.type, field.type_name = FIELD.TYPE_MESSAGE, type_
            else:
                field.type = type_
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(first))


def batching_parameters():
    """tensorflow/serving, servables/tensorflow/session_bundle_config.proto."""
    number = ".google.protobuf.Int64Value"
    return message(
        BatchingParameters=(
            ("max_batch_size", 1, number),
            ("batch_timeout_micros", 2, number),
            ("max_enqueued_batches", 3, number),
            ("num_batch_threads", 4, number),
            ("thread_pool_name", 5, ".google.protobuf.StringValue"),
            ("allowed_batch_sizes", 6, FIELD.TYPE_INT64, "repeated"),
            ("pad_variable_length_inputs", 7, FIELD.TYPE_BOOL),
        )
    )()


def monitoring_config():
    """tensorflow/serving, config/monitoring_config.proto."""
    return message(
        MonitoringConfig=(("prometheus_config", 1, ".PrometheusConfig"),),
        PrometheusConfig=(
            ("enable", 1, FIELD.TYPE_BOOL),
            ("path", 2, FIELD.TYPE_STRING),
        ),
    )()


def test_models_config(deploy):
    path = deploy / "tf_serving" / "models.config"
    found = text_format.Parse(
        path.read_text(encoding="utf-8"),
        model_server_config_pb2.ModelServerConfig(),
    )
    (model,) = found.model_config_list.config
    served = set(model.model_version_policy.specific.versions)
    # A label may only point at a version that is served.
    assert set(model.version_labels.values()) <= served
    assert (model.name, set(model.version_labels)) == ("lite", {"stable"})
    # The shipped model has the version.
    assert served <= set(paths.versions(paths.shipped_model("lite")))


def test_batching_parameters(deploy):
    text = (deploy / "tf_serving" / "batching_parameters.txt").read_text()
    found = text_format.Parse(text, batching_parameters())
    assert found.max_batch_size.value == 8
    assert found.pad_variable_length_inputs
    # As many as two cores answer in about two seconds.
    waiting = found.max_enqueued_batches.value * found.max_batch_size.value
    assert waiting == 64
    with pytest.raises(text_format.ParseError):
        text_format.Parse("max_batch_sizes { }", batching_parameters())


def test_monitoring(deploy):
    text = (deploy / "tf_serving" / "monitoring.config").read_text()
    found = text_format.Parse(text, monitoring_config()).prometheus_config
    assert found.enable
    pod = resources(deploy)["Deployment", "ordinal-tf"]["spec"]["template"]
    annotations = pod["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] == found.path


def test_compose(deploy):
    done = subprocess.run(
        [
            sys.executable,
            *("-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.compose-spec"),
            deploy / "compose.yaml",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = documents(deploy / "compose.yaml")
    serving = found["services"]["serving"]
    # Nothing but this machine can reach it.
    assert all(port.startswith("127.0.0.1:") for port in serving["ports"])
    for volume in serving["volumes"]:
        source = volume.split(":")[0]
        assert (deploy / source).is_dir(), source


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes(deploy, version):
    found = resources(deploy)
    assert len(found) == 8
    for resource in found.values():
        kubernetes_validate.validate(resource, version, strict=True)


def test_compose_health_check(deploy, tmp_path):
    """The command itself, against a server that is ready and one that isn't."""
    if shutil.which("bash") is None:
        pytest.skip("The check is for the bash of TF-Serving's image.")
    (compose,) = documents(deploy / "compose.yaml")
    test = compose["services"]["serving"]["healthcheck"]["test"]
    assert test[:3] == ["CMD", "bash", "-c"]
    # What Compose hands on of a dollar.
    command = test[3].replace("$$", "$")
    tiny.export(tmp_path / "lite" / "1")
    for name, code in (("lite", 0), ("other", 1)):
        with embedded.Server(tmp_path / "lite", name=name) as running:
            asked = command.replace("8501", str(running.rest_port))
            done = subprocess.run(["bash", "-c", asked], timeout=30)
        assert done.returncode == code


def test_the_schema_refuses_a_misspelt_field(deploy):
    found = resources(deploy)["Deployment", "ordinal-tf"]
    found["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(found, KUBERNETES[-1], strict=True)


def test_parts_fit_together(deploy):
    found = resources(deploy)
    deployment = found["Deployment", "ordinal-tf"]
    pod = deployment["spec"]["template"]
    labels = pod["metadata"]["labels"]
    (container,) = pod["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    for name in ("ordinal-tf", "ordinal-tf-grpc"):
        service = found["Service", name]["spec"]
        assert service["selector"].items() <= labels.items()
        assert {port["targetPort"] for port in service["ports"]} <= ports
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        spec = found[kind, "ordinal-tf"]["spec"]
        selector = spec.get("selector") or spec["podSelector"]
        assert selector["matchLabels"].items() <= labels.items()
    target = found["HorizontalPodAutoscaler", "ordinal-tf"]["spec"]
    assert target["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    volumes = {v["name"]: v for v in pod["spec"]["volumes"]}
    claim = volumes["models"]["persistentVolumeClaim"]["claimName"]
    assert ("PersistentVolumeClaim", claim) in found
    (generated,) = kustomization(deploy)["configMapGenerator"]
    assert volumes["config"]["configMap"]["name"] == generated["name"]
    files = {deploy / file for file in generated["files"]}
    assert files == set((deploy / "tf_serving").iterdir())
    # Long enough for the pause and for what is under way.
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["spec"]["terminationGracePeriodSeconds"] >= pause + 30


def test_autoscaling_asks_for_the_metric_that_the_adapter_makes(deploy):
    scaler = resources(deploy)["HorizontalPodAutoscaler", "ordinal-tf"]
    metrics = scaler["spec"]["metrics"]
    (asked,) = [m["pods"]["metric"] for m in metrics if m["type"] == "Pods"]
    (values,) = documents(deploy / "kubernetes" / "prometheus_adapter.yaml")
    (rule,) = values["rules"]["custom"]
    assert rule["name"]["as"] == asked["name"]


def test_compose_and_kubernetes_run_the_same(deploy):
    (compose,) = documents(deploy / "compose.yaml")
    serving = compose["services"]["serving"]
    pod = resources(deploy)["Deployment", "ordinal-tf"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert container["image"] == serving["image"]
    assert container["command"] == serving["entrypoint"]
    assert container["args"] == serving["command"]
    environment = {e["name"]: e["value"] for e in container["env"]}
    assert environment == serving["environment"]
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounted == {v.split(":")[1] for v in serving["volumes"]}
    files = {
        argument.split("=")[1]
        for argument in container["args"]
        if "_file=" in argument
    }
    assert files == {
        f"/config/{path.name}" for path in (deploy / "tf_serving").iterdir()
    }
