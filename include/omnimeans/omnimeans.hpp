// SPDX-License-Identifier: MIT
// The whole public interface.
#pragma once

#include "omnimeans/backend.hpp"
#include "omnimeans/error.hpp"
#include "omnimeans/export.h"
#include "omnimeans/fit.hpp"
#include "omnimeans/isa.hpp"
#include "omnimeans/matrix_view.hpp"
#include "omnimeans/options.hpp"
#include "omnimeans/plan.hpp"
#include "omnimeans/predict.hpp"
#include "omnimeans/predictor.hpp"
#include "omnimeans/result.hpp"
#include "omnimeans/seeding.hpp"
#include "omnimeans/version.hpp"
