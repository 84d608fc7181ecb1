// Ctrl-C: the first signal asks long work to end, the second ends the process.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace xw {

/// Installs a SIGINT/SIGTERM handler: the first signal sets a flag, the second removes temporaries and exits.
void install_interrupt_handler();
/// True after the first signal.
[[nodiscard]] bool interrupt_requested() noexcept;
/// Throws Error{kInterrupted} if interrupt_requested().
void throw_if_interrupted();

}  // namespace xw
