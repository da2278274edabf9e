#include "bursar/broker/mcp/modern_reply.h"

#include "bursar/broker/mcp/event_stream.h"
#include "bursar/broker/mcp/message.h"
#include "bursar/broker/mcp/reply.h"
#include "bursar/broker/pipeline/pipeline.h"

namespace bursar::broker {

void ModernReply::open() {
  if (streaming_ || answered_) return;
  streaming_ = true;
  exchange_->stream(event_stream_head({}), std::string(kHeartbeatComment));
}

void ModernReply::related(std::string_view message) {
  if (answered_) return;
  open();
  exchange_->write(message_event(message));
}

void ModernReply::answer(int status, std::string message) {
  if (std::exchange(answered_, true)) return;
  if (!streaming_) return exchange_->answer({.status = status, .headers = headers_, .body = std::move(message)});
  exchange_->write(message_event(message));
  exchange_->finish();
}

void ModernReply::result(std::string_view result) { answer(200, make_result(id_, result)); }

void ModernReply::error(int status, std::string_view error) {
  std::string message = R"({"jsonrpc":"2.0","id":)";
  answer(status, message.append(id_).append(",\"error\":").append(error) + "}");
}

void ModernReply::error(int status, int code, std::string_view message, std::string_view data) {
  error(status, rpc_error(code, message, data));
}

void ModernReply::on_gone(std::function<void()> gone) {
  if (!answered_) exchange_->on_closed(std::move(gone));
}

}  // namespace bursar::broker
