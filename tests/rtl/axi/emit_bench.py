# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The Verilog around the kernel: ports as the library wants them, and monitors of the rules that it does not check."""

import rtl_kernel

TOP = "axi_bench"


def emit(kernel, emulator, chooses_mutant):
    """(text, names of the ports) of a module around the kernel as it is packaged, whose engine ports have ids."""
    data = emulator["data_width_bits"]
    beat = data // 8
    engines = [f"m_axi_engine{e}" for e in range(emulator["num_engines"])]
    width = {}
    ports = [("input", 1, "ap_clk"), ("input", 1, "ap_rst_n"), ("output", 1, "interrupt")]
    for prefix, signals in [("s_axi_control", rtl_kernel.LITE), ("m_axi_gmem", rtl_kernel.WRITE + rtl_kernel.READ + rtl_kernel.IDS),
                            *((engine, rtl_kernel.READ) for engine in engines)]:
        ports += [(d, rtl_kernel.width_of(w, data), f"{prefix}_{n}") for d, w, n in signals]
    width = {n: w for _, w, n in ports}
    connections = ", ".join(f".{n}({n})" for _, _, n in ports)
    for engine in engines:
        ports += [("output", 1, f"{engine}_arid"), ("input", 1, f"{engine}_rid")]
    ports.append(("output", 32, "violations"))

    monitors = []

    def monitor(module, name, parameters, signals):
        wires = ", ".join(f".{port}({signal})" for port, signal in signals.items())
        number = len(monitors)
        monitors.append(f"  wire [31:0] count{number};\n  {module} #({parameters}) {name} "
                        f"(.clk_i(ap_clk), .rst_ni(ap_rst_n), {wires}, .violations_o(count{number}));\n".replace("#() ", ""))

    def channel(prefix, name, payload):
        signals = [f"{prefix}_{n}" for n in payload]
        monitor("axi_channel_monitor", f"{prefix}_{name}", f".Width({sum(width[s] for s in signals)})",
                {"valid_i": f"{prefix}_{name}valid", "ready_i": f"{prefix}_{name}ready", "payload_i": "{" + ", ".join(signals) + "}"})

    def address(prefix, name, ids):
        channel(prefix, name, [f"{name}{n}" for n in ("addr", "len", "size", "burst", *ids)])
        monitor("axi_burst_monitor", f"{prefix}_{name}_burst", f".BeatBytes({beat})",
                {"valid_i": f"{prefix}_{name}valid", **{f"{n}_i": f"{prefix}_{name}{n}" for n in ("addr", "len", "size", "burst")}})

    def transfer(name):
        return f"{name}valid && {name}ready"

    address("m_axi_gmem", "aw", ["id"])
    address("m_axi_gmem", "ar", ["id"])
    channel("m_axi_gmem", "w", ["wdata", "wstrb", "wlast"])
    monitor("axi_write_monitor", "m_axi_gmem_bursts", "",
            {"address_i": transfer("m_axi_gmem_aw"), "len_i": "m_axi_gmem_awlen", "data_i": transfer("m_axi_gmem_w"), "last_i": "m_axi_gmem_wlast"})
    for engine in engines:
        address(engine, "ar", [])
    control = "s_axi_control"
    channel(control, "b", ["bresp"])
    channel(control, "r", ["rdata", "rresp"])
    monitor("axi_answer_monitor", f"{control}_write_answers", "",
            {"first_i": transfer(f"{control}_aw"), "second_i": transfer(f"{control}_w"), "answer_i": f"{control}_bvalid", "taken_i": transfer(f"{control}_b")})
    monitor("axi_answer_monitor", f"{control}_read_answers", "",
            {"first_i": transfer(f"{control}_ar"), "second_i": transfer(f"{control}_ar"), "answer_i": f"{control}_rvalid", "taken_i": transfer(f"{control}_r")})

    text = f"`timescale 1ns/1ps\nmodule {TOP} (\n" + ",\n".join(rtl_kernel.declaration(*port) for port in ports) + "\n);\n"
    text += "".join(f"  assign {engine}_arid = 1'b0;\n" for engine in engines)
    text += f"  {kernel} u_kernel ({connections});\n" + "".join(monitors)
    text += "  assign violations = " + " + ".join(f"count{i}" for i in range(len(monitors))) + ";\n"
    if chooses_mutant:
        text += '  initial if (!$value$plusargs("mutant=%d", xw_mutant::number)) xw_mutant::number = 0;\n'
    return text + "endmodule\n", [n for _, _, n in ports]
