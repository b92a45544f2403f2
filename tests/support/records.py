# SPDX-License-Identifier: Apache-2.0
"""Records of any bytes to and from a topic, through librdkafka's C API: no client for people lets null and broken
text pass.

    write(bootstrap, [Record("orders", 0, b"key", None, [("h", b"\\xff"), ("none", None)])])
    read(bootstrap, "orders", partitions=1)     whole records, read_committed, up to where the topic ends now
"""

import ctypes
import ctypes.util
import typing

LIBRARY = ctypes.CDLL(ctypes.util.find_library("rdkafka") or "librdkafka.so.1")
PRODUCER, CONSUMER = 0, 1
V_TOPIC, V_PARTITION, V_VALUE, V_KEY, V_MSGFLAGS, V_HEADER = 1, 3, 4, 5, 7, 9
MSG_COPY = 2
QUEUE_FULL, PARTITION_EOF = -184, -191
OFFSET_BEGINNING = -2


def scram_works(kafka):
    """With brokers of that version: tools/kafka.d/secure.py says what librdkafka did wrong before 2.6.1."""
    return not kafka.startswith("4") or LIBRARY.rd_kafka_version() >= 0x020601FF


class Record(typing.NamedTuple):
    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list = []
    offset: int = -1


class _Memory(ctypes.Structure):
    _fields_ = [("ptr", ctypes.c_char_p), ("size", ctypes.c_size_t)]


class _Header(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("val", ctypes.c_char_p), ("size", ctypes.c_ssize_t)]


class _Value(ctypes.Union):
    _fields_ = [
        ("cstr", ctypes.c_char_p),
        ("i", ctypes.c_int),
        ("i32", ctypes.c_int32),
        ("mem", _Memory),
        ("header", _Header),
        ("pad", ctypes.c_char * 64),
    ]


class _Argument(ctypes.Structure):
    _fields_ = [("vtype", ctypes.c_int), ("u", _Value)]


class _Message(ctypes.Structure):
    _fields_ = [
        ("err", ctypes.c_int),
        ("rkt", ctypes.c_void_p),
        ("partition", ctypes.c_int32),
        ("payload", ctypes.c_void_p),
        ("len", ctypes.c_size_t),
        ("key", ctypes.c_void_p),
        ("key_len", ctypes.c_size_t),
        ("offset", ctypes.c_int64),
    ]


for _name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_topic_partition_list_new", "rd_kafka_produceva",
              "rd_kafka_topic_partition_list_add"):
    getattr(LIBRARY, _name).restype = ctypes.c_void_p
LIBRARY.rd_kafka_consumer_poll.restype = ctypes.POINTER(_Message)
LIBRARY.rd_kafka_err2str.restype = ctypes.c_char_p
LIBRARY.rd_kafka_error_string.restype = ctypes.c_char_p


def _client(kind, **properties):
    conf = ctypes.c_void_p(LIBRARY.rd_kafka_conf_new())
    why = ctypes.create_string_buffer(512)
    for name, value in properties.items():
        if LIBRARY.rd_kafka_conf_set(conf, name.replace("_", ".").encode(), str(value).encode(), why, 512) != 0:
            raise AssertionError(why.value.decode())
    made = LIBRARY.rd_kafka_new(kind, conf, why, 512)
    if not made:
        raise AssertionError(why.value.decode())
    return ctypes.c_void_p(made)


def _arguments(record):
    values = [
        (V_TOPIC, _Value(cstr=record.topic.encode())),
        (V_PARTITION, _Value(i32=record.partition)),
        (V_MSGFLAGS, _Value(i=MSG_COPY)),
        (V_VALUE, _Value(mem=_Memory(record.value, len(record.value or b"")))),
        (V_KEY, _Value(mem=_Memory(record.key, len(record.key or b"")))),
    ]
    for name, value in record.headers:
        values.append((V_HEADER, _Value(header=_Header(name.encode(), value, len(value or b"")))))
    return (_Argument * len(values))(*[_Argument(kind, value) for kind, value in values])


