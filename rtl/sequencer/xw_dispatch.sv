// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Decodes instructions, checks what does not need a unit, and hands them to the queues of their units.
///
/// Queue 0 is X load, 1 Y store, 2 + e the block loader and 2 + NumEngines + e the MVM unit of engine e.
/// Checks and their order: `xw::program::decode`, then the engine number. At HALT, when all units are idle,
/// the semaphores must be zero. An error is told in the cycle after it was found (after halted_o, too). After an
/// error or HALT nothing more is dispatched until start_i.
module xw_dispatch #(
  parameter int unsigned NumEngines = 4,
  localparam int unsigned Queues = 2 + 2 * NumEngines
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  output logic                 needs_clock_o,  // clk_i may stand still in cycles without
  input  logic                 start_i,
  input  logic [31:0]          entry_i,
  input  logic                 stop_i,         // dispatches nothing more
  // From fetch
  input  logic                 valid_i,
  output logic                 ready_o,
  input  xw_pkg::instruction_t instruction_i,
  input  logic [31:0]          index_i,
  input  logic                 error_i,        // fault_i instead of an instruction
  input  xw_pkg::fault_t       fault_i,
  // To the queues
  output logic [Queues-1:0]    push_valid_o,
  input  logic [Queues-1:0]    push_ready_i,
  output xw_pkg::instruction_t push_instruction_o,
  output logic [31:0]          push_index_o,
  // FENCE, HALT
  input  logic                 all_idle_i,     // no queue holds an instruction, no loader is at work
  output logic                 check_o,        // asks the semaphores for leftovers
  input  logic                 leftover_i,
  input  logic [xw_pkg::SEMAPHORE_ID_BITS-1:0] leftover_id_i,
  // Results
  output logic                 dispatched_o,   // one cycle per instruction, HALT included
  output logic                 starved_o,      // waits for fetch
  output logic [31:0]          index_o,        // the instruction that comes next, HALT when it is done
  output logic                 halted_o,       // HALT is done
  output logic                 error_o,        // one cycle, of the instruction at index_o
  output xw_pkg::fault_t       fault_o
);
  typedef enum logic [1:0] {
    StIdle,  // nothing to dispatch
    StRun,   // one instruction per cycle
    StTell   // has found an error or HALT: tells what is wrong, if something is
  } state_e;
  state_e state_q;

  // The instruction looked at.
  logic                 valid_q, error_q;
  xw_pkg::instruction_t instruction_q;
  logic [31:0]          index_q;
  xw_pkg::fault_t       fault_q;

  xw_pkg::opcode_e opcode;
  logic [7:0]      engine, unit;
  logic            has_engine, waits_or_signals, reserved_set;
  assign opcode           = instruction_q.common.opcode;
  assign has_engine       = xw_pkg::has_engine(opcode);
  assign engine           = xw_pkg::instruction_engine(opcode, instruction_q.bits);
  assign unit             = xw_pkg::instruction_unit(opcode, instruction_q.bits);
  assign waits_or_signals = instruction_q.common.wait0_count != '0 || instruction_q.common.wait1_count != '0 ||
                            instruction_q.common.signal;
  assign reserved_set     = (instruction_q.bits & ~xw_pkg::instruction_mask(opcode)) != '0;

  // --- checks -----------------------------------------------------------------------------------
  xw_pkg::fault_t fault;
  always_comb begin
    fault.code   = xw_pkg::ERROR_OK;
    fault.detail = 64'(instruction_q.bits[31:0]);
    if (error_q) begin
      fault = fault_q;
    end else if (!xw_pkg::is_opcode(opcode)) begin
      fault.code = xw_pkg::ERROR_ILLEGAL_OPCODE;
    end else if (reserved_set || (xw_pkg::is_dispatch_opcode(opcode) && waits_or_signals) ||
                 (opcode == xw_pkg::OPCODE_SYNC && !xw_pkg::unit_has_queue(unit))) begin
      fault.code = xw_pkg::ERROR_ILLEGAL_FIELD;
    end else if (opcode == xw_pkg::OPCODE_SYNC && 32'(xw_pkg::unit_engine(unit)) >= NumEngines) begin
      fault.code   = xw_pkg::ERROR_BAD_ENGINE;
      fault.detail = 64'(unit);
    end else if (has_engine && 32'(engine) >= NumEngines) begin
      fault.code   = xw_pkg::ERROR_BAD_ENGINE;
      fault.detail = 64'(engine);
    end
  end

  // --- queue ------------------------------------------------------------------------------------
  logic [Queues-1:0] target;
  always_comb begin
    target = '0;
    if (valid_q) begin
      for (int unsigned q = 0; q < Queues; q++) target[q] = unit == xw_pkg::queue_unit(q, NumEngines);
    end
  end

  logic look, good, barrier, passes, consume, wrong_q, left_q;
  logic [xw_pkg::SEMAPHORE_ID_BITS-1:0] leftover_id_q;
  assign look         = state_q == StRun && valid_q && !stop_i;
  assign good         = fault.code == xw_pkg::ERROR_OK;
  assign barrier      = opcode == xw_pkg::OPCODE_FENCE || opcode == xw_pkg::OPCODE_HALT;
  assign push_valid_o = (look && good) ? target : '0;
  assign check_o      = look && good && opcode == xw_pkg::OPCODE_HALT && all_idle_i;
  assign passes       = look && good && ((target & push_ready_i) != '0 || opcode == xw_pkg::OPCODE_NOP);
  assign consume      = passes || (look && good && barrier && all_idle_i);
  assign ready_o      = state_q == StRun && !stop_i && (!valid_q || passes);

  assign error_o        = state_q == StTell && wrong_q;
  always_comb begin
    fault_o = fault_q;
    if (left_q) begin
      fault_o.code   = xw_pkg::ERROR_SEMAPHORE_LEFTOVER;
      fault_o.detail = 64'(leftover_id_q);
    end
  end
  assign halted_o       = check_o;
  assign dispatched_o   = consume || (look && !good && !error_q);
  assign starved_o      = state_q == StRun && !valid_q;
  assign index_o        = index_q;

  assign push_instruction_o = instruction_q;
  assign push_index_o       = index_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q        <= StIdle;
      valid_q        <= 1'b0;
      error_q        <= 1'b0;
      instruction_q  <= '0;
      index_q        <= '0;
      fault_q        <= '0;
      wrong_q        <= 1'b0;
      left_q         <= 1'b0;
      leftover_id_q  <= '0;
    end else begin
      if (consume) begin
        valid_q <= 1'b0;
        if (opcode != xw_pkg::OPCODE_HALT) index_q <= index_q + 32'd1;
      end
      left_q <= check_o;
      if (check_o) begin
        wrong_q       <= leftover_i;
        leftover_id_q <= leftover_id_i;
      end else if (look && !good) begin
        wrong_q <= 1'b1;
        fault_q <= fault;
      end
      if (valid_i && ready_o) begin
        valid_q        <= 1'b1;
        instruction_q  <= instruction_i;
        index_q        <= index_i;
        error_q        <= error_i;
        fault_q        <= fault_i;
      end
      unique case (state_q)
        StIdle: if (start_i) begin
          state_q <= StRun;
          valid_q <= 1'b0;
          index_q <= entry_i;
        end
        StRun: if (stop_i || check_o || (look && !good)) begin
          state_q <= stop_i ? StIdle : StTell;
          valid_q <= 1'b0;
        end
        StTell: state_q <= StIdle;
        default: state_q <= StIdle;
      endcase
    end
  end
  assign needs_clock_o = start_i || consume || (valid_i && ready_o) || state_q == StTell ||
                         (state_q == StRun && (stop_i || (look && !good)));
endmodule
