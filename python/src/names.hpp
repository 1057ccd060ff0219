// SPDX-License-Identifier: MIT
// The words by which Python calls the choices that are enumerations in C++.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "omnimeans/error.hpp"
#include "omnimeans/options.hpp"
#include "omnimeans/seeding.hpp"

namespace omnimeans::python {

inline constexpr std::array<std::pair<const char*, EmptyClusterPolicy>, 3> empty_cluster_policies = {{
    {"relocate", EmptyClusterPolicy::relocate},
    {"keep", EmptyClusterPolicy::keep},
    {"error", EmptyClusterPolicy::error},
}};

inline EmptyClusterPolicy find_empty_cluster_policy(const std::string& name) {
  std::string names;
  for (const auto& [word, policy] : empty_cluster_policies) {
    if (word == name) return policy;
    names += std::string(names.empty() ? "" : ", ") + "'" + word + "'";
  }
  throw InvalidArgument("empty_clusters = '" + name + "' is not one of " + names);
}

inline std::vector<std::string> init_names() {
  std::vector<std::string> names;
  for (const SeedingMethod& method : seeding_methods()) names.emplace_back(method.name);
  return names;
}

inline Init find_init(const std::string& name) {
  return find_seeding_method(name).init;
}

}  // namespace omnimeans::python
