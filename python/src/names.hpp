// SPDX-License-Identifier: MIT
// The words by which Python calls the choices that are enumerations in C++.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "omnimeans/error.hpp"
#include "omnimeans/options.hpp"

namespace omnimeans::python {

inline constexpr std::array<std::pair<const char*, Init>, 2> inits = {{
    {"k-means++", Init::kmeans_plus_plus},
    {"random", Init::random},
}};

inline constexpr std::array<std::pair<const char*, EmptyClusterPolicy>, 3> empty_cluster_policies = {{
    {"relocate", EmptyClusterPolicy::relocate},
    {"keep", EmptyClusterPolicy::keep},
    {"error", EmptyClusterPolicy::error},
}};

template <class Table>
std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.emplace_back(entry.first);
  return names;
}

/// The entry of that name; else InvalidArgument, listing the names.
template <class Table>
auto find_name(const Table& table, const std::string& option, const std::string& name) {
  std::string names;
  for (const auto& entry : table) {
    if (entry.first == name) return entry.second;
    names += std::string(names.empty() ? "" : ", ") + "'" + entry.first + "'";
  }
  throw InvalidArgument(option + " = '" + name + "' is not one of " + names);
}

inline std::vector<std::string> init_names() {
  return names_of(inits);
}
inline Init find_init(const std::string& name) {
  return find_name(inits, "init", name);
}
inline EmptyClusterPolicy find_empty_cluster_policy(const std::string& name) {
  return find_name(empty_cluster_policies, "empty_clusters", name);
}

}  // namespace omnimeans::python
