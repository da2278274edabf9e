// Whatever arrives: no crash, and what was accepted survives being taken apart and put together again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "bursar/broker/mcp/message.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bursar::broker;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string touched = with_member(text, "_meta", "{\"k\":1}");  // any text: unchanged unless it is an object
  if (touched != text) check(member(touched, "_meta") == "{\"k\":1}");
  auto message = Message::parse(text);
  if (!message) {
    check(!message.error().payload.empty());
    return 0;
  }
  check(message->text() == text);
  if (message->kind() != MessageKind::kRequest) return 0;
  const std::string params = with_member(message->params(), "_meta", std::nullopt);
  auto again = Message::parse(message->with({.id = "42", .params = params}), {.bytes = text.size() + 64});
  check(again.has_value());
  check(again->id() == "42" && again->params() == params && again->method() == message->method());
  check(again->meta().empty() && again->name() == message->name() && again->arguments() == message->arguments());
  auto built = Message::parse(make_request(message->id(), message->method(), message->params()));
  check(built.has_value() && built->id() == message->id() && built->method() == message->method());
  return 0;
}
