// The programming noise of the Analog Foundation Models' phase-change cells.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace xw::cells {

/// Standard deviation of IBM's PCM polynomial in units of w_max for a normalised weight (docs/numerics.md#pcm-afm).
[[nodiscard]] double pcm_afm_sigma(double normalized_weight);

}  // namespace xw::cells
