# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Saved runs on the kernel between cocotbext-axi's AXI-Lite master and AXI memories, with pauses on every channel."""

import json
import os
import pathlib
import random
import struct
import zlib

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotb.utils import get_sim_time
from cocotbext.axi import (AxiBus, AxiLiteBus, AxiLiteMaster, AxiRam, AxiRamRead, AxiReadBus)
from cocotbext.axi.sparse_memory import SparseMemory

# docs/generated/registers.md, docs/generated/records.md
CONTROL, INTERRUPT_GLOBAL, INTERRUPT_ENABLE, INTERRUPT_STATUS, ERROR_CODE = 0x000, 0x004, 0x008, 0x00C, 0x140
CONTRACT_HASH = 0x104
WIDE = {"program_base": 0x010, "x_base": 0x020, "y_base": 0x028, "completion_base": 0x030}
NARROW = {"entry": 0x018, "num_vectors": 0x01C, "vector_base": 0x038, "chip_seed": 0x03C, "watchdog_cycles": 0x040}
IMAGE_BASE = 0x048
RECORD_BYTES = 1024
CYCLES = [(0x020, 0x028), (0x0C0, 0x300)]  # of the record: what a device without cycles does not tell
SPACE = 2**62  # of addresses; the library counts them in a signed 64-bit number
PERIOD_NS = 4
LONGEST_RUN_NS = 400_000 * PERIOD_NS


def read_run(path):
    """Arguments and memory of a saved run (docs/devices.md): {address: bytes}."""
    data = path.read_bytes()
    assert data[:8] == b"XWRUN\r\n\x1a", path
    (size,) = struct.unpack_from("<Q", data, 8)
    description = json.loads(data[16:16 + size])
    at, memory = 16 + size, {}
    for segment in description["segments"]:
        stored = data[at:at + segment["stored"]]
        at += segment["stored"]
        assert zlib.crc32(stored) == segment["crc32"], path
        memory[segment["address"]] = stored + bytes(segment["bytes"] - len(stored))
    assert at == len(data), path
    return description, memory


def pauses(generator):
    """Stretches of cycles with a probability of their own, from none to four of five."""
    while True:
        share = generator.choice([0, 0.1, 0.3, 0.5, 0.8])
        for _ in range(generator.randrange(50, 400)):
            yield generator.random() < share


class Bench:
    def __init__(self, dut, generator):
        self.dut = dut
        # By name before anything lists the ports: what a list finds in Verilator 5.006 are copies inside the module.
        for port in os.environ["XW_AXI_PORTS"].split():
            getattr(dut, port)
        cocotb.start_soon(Clock(dut.ap_clk, PERIOD_NS, units="ns").start())
        self.memory = SparseMemory(SPACE)
        reset = {"reset": dut.ap_rst_n, "reset_active_level": False}
        self.control = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi_control"), dut.ap_clk, **reset)
        self.gmem = AxiRam(AxiBus.from_prefix(dut, "m_axi_gmem"), dut.ap_clk, size=SPACE, mem=self.memory, **reset)
        self.engines = [AxiRamRead(AxiReadBus.from_prefix(dut, f"m_axi_engine{e}"), dut.ap_clk, size=SPACE, mem=self.memory, **reset)
                        for e in range(int(os.environ["XW_AXI_ENGINES"]))]
        writers = [self.control.write_if, self.gmem.write_if]
        readers = [self.control.read_if, self.gmem.read_if, *self.engines]
        self.channels = [getattr(port, f"{name}_channel") for port in writers for name in ("aw", "w", "b")]
        self.channels += [getattr(port, f"{name}_channel") for port in readers for name in ("ar", "r")]
        for channel in self.channels:
            channel.set_pause_generator(pauses(random.Random(generator.random())))

    async def reset(self):
        self.dut.ap_rst_n.value = 0
        await ClockCycles(self.dut.ap_clk, 16)
        self.dut.ap_rst_n.value = 1
        await ClockCycles(self.dut.ap_clk, 8)

    async def write(self, offset, value):
        await self.control.write_dword(offset, value)

    async def read(self, offset):
        return await self.control.read_dword(offset)

    async def run(self, arguments, by_interrupt):
        for name, offset in NARROW.items():
            await self.write(offset, arguments[name])
        for name, offset in WIDE.items():
            await self.control.write_qword(offset, arguments[name])
        for engine, address in enumerate(arguments["image_base"]):
            await self.control.write_qword(IMAGE_BASE + 8 * engine, address)
        await self.write(INTERRUPT_GLOBAL, by_interrupt)
        await self.write(INTERRUPT_ENABLE, by_interrupt)
        await self.write(CONTROL, 1)
        if by_interrupt:
            await with_timeout(RisingEdge(self.dut.interrupt), LONGEST_RUN_NS, "ns")
            await self.write(INTERRUPT_STATUS, 1)
            assert await self.read(CONTROL) & 2, "an interrupt without done"
        else:
            async def done():
                while not await self.read(CONTROL) & 2:
                    pass
            await with_timeout(done(), LONGEST_RUN_NS, "ns")


@cocotb.test()
async def every_run_leaves_the_memory_of_the_functional_device(dut):
    generator = random.Random(int(os.environ["RANDOM_SEED"]))
    bench = Bench(dut, generator)
    await bench.reset()
    files = sorted(pathlib.Path(os.environ["XW_AXI_RUNS"]).glob("*.before.xwrun"))
    assert files, "no saved runs"
    runs = changed_bytes = 0
    for path in files:
        description, before = read_run(path)
        _, after = read_run(path.with_name(path.name.replace("before", "after")))
        if runs == 0:
            found = b"".join([(await bench.read(CONTRACT_HASH + 4 * i)).to_bytes(4, "little") for i in range(4)])
            assert found.hex() == description["contract_hash"], f"contract hash {found.hex()}"
        arguments = description["arguments"]
        for address, data in before.items():
            bench.memory[address:address + len(data)] = data
        record = arguments["completion_base"]
        bench.memory[record:record + 64] = bytes(64)  # as every host does before a start
        await bench.run(arguments, by_interrupt=generator.random() < 0.5)
        assert await bench.read(ERROR_CODE) == 0, path.name
        for address, expected in after.items():
            actual, expected = bytearray(bench.memory[address:address + len(expected)]), bytearray(expected)
            if address <= record < address + len(expected):
                for begin, end in CYCLES:
                    for image in (actual, expected):
                        image[record - address + begin:record - address + end] = bytes(end - begin)
            if actual != expected:
                at = next(i for i, pair in enumerate(zip(actual, expected)) if pair[0] != pair[1])
                raise AssertionError(f"{path.name}: byte {at} of the buffer at {address:#x}: expected {expected[at]:#x}, found {actual[at]:#x}")
        changed = sum(after[address] != data for address, data in before.items())
        assert changed, "the run changed nothing"
        changed_bytes += sum(a != b for address, data in before.items() for a, b in zip(data, after[address]))
        runs += 1
    print(f"{runs} runs: memory as the functional device leaves it, {changed_bytes} bytes changed; pauses on {len(bench.channels)} channels; "
          f"{get_sim_time('ns') / PERIOD_NS:.0f} cycles", flush=True)
