"""A Modbus server of Debian's python3-pymodbus: tcp PORT, rtu-over-tcp PORT, or rtu PATH."""
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartSerialServer, StartTcpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer


def unit(number):
    values = [(number * 7919 + address * 31 + 1) & 0xFFFF for address in range(2100)]
    block = ModbusSequentialDataBlock(0, values)
    return ModbusSlaveContext(hr=block, ir=block, di=block, co=block, zero_mode=True)


context = ModbusServerContext(slaves={n: unit(n) for n in (1, 2, 3)}, single=False)
mode, where = sys.argv[1:]
if mode == "rtu":
    StartSerialServer(context=context, framer=ModbusRtuFramer, port=where, baudrate=115200, timeout=0.005)
else:
    framer = ModbusSocketFramer if mode == "tcp" else ModbusRtuFramer
    StartTcpServer(context=context, framer=framer, address=("127.0.0.1", int(where)))
