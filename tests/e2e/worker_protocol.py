"""The messages between the Azure Functions host and its Python worker, as far as the tests need them.

They are real protobuf messages, so a value of a wrong type is refused as in Azure.
"""

import re
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

PACKAGE: Final = "worker"
KINDS: Final = {
    "string": Field.TYPE_STRING,
    "bytes": Field.TYPE_BYTES,
    "bool": Field.TYPE_BOOL,
    "int32": Field.TYPE_INT32,
    "sint64": Field.TYPE_SINT64,
    "double": Field.TYPE_DOUBLE,
}

MESSAGES: Final = {
    "RpcException": "string message, string stack_trace",
    "StatusResult": "Status status, RpcException exception",
    "WorkerMetadata": "string runtime_name, string runtime_version, string worker_version,"
    " string worker_bitness, map<string> custom_properties",
    "WorkerInitRequest": "map<string> capabilities, string function_app_directory",
    "WorkerInitResponse": "map<string> capabilities, WorkerMetadata worker_metadata, StatusResult result",
    "BindingInfo": "string type, DataType data_type, Direction direction",
    "RpcRetryOptions": "int32 max_retry_count",
    "RpcFunctionMetadata": "string name, string function_id, bool managed_dependency_enabled,"
    " string directory, string script_file, string entry_point, bool is_proxy, string language,"
    " map<BindingInfo> bindings, list<string> raw_bindings, RpcRetryOptions retry_options,"
    " map<string> properties",
    "FunctionMetadataResponse": "bool use_default_metadata_indexing,"
    " list<RpcFunctionMetadata> function_metadata_results, StatusResult result",
    "FunctionLoadRequest": "string function_id",
    "FunctionLoadResponse": "string function_id, StatusResult result",
    "RpcHttpCookie": "string name, string value",
    "RpcHttp": "string method, string url, map<string> headers, TypedData body, map<string> params,"
    " string status_code, map<string> query, bool enable_content_negotiation, list<RpcHttpCookie> cookies",
    "TypedData": "string string | string json | bytes bytes | RpcHttp http | sint64 int | double double",
    "ParameterBinding": "string name, TypedData data |",
    "RpcTraceContext": "string trace_parent, string trace_state, map<string> attributes",
    "RetryContext": "int32 retry_count, int32 max_retry_count, RpcException exception",
    "InvocationRequest": "string invocation_id, string function_id, list<ParameterBinding> input_data,"
    " map<TypedData> trigger_metadata, RpcTraceContext trace_context, RetryContext retry_context",
    "InvocationResponse": "string invocation_id, list<ParameterBinding> output_data, TypedData return_value,"
    " StatusResult result",
}
"""The fields of each message. `|` separates the fields of a oneof."""

ENUMS: Final = {
    "Status": ("StatusResult", ["Failure", "Success", "Cancelled"]),
    "DataType": ("BindingInfo", ["undefined", "string", "binary", "stream"]),
    "Direction": ("BindingInfo", ["in", "out", "inout"]),
}
ONEOFS: Final = {"TypedData": "data", "ParameterBinding": "rpc_data"}
"""The messages with a oneof, and its name."""

_FIELD: Final = re.compile(r"(?:(map|list)<(\w+)>|(\w+)) (\w+)\s*(\|)?")


class Protocol:
    """The message classes, as attributes."""

    def __init__(self) -> None:
        file = descriptor_pb2.FileDescriptorProto(name="worker.proto", package=PACKAGE, syntax="proto3")
        for name, fields in MESSAGES.items():
            _add_fields(file.message_type.add(name=name), fields)
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        descriptor = self._pool.FindMessageTypeByName(f"{PACKAGE}.{name}")
        return message_factory.GetMessageClass(descriptor)


def _add_fields(message: descriptor_pb2.DescriptorProto, fields: str) -> None:
    if message.name in ONEOFS:
        message.oneof_decl.add(name=ONEOFS[message.name])
    _add_enums(message)
    for number, (container, item, single, name, is_oneof) in enumerate(_FIELD.findall(fields), start=1):
        field = message.field.add(
            name=name, number=number, label=Field.LABEL_REPEATED if container else Field.LABEL_OPTIONAL
        )
        if container == "map":
            entry = _add_map_entry(message, name, item)
            field.type = Field.TYPE_MESSAGE
            field.type_name = f".{PACKAGE}.{message.name}.{entry.name}"
        else:
            _set_type(field, item or single, message.name)
        if is_oneof or message.name == "TypedData":
            field.oneof_index = 0


def _add_enums(message: descriptor_pb2.DescriptorProto) -> None:
    for enum, (owner, values) in ENUMS.items():
        if owner == message.name:
            enum_type = message.enum_type.add(name=enum)
            for number, value in enumerate(values):
                enum_type.value.add(name=value, number=number)


def _add_map_entry(
    message: descriptor_pb2.DescriptorProto, name: str, item: str
) -> descriptor_pb2.DescriptorProto:
    """The message of a key and a value, of which a map field is a list."""
    entry = message.nested_type.add(name="".join(part.title() for part in name.split("_")) + "Entry")
    entry.options.map_entry = True
    _set_type(entry.field.add(name="key", number=1, label=Field.LABEL_OPTIONAL), "string", entry.name)
    _set_type(entry.field.add(name="value", number=2, label=Field.LABEL_OPTIONAL), item, entry.name)
    return entry


def _set_type(field: Field, kind: str, owner: str) -> None:
    if kind in KINDS:
        field.type = KINDS[kind]
    elif kind in ENUMS:
        field.type = Field.TYPE_ENUM
        field.type_name = f".{PACKAGE}.{owner}.{kind}"
    else:
        field.type = Field.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{kind}"
