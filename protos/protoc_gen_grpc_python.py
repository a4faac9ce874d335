"""The gRPC plugin of grpcio-tools as a protoc plugin of its own, so that buf can call it."""

import sys
import tempfile
from pathlib import Path

from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc


def generate(request: CodeGeneratorRequest) -> CodeGeneratorResponse:
    """Returns the `*_pb2_grpc.py` of every file of the request that declares a service."""
    response = CodeGeneratorResponse(supported_features=CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL)
    wanted = {*request.file_to_generate}
    services = [file.name for file in request.proto_file if file.service and file.name in wanted]
    with tempfile.TemporaryDirectory() as folder:
        descriptors = Path(folder, "descriptors.pb")
        descriptors.write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
        arguments = ["protoc", f"--descriptor_set_in={descriptors}", f"--grpc_python_out={folder}", *services]
        if services and protoc.main(arguments) != 0:
            response.error = "grpcio-tools failed"
        for path in sorted(Path(folder).rglob("*_pb2_grpc.py")):
            response.file.add(name=str(path.relative_to(folder)), content=path.read_text())
    return response


if __name__ == "__main__":
    answer = generate(CodeGeneratorRequest.FromString(sys.stdin.buffer.read()))
    sys.stdout.buffer.write(answer.SerializeToString())
