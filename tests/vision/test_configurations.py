"""The two configurations of Triton's models, read as Triton reads them: a misspelt field does not parse."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as pb

from services.kit.triton.config import TritonConfig
from services.kit.triton.launch import TritonMissing, command
from services.vision.domain.image import SIDE
from services.vision.triton.repository import Repository

MODELS = ("efficientnet_lite0", "efficientnet_lite0_network")


@pytest.fixture
def configured(tmp_path: Path) -> dict[tuple[str, str], pb.ModelConfig]:
    """Each model's configuration for each device."""
    repository = Repository(tmp_path)
    repository.configure(instances=3)
    return {
        (model, device): text_format.Parse(
            (repository.root / model / "configs" / f"{device}.pbtxt").read_text(), pb.ModelConfig()
        )
        for model in MODELS
        for device in ("cpu", "gpu")
    }


def test_both_configurations_take_and_give_the_same(
    configured: dict[tuple[str, str], pb.ModelConfig],
) -> None:
    for model in MODELS:
        cpu, gpu = configured[model, "cpu"], configured[model, "gpu"]
        assert cpu.name == gpu.name == model
        assert (cpu.input, cpu.output) == (gpu.input, gpu.output)
        for one in (cpu, gpu):
            assert one.version_policy.latest.num_versions == 3
            assert one.dynamic_batching.default_queue_policy.max_queue_size > 0
    pictures, network = (configured[model, "cpu"] for model in MODELS)
    assert [output.name for output in pictures.output] == ["PROBABILITIES", "EMBEDDING", "REFUSED"]
    assert [*network.input[0].dims] == [SIDE, SIDE, 3]


def test_on_a_cpu_python_runs_one_instance_a_core(configured: dict[tuple[str, str], pb.ModelConfig]) -> None:
    pictures, network = (configured[model, "cpu"] for model in MODELS)
    assert {pictures.backend, network.backend} == {"python"}
    assert [group.count for group in (*pictures.instance_group, *network.instance_group)] == [3, 1]
    assert "network_here" in pictures.parameters


def test_on_a_gpu_onnx_runtime_runs_tensorrt_in_half_precision(
    configured: dict[tuple[str, str], pb.ModelConfig],
) -> None:
    network = configured[MODELS[1], "gpu"]
    assert network.response_cache.enable
    assert network.backend == "onnxruntime"
    assert network.instance_group[0].kind == pb.ModelInstanceGroup.KIND_GPU
    assert max(network.dynamic_batching.preferred_batch_size) == network.max_batch_size
    (tensorrt,) = network.optimization.execution_accelerators.gpu_execution_accelerator
    assert (tensorrt.name, tensorrt.parameters["precision_mode"]) == ("tensorrt", "FP16")
    assert tensorrt.parameters["trt_profile_max_shapes"] == f"pixels:{network.max_batch_size}x{SIDE}x{SIDE}x3"
    for warm in network.model_warmup:
        assert [*warm.inputs["pixels"].dims] == [SIDE, SIDE, 3]
        assert warm.batch_size in (1, network.max_batch_size)


def test_a_gpu_needs_a_triton_with_onnx_runtime(tmp_path: Path) -> None:
    triton = tmp_path / "tritonserver"
    (triton / "bin").mkdir(parents=True)
    config = TritonConfig(home=tmp_path, server=triton, device="gpu")  # type: ignore[call-arg]
    with pytest.raises(TritonMissing, match="no Triton in"):
        command(config)
    (triton / "bin" / "tritonserver").touch()
    with pytest.raises(TritonMissing, match="no onnxruntime backend"):
        command(config)
    (triton / "backends" / "onnxruntime").mkdir(parents=True)
    arguments, _ = command(config)
    assert f"--backend-directory={triton}/backends" in arguments
    assert "--model-config-name=gpu" in arguments
