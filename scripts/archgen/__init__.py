# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Turns arch/accelerator.toml into the files that hardware, compiler, host and firmware share."""
