// The simulated model's own count: what it computed, whether it came whole or not. The other side of a gateway's
// receipts.
//
//   auto call = table.begin("sim-small", /*prompt=*/20);
//   call->computed(57);
//   call->whole();       // else, when the last owner lets go: broken
//   table.json();        //
//   {"simulated":true,"models":{"sim-small":{"whole":{"calls":1,"prompt_tokens":20,…},…}},"total":…}
//
// whole: all of the answer was handed to the connection and the client was still there. broken: it was not, by a fault
// or because the client left; its tokens are those that were computed until then. refused: answered with an error,
// nothing computed. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace bursar::cli {

struct CallCount {
  std::int64_t calls = 0, prompt_tokens = 0, completion_tokens = 0;
};

class UsageTable : public std::enable_shared_from_this<UsageTable> {
 public:
  class Call {
   public:
    Call(std::shared_ptr<UsageTable> table, std::string model, std::int64_t prompt)
        : table_(std::move(table)), model_(std::move(model)), count_{1, prompt, 0} {}
    ~Call() { end(false); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    void computed(std::int64_t completion_tokens) { count_.completion_tokens = completion_tokens; }  // so far
    void whole() { end(true); }
    void broken() { end(false); }

   private:
    void end(bool whole);
    std::shared_ptr<UsageTable> table_;
    std::string model_;
    CallCount count_;
    bool over_ = false;
  };

  [[nodiscard]] std::shared_ptr<Call> begin(std::string model, std::int64_t prompt) {
    return std::make_shared<Call>(shared_from_this(), std::move(model), prompt);
  }
  void refused(std::string_view model);
  [[nodiscard]] std::string json() const;

 private:
  struct Row {
    CallCount whole, broken;
    std::int64_t refused = 0;
  };
  [[nodiscard]] Row& row(std::string_view model);
  [[nodiscard]] static std::string json_of(const Row& row);
  std::map<std::string, Row, std::less<>> rows_;
};

}  // namespace bursar::cli
