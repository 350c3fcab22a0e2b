"""Python's protobuf as a peer: one request per line of standard input, one answer per line.

{"decode": base64} -> {"json": ..., "bytes": base64 of what it writes again, without unknown fields} or {"refused": true}
{"encode": json} -> {"bytes": base64}
The only argument is the folder of the generated module.
"""
import base64
import json
import sys

sys.path.insert(0, sys.argv[1])
import sparkplug_b_pb2
from google.protobuf import json_format
from google.protobuf.message import DecodeError


def is_plain(value):
    if isinstance(value, dict):
        return all(is_plain(key) and is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(is_plain(item) for item in value)
    return not isinstance(value, bytes)


def answer(request):
    payload = sparkplug_b_pb2.Payload()
    if "encode" in request:
        json_format.ParseDict(request["encode"], payload)
        return {"bytes": base64.b64encode(payload.SerializeToString()).decode()}
    try:
        payload.ParseFromString(base64.b64decode(request["decode"]))
    except DecodeError:
        return {"refused": True}
    payload.DiscardUnknownFields()
    fields = json_format.MessageToDict(payload, preserving_proto_field_name=True)
    # Text that is no UTF-8: this peer hands out bytes.
    if not is_plain(fields):
        return {"refused": True}
    return {
        "json": fields,
        "bytes": base64.b64encode(payload.SerializeToString()).decode(),
    }


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
