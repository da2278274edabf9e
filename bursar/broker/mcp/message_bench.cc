#include <benchmark/benchmark.h>
#include <string>

#include "bursar/broker/mcp/message.h"

namespace bursar::broker {
namespace {

const std::string kCall =
    R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"files.read_text_file","arguments":{"path":"docs/architecture.md","head":40},"_meta":{"progressToken":7,"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}})";

void parse_call(benchmark::State& state) {
  for (auto _ : state) {
    auto message = Message::parse(kCall);
    benchmark::DoNotOptimize(message);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kCall.size()));
}
BENCHMARK(parse_call);

void rewrite_call(benchmark::State& state) {
  const auto message = Message::parse(kCall);
  for (auto _ : state) {
    const std::string meta = with_member(message->meta(), "progressToken", "4711");
    const std::string params = with_member(message->params(), "_meta", meta);
    benchmark::DoNotOptimize(message->with({.id = "4711", .params = params}));
  }
}
BENCHMARK(rewrite_call);

// A text result; the copy that the loop needs is part of the figure.
void parse_result(benchmark::State& state) {
  const std::string text = R"({"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":")" +
                           std::string(static_cast<std::size_t>(state.range(0)), 'x') + R"("}]}})";
  for (auto _ : state) {
    auto message = Message::parse(text);
    benchmark::DoNotOptimize(message);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(parse_result)->Arg(256)->Arg(64 << 10)->Arg(4 << 20);

}  // namespace
}  // namespace bursar::broker
