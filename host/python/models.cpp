// Models that run, in Python: text, logits, log-likelihoods, evaluation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <nlohmann/json.hpp>

#include "arch/support/file_roles.hpp"
#include "host/evaluation/task_file.hpp"
#include "host/python/bindings.hpp"
#include "host/python/running_model.hpp"
#include "host/toolchain/device_totals.hpp"
#include "host/toolchain/evaluate.hpp"
#include "host/toolchain/invocation.hpp"
#include "host/toolchain/program_report.hpp"
#include "host/toolchain/scoring.hpp"
#include "host/toolchain/settings.hpp"
#include "host/toolchain/text_session.hpp"

namespace xw::python {
namespace {

namespace py = pybind11;
using Path = std::filesystem::path;
using toolchain::OpenedModel;

/// Token ids; read where they are if they are 32 bits wide and contiguous.
using Tokens = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;

std::span<const std::int32_t> span_of(const Tokens& tokens) {
  if (tokens.ndim() != 1)
    throw Error(ErrorCode::kInvalidArgument, "tokens: expected one dimension, found " + std::to_string(tokens.ndim()));
  return {tokens.data(), static_cast<std::size_t>(tokens.size())};
}

/// An array of the vector's memory, which lives as long as the array.
template <class Number>
py::array_t<Number> array_of(std::vector<Number> values, std::vector<py::ssize_t> shape) {
  auto owner = std::make_unique<std::vector<Number>>(std::move(values));
  const Number* data = owner->data();
  const py::capsule capsule(owner.get(), [](void* pointer) { delete static_cast<std::vector<Number>*>(pointer); });
  owner.release();  // NOLINT: the capsule's
  return py::array_t<Number>(std::move(shape), data, capsule);
}

evaluation::BosChoice bos_of(const std::string& word) {
  if (word == "tokenizer") return evaluation::BosChoice::kTokenizer;
  if (word == "always") return evaluation::BosChoice::kAlways;
  if (word == "never") return evaluation::BosChoice::kNever;
  throw Error(ErrorCode::kInvalidArgument, "bos: expected tokenizer, always or never, found '" + word + "'");
}

/// How tokens are chosen: max_tokens, temperature, top_k, top_p, seed, whether end tokens end an answer.
struct TextOptions {
  std::uint32_t max_tokens = 128;
  transformer::SamplerOptions sampler;
  bool stop_at_end = true;
};

std::string generate(RunningModel& model, const std::string& text, bool is_chat, const std::string& system,
                     const TextOptions& options, const std::function<void(const std::string&)>& on_text) {
  return model.call([&](OpenedModel& opened) {
    if (opened.chip() != nullptr) opened.chip()->reset_stats();
    transformer::GenerateOptions how;
    how.max_tokens = options.max_tokens;
    how.sampler = options.sampler;
    toolchain::TextSession session(opened, how, options.stop_at_end);
    const auto emit = [&](const std::string& piece) {
      if (!on_text || piece.empty()) return;
      const py::gil_scoped_acquire locked;
      on_text(piece);
    };
    if (is_chat) {
      if (!system.empty()) session.set_system(system);
      session.say(text, emit);
    } else {
      session.complete(text, emit);
    }
    return text_of(toolchain::run_json(opened, session.totals(), model.path()));
  });
}

/// What is measured; `texts` are tasks as (name, JSON lines).
struct Measurements {
  std::optional<std::string> text;
  std::vector<Path> task_files;
  std::vector<std::pair<std::string, std::string>> task_texts;
  std::uint64_t limit = 0;
};

std::string evaluate(RunningModel& model, const Measurements& what, toolchain::EvaluationPlan plan,
                     std::uint32_t chip_seeds, const Path& json, const std::vector<std::string>& words) {
  FileRoles roles;
  roles.add_input("the model", model.path());
  for (const Path& file : what.task_files) roles.add_input("task", file);
  roles.add_output("json", json, OutputKind::kText);
  roles.check();
  return model.call([&](OpenedModel& opened) {
    plan.text = what.text;
    for (const Path& file : what.task_files) plan.tasks.push_back(evaluation::read_task(file, what.limit));
    for (const auto& [name, lines] : what.task_texts)
      plan.tasks.push_back(evaluation::parse_task(lines, name, name, what.limit));
    nlohmann::ordered_json about;
    if (!json.empty()) about = toolchain::about_json("eval", words, roles.inputs());
    return text_of(
        toolchain::evaluate(opened, plan, {model.chip_seed(), chip_seeds}, {model.path(), json, about}).json);
  });
}

/// "[(log-likelihood in nats, greedy), ...] of every request of every item.
std::vector<std::vector<std::pair<double, bool>>> score(
    RunningModel& model, const std::vector<std::vector<std::pair<std::string, std::string>>>& items,
    const std::string& bos) {
  return model.call([&](OpenedModel& opened) {
    std::vector<toolchain::ScoredItem> asked;
    for (const auto& item : items) {
      asked.push_back({"item " + std::to_string(asked.size()), {}});
      for (const auto& [context, continuation] : item) asked.back().requests.push_back({context, continuation});
    }
    std::vector<std::vector<std::pair<double, bool>>> result;
    for (const auto& item : toolchain::score_items(opened, asked, bos_of(bos))) {
      result.emplace_back();
      for (const evaluation::RequestScore& one : item) result.back().emplace_back(one.log_likelihood, one.is_greedy);
    }
    return result;
  });
}

std::vector<std::string> answer(
    RunningModel& model, const std::vector<std::tuple<std::string, std::vector<std::string>, std::uint32_t>>& questions,
    const std::string& bos) {
  return model.call([&](OpenedModel& opened) {
    std::vector<toolchain::Question> asked;
    for (const auto& [prompt, until, max_tokens] : questions) {
      toolchain::Question question{"question " + std::to_string(asked.size()), prompt, {}};
      question.rule.until = until;
      question.rule.max_tokens = max_tokens;
      asked.push_back(std::move(question));
    }
    return toolchain::answer_questions(opened, asked, bos_of(bos));
  });
}

py::array_t<float> logits(RunningModel& model, const Tokens& tokens, bool all, std::uint32_t vector_base) {
  const std::span<const std::int32_t> ids = span_of(tokens);
  toolchain::Logits result =
      model.call([&](OpenedModel& opened) { return toolchain::sequence_logits(opened, ids, all, vector_base); });
  const auto rows = static_cast<py::ssize_t>(result.rows), columns = static_cast<py::ssize_t>(result.columns);
  return array_of(std::move(result.values), all ? std::vector{rows, columns} : std::vector{columns});
}

py::array_t<double> log_likelihoods(RunningModel& model, const Tokens& tokens, std::size_t begin,
                                    std::uint32_t vector_base) {
  const std::span<const std::int32_t> ids = span_of(tokens);
  std::vector<double> values = model.call(
      [&](OpenedModel& opened) { return toolchain::token_log_likelihoods(opened, ids, begin, vector_base); });
  const auto size = static_cast<py::ssize_t>(values.size());
  return array_of(std::move(values), {size});
}

std::string report(RunningModel& model, std::optional<std::uint32_t> context,
                   std::optional<std::uint32_t> prefill_tokens, std::uint32_t decode_tokens,
                   const std::string& prompt) {
  return model.call([&](OpenedModel& opened) {
    report::Report result = toolchain::measured_report(opened, {context, prefill_tokens, decode_tokens, prompt});
    result.command_line = "crossweave.Chip.report";
    return text_of(report::to_json(result));
  });
}

/// What the constructor of Python takes: settings in place of structures.
std::unique_ptr<RunningModel> open(const Path& path, const Settings& run, const Settings& compile, unsigned threads) {
  const auto run_options = with_settings<toolchain::RunOptions>(run);
  const auto compile_options = with_settings<toolchain::CompileOptions>(compile);
  return long_call([&] { return std::make_unique<RunningModel>(path, run_options, compile_options, threads); });
}

template <class Value>
Value asked_or(const py::dict& options, const char* name, Value otherwise) {
  return options.contains(name) ? options[name].cast<Value>() : otherwise;
}

transformer::SamplerOptions sampler_of(const py::dict& options) {
  transformer::SamplerOptions sampler;
  sampler.temperature = asked_or(options, "temperature", sampler.temperature);
  sampler.top_k = asked_or(options, "top_k", sampler.top_k);
  sampler.top_p = asked_or(options, "top_p", sampler.top_p);
  sampler.seed = asked_or(options, "seed", sampler.seed);
  return sampler;
}

}  // namespace

void bind_models(py::module_& module) {
  py::class_<RunningModel> model(module, "Model");
  model.def(py::init(&open), py::arg("path"), py::arg("run"), py::arg("compile"), py::arg("threads"));
  model.def_property_readonly("chip_seed", &RunningModel::chip_seed);
  model.def_property_readonly("seconds", &RunningModel::seconds);
  model.def("take_chip", &RunningModel::take_chip, py::arg("chip_seed"), py::arg("seconds"));
  model.def("describe",
            [](RunningModel& self) { return self.call([](OpenedModel& opened) { return opened.describe(); }); });
  model.def("sizes", [](RunningModel& self) {
    return self.call(
        [](OpenedModel& opened) { return std::pair(opened.model().num_logits(), opened.model().context_length()); });
  });
  model.def(
      "special_tokens",
      [](RunningModel& self) {
        return self.call([](OpenedModel& opened) {
          const tokenizer::TokenizerData& data = opened.tokenizer().data();
          return std::tuple(data.bos, data.eos, data.add_bos);
        });
      },
      "Ids of beginning and end of a sequence (-1: none), and whether texts get the first");
  model.def(
      "encode",
      [](RunningModel& self, const std::string& text, bool add_special, bool parse_special) {
        std::vector<std::int32_t> tokens =
            self.call([&](OpenedModel& opened) { return opened.tokenizer().encode(text, add_special, parse_special); });
        const auto size = static_cast<py::ssize_t>(tokens.size());
        return array_of(std::move(tokens), {size});
      },
      py::arg("text"), py::arg("add_special"), py::arg("parse_special"));
  model.def(
      "decode",
      [](RunningModel& self, const Tokens& tokens, bool show_special) {
        const std::span<const std::int32_t> ids = span_of(tokens);
        return py::bytes(self.call([&](OpenedModel& opened) { return opened.tokenizer().decode(ids, show_special); }));
      },
      py::arg("tokens"), py::arg("show_special"));
  model.def(
      "generate",
      [](RunningModel& self, const std::string& text, bool is_chat, const std::string& system, const py::dict& options,
         const std::function<void(const std::string&)>& on_text) {
        TextOptions how;
        how.max_tokens = asked_or(options, "max_tokens", how.max_tokens);
        how.sampler = sampler_of(options);
        how.stop_at_end = asked_or(options, "stop_at_end", how.stop_at_end);
        return generate(self, text, is_chat, system, how, on_text);
      },
      py::arg("text"), py::arg("is_chat"), py::arg("system"), py::arg("options"), py::arg("on_text"));
  model.def("logits", logits, py::arg("tokens"), py::arg("all"), py::arg("vector_base"));
  model.def("log_likelihoods", log_likelihoods, py::arg("tokens"), py::arg("begin"), py::arg("vector_base"));
  model.def("score", score, py::arg("items"), py::arg("bos"));
  model.def("answer", answer, py::arg("questions"), py::arg("bos"));
  model.def("report", report, py::arg("context"), py::arg("prefill_tokens"), py::arg("decode_tokens"),
            py::arg("prompt"));
  model.def(
      "evaluate",
      [](RunningModel& self, const py::dict& options, const Path& json, const std::vector<std::string>& words) {
        Measurements what;
        what.text = asked_or<std::optional<std::string>>(options, "text", std::nullopt);
        what.task_files = asked_or<std::vector<Path>>(options, "task_files", {});
        what.task_texts = asked_or<std::vector<std::pair<std::string, std::string>>>(options, "task_texts", {});
        what.limit = asked_or<std::uint64_t>(options, "limit", 0);
        toolchain::EvaluationPlan plan;
        plan.perplexity.max_tokens = asked_or<std::uint64_t>(options, "tokens", 0);
        plan.perplexity.context = asked_or<std::uint32_t>(options, "context", plan.perplexity.context);
        plan.perplexity.bos = bos_of(asked_or<std::string>(options, "bos", "tokenizer"));
        plan.sampling.samples = asked_or<std::uint32_t>(options, "samples", 1);
        plan.sampling.sampler = sampler_of(options);
        plan.times = asked_or<std::vector<double>>(options, "times", {});
        return evaluate(self, what, std::move(plan), asked_or<std::uint32_t>(options, "chip_seeds", 1), json, words);
      },
      py::arg("options"), py::arg("json"), py::arg("words"));
}

}  // namespace xw::python
