// Which part of a study a job of a cluster takes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "host/toolchain/sweep/study.hpp"

namespace xw::toolchain {

/// The task of a job array of Slurm (SLURM_ARRAY_TASK_ID, _COUNT, _MIN, _STEP) that this process is, else the rank that mpirun or srun gave it
/// (OMPI_COMM_WORLD_RANK and _SIZE of Open MPI, PMI_RANK and _SIZE of MPICH and Intel MPI), else everything. Throws Error{kInvalidArgument}
/// for values that fit no part.
[[nodiscard]] Shard job_shard();

}  // namespace xw::toolchain
