// Devices that torch computes on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/runtime.hpp"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "arch/support/error.hpp"

namespace xw::finetune {
namespace {

/// Registers the CUDA part of torch, which the command is not linked with. Returns why it could not, or nothing.
std::string load_cuda() {
  static const std::string problem = [] {
    void* cpu = dlopen("libtorch_cpu.so", RTLD_LAZY | RTLD_NOLOAD);
    link_map* place = nullptr;
    if (cpu == nullptr || dlinfo(cpu, RTLD_DI_LINKMAP, static_cast<void*>(&place)) != 0) {
      return std::string("the folder of libtorch_cpu.so is not known");
    }
    const std::filesystem::path folder = std::filesystem::path(place->l_name).parent_path();
    if (dlopen((folder / "libtorch_cuda.so").c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      const char* reason = dlerror();
      return std::string(reason == nullptr ? "libtorch_cuda.so cannot be loaded" : reason);
    }
    return std::string();
  }();
  return problem;
}

std::string cpu_line(std::string_view key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) return line;
  }
  return {};
}

}  // namespace

torch::Device open_device(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  const bool is_auto = name == "auto";
  int index = 0;
  if (!is_auto && name != "cuda") {
    const std::string_view digits = std::string_view(name).substr(std::min<std::size_t>(name.size(), 5));
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (!name.starts_with("cuda:") || error != std::errc() || end != digits.data() + digits.size() || index < 0) {
      throw Error(ErrorCode::kInvalidArgument, "device: expected cpu, cuda, cuda:N or auto, found '" + name + "'");
    }
  }
  const std::string problem = load_cuda();
  const int found = problem.empty() && torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0;
  if (index < found) return {torch::kCUDA, static_cast<c10::DeviceIndex>(index)};
  if (is_auto) return torch::kCPU;
  throw Error(ErrorCode::kUnsupported,
              "device " + name + ": " +
                  (problem.empty() ? "expected a CUDA device of that number, found " + std::to_string(found)
                                   : "the CUDA part of torch is needed, which LD_LIBRARY_PATH can name: " + problem));
}

bool has_fast_bf16(const torch::Device& device) {
  if (device.is_cuda()) return true;
  const std::string flags = cpu_line("flags");
  return flags.find(" avx512_bf16") != std::string::npos || flags.find(" amx_bf16") != std::string::npos;
}

std::string device_text(const torch::Device& device) {
  if (device.is_cuda()) return "CUDA device " + std::to_string(static_cast<int>(device.index()));
  const std::string line = cpu_line("model name");
  const std::size_t colon = line.find(": ");
  const std::string model = colon == std::string::npos ? std::string("CPU") : line.substr(colon + 2);
  return model + ", " + std::to_string(torch::get_num_threads()) + " threads";
}

void set_threads(int threads) {
  torch::set_num_threads(threads);
}

void synchronise(const torch::Device& device) {
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
}

}  // namespace xw::finetune
