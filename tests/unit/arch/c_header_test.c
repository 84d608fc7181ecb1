/* The generated C header compiles as freestanding C11 and says what the contract says.
 * SPDX-FileCopyrightText: The Crossweave authors
 * SPDX-License-Identifier: Apache-2.0
 */
#include "firmware/hal/xw_arch.h"

_Static_assert(XW_MAX_ENGINES == 8u && XW_MEMORY_ALIGNMENT == 64u, "limits");
_Static_assert(XW_OPCODE_MVM == 4u && XW_MVM_COLS_WORD == 3u && XW_MVM_COLS_LOW == 16u, "instructions");
_Static_assert(XW_MVM_COLS_MASK == 0xFFFF0000u, "masks");
_Static_assert(XW_REG_CONTROL_DONE == 2u && XW_ARG_X_BASE == 0x20u, "registers");
_Static_assert(XW_ERROR_WATCHDOG == 21, "errors");
_Static_assert(offsetof(struct xw_completion, busy_cycles) == 0xC0, "records");

/* Exit status 0 if the accessors put registers and fields where the device looks for them. */
int main(void) {
  uint32_t window[128] = {0};
  const uint8_t hash[16] = XW_CONTRACT_HASH_BYTES;
  const uintptr_t base = (uintptr_t)window;
  unsigned sum = 0;
  xw_register_write64(base, XW_ARG_IMAGE_BASE + 8u, 0x0123456789ABCDEFu);
  xw_register_write(base, XW_REG_CONTROL, XW_REG_CONTROL_START);
  for (unsigned i = 0; i < 16u; ++i) sum |= hash[i];
  uint32_t mvm[XW_INSTRUCTION_BYTES / 4u] = {0};
  XW_FIELD_SET(mvm, INST_OPCODE, XW_OPCODE_MVM);
  XW_FIELD_SET(mvm, MVM_COLS, 0x12345u);
  if (mvm[0] != 4u || mvm[3] != 0x23450000u || XW_FIELD_GET(mvm, MVM_COLS) != 0x2345u) return 5;
  if (window[0] != 1u) return 1;
  if (window[0x50 / 4] != 0x89ABCDEFu || window[0x54 / 4] != 0x01234567u) return 2;
  if (xw_register_read(base, XW_ARG_IMAGE_BASE + 12u) != 0x01234567u) return 3;
  return sum == 0u ? 4 : 0;
}
