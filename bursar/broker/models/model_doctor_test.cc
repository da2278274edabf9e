// What `bursar doctor` says about model endpoints.
#include <algorithm>
#include <gtest/gtest.h>

#include "bursar/broker/admin/doctor.h"

namespace bursar::broker {
namespace {

DoctorFacts healthy() {
  DoctorFacts facts;
  facts.now = wall_from_unix_us(1'795'000'000'000'000);  // November 2026
  facts.config.models.upstreams = {{.name = "openai", .url = "https://api.openai.com/v1"}};
  facts.config.models.price_file = "prices.yaml";
  facts.running = GatewayStatus{.models = {{.name = "openai"}}, .price_date = "2026-11-01"};
  return facts;
}

std::optional<Grade> grade_of(const DoctorFacts& facts, std::string_view check) {
  for (const Finding& finding : examine(facts)) {
    if (finding.check == check) return finding.grade;
  }
  return std::nullopt;
}

TEST(ModelDoctor, EachDefectIsFoundByItsOwnCheck) {
  struct Defect {
    std::string_view check;
    Grade grade;
    void (*make)(DoctorFacts&);
  };
  const Defect defects[] = {
      {"credentials towards model endpoints are encrypted", Grade::kFail,
       [](DoctorFacts& f) { f.config.models.upstreams[0].url = "http://api.example.com/v1"; }},
      {"models have prices", Grade::kWarn, [](DoctorFacts& f) { f.config.models.price_file = ""; }},
      {"prices were looked up within 90 days", Grade::kWarn,
       [](DoctorFacts& f) { f.running->price_date = "2026-01-01"; }},
      {"model endpoint openai answers", Grade::kFail, [](DoctorFacts& f) { f.running->models[0].circuit_open = true; }},
      {"model endpoint openai answers", Grade::kFail,
       [](DoctorFacts& f) { f.running->models[0].last_error = "refused"; }},
  };
  for (const Defect& defect : defects) {
    EXPECT_EQ(grade_of(healthy(), defect.check), Grade::kOk) << defect.check;
    DoctorFacts facts = healthy();
    defect.make(facts);
    EXPECT_EQ(grade_of(facts, defect.check), defect.grade) << defect.check;
  }
}

TEST(ModelDoctor, SaysNothingWhereThereAreNone) {
  DoctorFacts facts = healthy();
  facts.config.models = {};
  EXPECT_EQ(grade_of(facts, "models have prices"), std::nullopt);
}

}  // namespace
}  // namespace bursar::broker
