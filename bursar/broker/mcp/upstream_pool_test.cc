#include "bursar/broker/mcp/upstream_pool.h"

#include <gtest/gtest.h>

#include "bursar/broker/mcp/mcp_testing.h"

namespace bursar::broker {
namespace {

struct Pooled : testing::Rig {
  using testing::Rig::Rig;
  UpstreamPool pool{services->catalogue, {}};
  Principal ada{.subject = "key:ada", .account = "ada"}, bob{.subject = "key:bob", .account = "bob"};

  std::shared_ptr<UpstreamPool::Lease> take(const Principal& who, std::string_view capabilities = "{}",
                                            Isolation isolation = Isolation::kPrincipal, std::size_t reactor = 0) {
    UpstreamEntry entry = set->entries[0];
    entry.config.isolation = isolation;
    auto lease = pool.take(entry, {.principal = who, .capabilities = capabilities}, reactors.at(reactor), {});
    return lease ? *lease : nullptr;
  }
};

constexpr std::string_view kAskable = R"({"sampling":{}})";

TEST(UpstreamPool, SharesASessionAmongTheRequestsOfOnePrincipal) {
  Pooled rig;
  const auto one = rig.take(rig.ada), two = rig.take(rig.ada);
  EXPECT_EQ(one->slot(), two->slot());
  EXPECT_NE(one->slot(), rig.take(rig.bob)->slot());
  EXPECT_NE(one->slot(), rig.take(rig.ada, "{}", Isolation::kPrincipal, 1)->slot());
  EXPECT_EQ(rig.take(rig.ada, "{}", Isolation::kShared)->slot(), rig.take(rig.bob, "{}", Isolation::kShared)->slot());
}

TEST(UpstreamPool, GivesASessionToOneRequestAtATimeWhereTheServerMayAsk) {
  Pooled rig;
  auto one = rig.take(rig.ada, kAskable);
  const auto two = rig.take(rig.ada, kAskable);
  EXPECT_NE(one->slot(), two->slot());
  const void* const first = one->slot();
  one.reset();
  EXPECT_EQ(rig.take(rig.ada, kAskable)->slot(), first);  // as the server left it
  EXPECT_NE(rig.take(rig.ada, R"({"roots":{}})")->slot(), first);
  EXPECT_EQ(rig.pool.size(), 3U);
}

TEST(UpstreamPool, KeepsSessionsApartWhereTheConfigurationDoes) {
  Pooled rig;
  const auto one = rig.take(rig.ada, "{}", Isolation::kSession), two = rig.take(rig.ada, "{}", Isolation::kSession);
  EXPECT_NE(one->slot(), two->slot());
}

TEST(UpstreamPool, BoundsEachPrincipal) {
  Pooled rig;
  std::vector<std::shared_ptr<UpstreamPool::Lease>> held;
  for (std::size_t i = 0; i < UpstreamPool::kMaxSlotsPerPrincipal; ++i) held.push_back(rig.take(rig.ada, kAskable));
  EXPECT_NE(held.back(), nullptr);
  EXPECT_EQ(rig.take(rig.ada, kAskable), nullptr);
  EXPECT_NE(rig.take(rig.bob, kAskable), nullptr);
}

TEST(UpstreamPool, ForgetsWhatAReloadReplaced) {
  Pooled rig;
  const auto before = rig.take(rig.ada);
  auto changed = std::make_shared<UpstreamSet>(*rig.set);
  changed->entries[0].upstream = rig.second;
  rig.set = changed;
  EXPECT_NE(rig.take(rig.ada)->slot(), before->slot());
  EXPECT_TRUE(before->lost());
  EXPECT_EQ(rig.pool.size(), 1U);
}

}  // namespace
}  // namespace bursar::broker
