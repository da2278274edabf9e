#include "bursar/broker/strategies/inner_exchange.h"

#include <gtest/gtest.h>
#include <optional>

namespace bursar::broker {
namespace {

struct Kept {
  Reactor reactor;
  std::optional<InnerAnswer> answer;
  int told = 0;
  std::shared_ptr<InnerExchange> back = std::make_shared<InnerExchange>(reactor, [this](InnerAnswer given) {
    answer = std::move(given);
    ++told;
  });
};

TEST(InnerExchange, KeepsAWholeAnswerOnce) {
  Kept kept;
  kept.back->answer({.status = 402, .body = "no"});
  kept.back->answer({.status = 200, .body = "yes"});
  EXPECT_EQ(kept.told, 1);
  EXPECT_EQ(kept.answer->response.status, 402);
  EXPECT_EQ(kept.answer->body, "no");
}

TEST(InnerExchange, KeepsAllThatWasStreamed) {
  Kept kept;
  kept.back->stream({.status = 200}, ": \n\n");
  kept.back->write("data: a\n\n");
  EXPECT_EQ(kept.told, 0);
  kept.back->write("data: b\n\n");
  kept.back->finish();
  EXPECT_TRUE(kept.answer->streamed);
  EXPECT_EQ(kept.answer->body, "data: a\n\ndata: b\n\n");
}

TEST(InnerExchange, EndsACallThatSendsTooMuch) {
  Kept kept;
  int closed = 0;
  kept.back->on_closed([&] { ++closed; });
  kept.back->stream({.status = 200}, "");
  kept.back->write(std::string(InnerExchange::kMost, 'x'));
  kept.back->write("x");
  EXPECT_EQ(kept.answer->response.status, 502);
  EXPECT_EQ(closed, 1);
}

TEST(InnerExchange, TellsNothingOnceItWasClosed) {
  Kept kept;
  int closed = 0;
  kept.back->on_closed([&] { ++closed; });
  kept.back->close();
  kept.back->answer({.status = 200});
  EXPECT_EQ(closed, 1);
  EXPECT_EQ(kept.told, 0);
}

}  // namespace
}  // namespace bursar::broker
