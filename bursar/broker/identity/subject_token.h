// A caller's token, kept for as long as a call may have to exchange it (RFC 8693), and then wiped.
//
//   auto kept = std::make_shared<const SubjectToken>(std::string(bearer), expires);
//   exchange.ask(kept->reveal());     // the only way to its text; never log, store or forward what comes out
//
// It has no conversion, no stream operator and no copy, so that it cannot end up in a message by accident.
#pragma once

#include <string>
#include <string_view>

#include "bursar/core/clock.h"

namespace bursar::broker {

// Overwrites the text, its spare capacity too, in a way that no compiler removes, and empties it.
void wipe(std::string& text);

class SubjectToken {
 public:
  SubjectToken(std::string text, WallTime expires) : text_(std::move(text)), expires_(expires) {}
  ~SubjectToken() { wipe(text_); }
  SubjectToken(const SubjectToken&) = delete;
  SubjectToken& operator=(const SubjectToken&) = delete;

  [[nodiscard]] std::string_view reveal() const { return text_; }
  [[nodiscard]] WallTime expires() const { return expires_; }

 private:
  std::string text_;
  WallTime expires_;
};

}  // namespace bursar::broker