def write(bootstrap, records):
    """All of them, in this order; returns when the brokers have them."""
    client = _client(PRODUCER, bootstrap_servers=bootstrap, acks="all", enable_idempotence="true",
                     message_max_bytes=8_000_000, linger_ms=20)
    for record in records:
        arguments = _arguments(record)
        while True:
            error = ctypes.c_void_p(LIBRARY.rd_kafka_produceva(client, arguments, ctypes.c_size_t(len(arguments))))
            if not error:
                break
            if LIBRARY.rd_kafka_error_code(error) != QUEUE_FULL:
                raise AssertionError(LIBRARY.rd_kafka_error_string(error).decode())
            LIBRARY.rd_kafka_error_destroy(error)
            LIBRARY.rd_kafka_poll(client, 100)
    code = LIBRARY.rd_kafka_flush(client, 60_000)
    if code != 0 or LIBRARY.rd_kafka_outq_len(client) != 0:
        raise AssertionError(f"records are not written: {LIBRARY.rd_kafka_err2str(code).decode()}")
    LIBRARY.rd_kafka_destroy(client)


def _headers_of(message):
    list_of = ctypes.c_void_p()
    found = []
    if LIBRARY.rd_kafka_message_headers(message, ctypes.byref(list_of)) != 0:
        return found
    name, value, size = ctypes.c_char_p(), ctypes.c_void_p(), ctypes.c_size_t()
    while LIBRARY.rd_kafka_header_get_all(list_of, ctypes.c_size_t(len(found)), ctypes.byref(name),
                                          ctypes.byref(value), ctypes.byref(size)) == 0:
        found.append((name.value.decode(), ctypes.string_at(value, size.value) if value else None))
    return found


def _bytes_at(address, size):
    return None if address is None else ctypes.string_at(address, size)


def read(bootstrap, topic, partitions):
    """Every committed record of the topic, by partition and offset."""
    client = _client(CONSUMER, bootstrap_servers=bootstrap, group_id="reader-of-a-test", enable_auto_commit="false",
                     enable_partition_eof="true", isolation_level="read_committed", fetch_message_max_bytes=8_000_000)
    LIBRARY.rd_kafka_poll_set_consumer(client)
    wanted = ctypes.c_void_p(LIBRARY.rd_kafka_topic_partition_list_new(partitions))
    for partition in range(partitions):
        LIBRARY.rd_kafka_topic_partition_list_add(wanted, topic.encode(), partition)
        LIBRARY.rd_kafka_topic_partition_list_set_offset(wanted, topic.encode(), partition,
                                                         ctypes.c_int64(OFFSET_BEGINNING))
    code = LIBRARY.rd_kafka_assign(client, wanted)
    found, ended = [], set()
    while code == 0 and len(ended) < partitions:
        message = LIBRARY.rd_kafka_consumer_poll(client, 20_000)
        if not message:
            raise AssertionError(f"{topic} does not end")
        each = message.contents
        if each.err == PARTITION_EOF:
            ended.add(each.partition)
        elif each.err != 0:
            raise AssertionError(LIBRARY.rd_kafka_err2str(each.err).decode())
        else:
            found.append(Record(topic, each.partition, _bytes_at(each.key, each.key_len),
                                _bytes_at(each.payload, each.len), _headers_of(message), each.offset))
        LIBRARY.rd_kafka_message_destroy(message)
    LIBRARY.rd_kafka_topic_partition_list_destroy(wanted)
    LIBRARY.rd_kafka_consumer_close(client)
    LIBRARY.rd_kafka_destroy(client)
    return sorted(found, key=lambda each: (each.partition, each.offset))


def murmur2(key, partitions):
    """The partition that Java producers choose."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(key)) & mask
    whole = len(key) - len(key) % 4
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    if len(key) % 4:
        h = ((h ^ int.from_bytes(key[whole:], "little")) * m) & mask
    h = ((h ^ h >> 13) * m) & mask
    return ((h ^ h >> 15) & 0x7FFFFFFF) % partitions
