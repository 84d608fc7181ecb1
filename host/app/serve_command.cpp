// `crossweave serve`: completions over HTTP.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>

#include "arch/support/file.hpp"
#include "arch/support/interrupt.hpp"
#include "host/app/options.hpp"
#include "host/server/completion_engine.hpp"
#ifdef XW_HAVE_HTTPLIB
#include <chrono>
#include <thread>

#include "host/server/http_server.hpp"
#endif

namespace xw::app {

namespace {

namespace po = boost::program_options;

struct ServeFlags {
  std::string host, name;
  std::filesystem::path key_file;
  std::uint32_t port = 0;
  server::EngineLimits limits;
};

po::options_description serve_options(ServeFlags& flags) {
  po::options_description options("Server");
  auto add = options.add_options();
  add("host", po::value(&flags.host)->default_value("127.0.0.1"),
      "address to listen on; one that others can reach needs a key");
  add("port", po::value(&flags.port)->default_value(8080), "port; 0: any that is free");
  add("api-key-file", path_value(flags.key_file, "FILE"),
      "file with the key that requests must bear (Authorization: Bearer KEY); else from the environment, "
      "CROSSWEAVE_API_KEY");
  add("name", po::value(&flags.name), "name of the model in answers (default: that of the file)");
  add("sequences", po::value(&flags.limits.sequences)->default_value(flags.limits.sequences),
      "computed at the same time");
  add("context", po::value(&flags.limits.length)->default_value(flags.limits.length),
      "tokens of a prompt with its answer at most");
  add("waiting", po::value(&flags.limits.waiting)->default_value(flags.limits.waiting),
      "completions that may wait; more are refused");
  return options;
}

/// "" if there is none.
std::string read_key(const std::filesystem::path& file) {
  if (file.empty()) {
    const char* key = std::getenv("CROSSWEAVE_API_KEY");
    return key == nullptr ? "" : key;
  }
  std::string key = read_text_file(file, 4096);
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
  if (key.empty())
    throw Error(ErrorCode::kInvalidArgument,
                "serve: --api-key-file: " + file.string() + ": expected a key, found nothing");
  return key;
}

#ifdef XW_HAVE_HTTPLIB
int answer(toolchain::OpenedModel& opened, const ServeFlags& flags, const std::string& key) {
  server::CompletionEngine engine(opened.model(), opened.tokenizer(), flags.limits);
  server::HttpServer http(engine, opened.tokenizer(),
                          {flags.host, static_cast<std::uint16_t>(flags.port), key, flags.name});
  const std::uint16_t port = http.bind();
  std::printf("%s (%s) on http://%s:%u/v1, %u sequences of %u tokens; Ctrl-C ends it\n", flags.name.c_str(),
              opened.describe().c_str(),
              flags.host.find(':') == std::string::npos ? flags.host.c_str() : ("[" + flags.host + "]").c_str(), port,
              flags.limits.sequences, engine.length());
  std::fflush(stdout);
  std::thread watch([&] {
    while (!interrupt_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    engine.stop();
    http.stop();
  });
  http.serve();
  watch.join();
  const server::EngineCounters counters = engine.counters();
  std::printf("%llu completions, %llu prompt tokens, %llu new tokens in %llu steps\n",
              static_cast<unsigned long long>(counters.completions),
              static_cast<unsigned long long>(counters.prompt_tokens),
              static_cast<unsigned long long>(counters.new_tokens), static_cast<unsigned long long>(counters.steps));
  return 0;
}
#else
int answer(toolchain::OpenedModel&, const ServeFlags&, const std::string&) {
  throw Error(ErrorCode::kUnsupported,
              "serve: this build has no HTTP library; install libcpp-httplib-dev and build again");
}
#endif

}  // namespace

int serve_main(const std::vector<std::string>& arguments) {
  std::filesystem::path model;
  toolchain::RunOptions run;
  toolchain::CompileOptions compile;
  ServeFlags flags;
  unsigned threads = 0;
  po::options_description options = serve_options(flags);
  options.add_options()("model", path_value(model, "MODEL"), "program or checkpoint");
  options.add(thread_options(threads)).add(run_options(run)).add(compile_options(compile));
  const auto values = parse_command_line(
      "serve", arguments, options, "model", "MODEL",
      "  crossweave serve smollm2.xwp --noise pcm-afm --chip-seed 7\n"
      "  curl http://127.0.0.1:8080/v1/completions --json '{\"prompt\": \"The capital of France is\", \"max_tokens\": "
      "8, \"temperature\": 0}'\n"
      "  CROSSWEAVE_API_KEY=... crossweave serve model.gguf --host 0.0.0.0      # fp32, for others, too\n");
  if (!values) return 0;
  if (flags.port > 65535)
    throw Error(ErrorCode::kInvalidArgument, "serve: --port: expected 0 to 65535, found " + std::to_string(flags.port));
  if (flags.limits.sequences == 0 || flags.limits.sequences > 256)
    throw Error(ErrorCode::kInvalidArgument,
                "serve: --sequences: expected 1 to 256, found " + std::to_string(flags.limits.sequences));
  FileRoles roles;
  add_model_files(roles, model, compile, &run);
  if (!flags.key_file.empty()) roles.add_input("--api-key-file", flags.key_file);
  roles.check();
  const std::string key = read_key(flags.key_file);
  toolchain::OpenedModel opened(model, run, compile, threads);
  refuse_unused(*values, opened, run_options(run), compile_options(compile));
  if (const runtime::ChipInstance* chip = opened.chip(); chip != nullptr && !chip->device().info().values)
    throw Error(ErrorCode::kUnsupported,
                "serve: --device: expected one that computes products, found one of times only");
  if (flags.name.empty()) flags.name = model.stem().string();
  return answer(opened, flags, key);
}

}  // namespace xw::app
