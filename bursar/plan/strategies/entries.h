// One line for each file of this folder; strategies.cc puts them into the table. Inside this folder only.
#pragma once

#include "bursar/plan/strategies/strategies.h"

namespace bursar::plan {

extern const StrategyEntry kBats;
extern const StrategyEntry kBavt;
extern const StrategyEntry kBudgetGuidance;
extern const StrategyEntry kPets;
extern const StrategyEntry kBom;
extern const StrategyEntry kSevra;
extern const StrategyEntry kVoiSearch;
extern const StrategyEntry kPlanAndBudget;
extern const StrategyEntry kScale;
extern const StrategyEntry kDora;
extern const StrategyEntry kMasPhase;
extern const StrategyEntry kAuto;
extern const StrategyEntry kPipeline;

}  // namespace bursar::plan
