// Programming: from the targets of a block to the images that an engine loads.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "compiler/program/program.hpp"
#include "host/runtime/placement.hpp"
#include "models/cells/faults.hpp"
#include "models/cells/programming.hpp"

namespace xw::runtime {

/// What all images of a chip instance have in common.
struct ImageSettings {
  const cells::ProgrammingModel* model = nullptr;
  std::uint32_t lanes = 0;
  std::uint32_t read_sigma_q = 0;
  const cells::Faults* faults = nullptr;  ///< null: nothing is broken
  const Placement* placement = nullptr;   ///< null: everything is where the program says
  int g_unit = 0;                         ///< for stuck cells
};

/// Builds the image of columns [record.col_begin, + record.cols) of its block into `image` (record.image_length * 64
/// bytes of any contents): programmed cells, column tables, header. Columns with w_max = 0 are not programmed: their
/// cells are 0. Cells are those of the place on the chip (Placement), with its faults; addresses in the image, and so read noise, are
/// those of the program. The records must have passed check_code(). Thread safe.
void build_image(const program::Program& program, const program::ImageRecord& record, const ImageSettings& settings,
                 std::span<std::byte> image);

}  // namespace xw::runtime
