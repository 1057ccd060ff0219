# SPDX-License-Identifier: MIT
# The shared library, of the objects that the static one is made of: compiled once, linked twice. As a part of another
# project only the kind that BUILD_SHARED_LIBS asks for is omnimeans::omnimeans; on its own it is always the static one,
# because the tests and the program reach behind the interface.
set(default_shared "${PROJECT_IS_TOP_LEVEL}")
if(DEFINED BUILD_SHARED_LIBS)
  set(default_shared "${BUILD_SHARED_LIBS}")
endif()
if(OMNIMEANS_SANITIZE)
  set(default_shared OFF)  # -Wl,--no-undefined and the sanitizers' runtime do not go together
endif()
option(OMNIMEANS_BUILD_SHARED "Build the shared library" ${default_shared})

if(OMNIMEANS_BUILD_SHARED)
  # Releases before 1.0 may break the interface with each minor version.
  set(OMNIMEANS_SOVERSION "${PROJECT_VERSION_MAJOR}")
  if(PROJECT_VERSION_MAJOR EQUAL 0)
    set(OMNIMEANS_SOVERSION "0.${PROJECT_VERSION_MINOR}")
  endif()
  add_library(omnimeans_shared SHARED $<TARGET_OBJECTS:omnimeans>)
  set_target_properties(omnimeans_shared PROPERTIES OUTPUT_NAME omnimeans VERSION "${PROJECT_VERSION}"
    SOVERSION "${OMNIMEANS_SOVERSION}" LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/src" EXPORT_NAME omnimeans_shared LINKER_LANGUAGE CXX
    LINK_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/exports.map")
  target_compile_features(omnimeans_shared INTERFACE cxx_std_20)
  target_include_directories(omnimeans_shared INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>)
  target_link_libraries(omnimeans_shared PRIVATE OpenMP::OpenMP_CXX)
  # Templates of the standard library are instantiated in ours as well, and visible: the map keeps them in.
  target_link_options(omnimeans_shared PRIVATE "LINKER:--version-script=${CMAKE_CURRENT_LIST_DIR}/exports.map"
                                               "LINKER:--no-undefined" "LINKER:--as-needed")
endif()

if(OMNIMEANS_BUILD_SHARED AND BUILD_SHARED_LIBS AND NOT PROJECT_IS_TOP_LEVEL)
  add_library(omnimeans::omnimeans ALIAS omnimeans_shared)
else()
  add_library(omnimeans::omnimeans ALIAS omnimeans)
endif()

# Every kind that an installation takes, by one name.
add_custom_target(omnimeans_libraries DEPENDS omnimeans)
if(OMNIMEANS_BUILD_SHARED)
  add_dependencies(omnimeans_libraries omnimeans_shared)
endif()
