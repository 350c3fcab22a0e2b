"""A Modbus server on pymodbus, for the tests: "tcp PORT" or "rtu_over_tcp PORT".

Units 1 and 2 answer, others stay silent. Holding registers of unit 1 hold numbers that pymodbus itself lays out, in every
word and byte order; those of unit 2 hold 2000 + n.
"""

import sys

from pymodbus.constants import Endian
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.payload import BinaryPayloadBuilder
from pymodbus.server import StartTcpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer


def numbers():
    registers = []
    for byte_order, word_order in (
        (Endian.Big, Endian.Big),
        (Endian.Big, Endian.Little),
    ):
        builder = BinaryPayloadBuilder(byteorder=byte_order, wordorder=word_order)
        builder.add_16bit_int(-12345)
        builder.add_16bit_uint(54321)
        builder.add_32bit_int(-123456789)
        builder.add_32bit_uint(3123456789)
        builder.add_64bit_int(-1234567890123456789)
        builder.add_64bit_uint(12345678901234567890)
        builder.add_16bit_float(1.5)
        builder.add_32bit_float(1234.5)
        builder.add_64bit_float(-9876.54321)
        builder.add_string("Line 1")
        payload = builder.to_registers()
        registers.append(payload)
    return registers


def unit(values):
    block = ModbusSequentialDataBlock
    return ModbusSlaveContext(
        di=block(0, [1, 0] * 100), co=block(0, [0, 1] * 100), hr=block(0, values), ir=block(0, list(range(200))), zero_mode=True
    )


kind, port = sys.argv[1], int(sys.argv[2])
big, little = numbers()
first = [0] * 200
first[0 : len(big)] = big
first[100 : 100 + len(little)] = little
units = {1: unit(first), 2: unit([2000 + n for n in range(200)])}
StartTcpServer(
    context=ModbusServerContext(slaves=units, single=False),
    framer=ModbusSocketFramer if kind == "tcp" else ModbusRtuFramer,
    address=("127.0.0.1", port),
    ignore_missing_slaves=True,
)
