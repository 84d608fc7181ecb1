// What a training step costs, part by part:
//   finetune_step_benchmark CHECKPOINT [DEVICE [CONTEXTS [POSITIONS [STEPS [fp32|bf16 [THREADS]]]]]]
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "compiler/checkpoint/checkpoint.hpp"
#include "host/finetune/network.hpp"
#include "host/finetune/objective.hpp"
#include "host/finetune/runtime.hpp"

namespace xw::finetune {
namespace {

using torch::Tensor;

double seconds(const torch::Device& device, const std::function<void()>& part) {
  synchronise(device);
  const auto start = std::chrono::steady_clock::now();
  part();
  synchronise(device);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int run(const std::vector<std::string>& arguments) {
  const auto text = [&](std::size_t i, const char* fallback) { return i < arguments.size() ? arguments[i] : fallback; };
  const auto number = [&](std::size_t i, const char* fallback) { return std::stoll(text(i, fallback)); };
  const auto checkpoint = checkpoint::open_checkpoint(text(0, ""));
  const ir::Graph graph = checkpoint::import_graph(*checkpoint);
  NetworkOptions options;
  options.device = open_device(text(1, "cpu"));
  const std::int64_t contexts = number(2, "1"), positions = number(3, "512"), steps = number(4, "3");
  options.compute =
      text(5, has_fast_bf16(options.device) ? "bf16" : "fp32") == "bf16" ? torch::kBFloat16 : torch::kFloat32;
  if (arguments.size() > 6) set_threads(static_cast<int>(number(6, "1")));
  std::cout << device_text(options.device) << ", " << contexts << " contexts of " << positions << " tokens\n";
  options.is_trainable = false;
  Network teacher(graph, *checkpoint, options, {});
  options.is_trainable = true;
  Network student(graph, *checkpoint, options, {}, &teacher);
  const Tensor ids = at::randint(teacher.vocab_size(), {contexts, positions}, torch::kInt64).to(options.device);
  student.initialise_ranges({ids.slice(0, 0, 1)}, {});
  std::vector<Tensor> values, gradients, means, squares, counts;
  for (Parameter& parameter : student.parameters()) {
    values.push_back(parameter.value.detach());
    gradients.push_back(parameter.value.grad());
    means.push_back(at::zeros_like(parameter.value.detach()));
    squares.push_back(at::zeros_like(parameter.value.detach()));
    counts.push_back(at::zeros({}, torch::dtype(torch::kFloat32).device(options.device)));
  }
  const auto tokens = static_cast<double>(ids.numel());
  for (std::int64_t step = 0; step < steps; ++step) {
    const double teacher_forward = seconds(options.device, [&] {
      const torch::NoGradGuard guard;
      static_cast<void>(teacher.hidden(ids, Mode::kDigital));
    });
    const double student_forward =
        seconds(options.device, [&] { static_cast<void>(student.hidden(ids, Mode::kAnalogTrain)); });
    const double teacher_head =
        seconds(options.device, [&] { static_cast<void>(language_loss(teacher, ids, Mode::kDigital)); }) -
        teacher_forward;
    Tensor loss;
    const std::clock_t cpu_start = std::clock();
    const double whole = seconds(options.device, [&] {
      student.seed_noise(static_cast<std::uint64_t>(step));
      student.zero_gradients();
      loss = train_step(student, &teacher, ids, Mode::kAnalogTrain, {});
    });
    const double optimiser = seconds(options.device, [&] {
      const torch::NoGradGuard guard;
      for (Tensor& count : counts) count.add_(1);
      at::_fused_adamw_(values, gradients, means, squares, {}, counts, 1e-5, 0.9, 0.95, 0.0, 1e-8, false, false);
    });
    const double clipping = seconds(options.device, [&] { student.clip({3, 8, 1}); });
    const double cpu = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
    std::cout << "teacher " << teacher_forward << " s, its head and a likelihood " << teacher_head
              << ", student forward " << student_forward << ", objective and backward "
              << whole - teacher_forward - student_forward << ", AdamW " << optimiser << ", clip " << clipping
              << "; loss " << loss.item<double>() << "; " << tokens / (whole + optimiser + clipping) << " tokens/s, "
              << tokens / cpu << " per second of a processor" << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace xw::finetune

int main(int argc, char** argv) {
  try {
    return xw::finetune::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    std::cerr << "finetune_step_benchmark: " << error.what() << '\n';
    return 1;
  }
}
