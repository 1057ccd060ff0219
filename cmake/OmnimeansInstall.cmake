# SPDX-License-Identifier: MIT
# Installation: libraries, headers, the CMake package and the pkg-config file, in three components (library, development,
# program). A CMake package needs OpenMP only for the static library; a shared one brings all that it needs.
if(NOT OMNIMEANS_INSTALL)
  return()
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/omnimeans")

if(OMNIMEANS_BUILD_SHARED)
  install(TARGETS omnimeans_shared EXPORT omnimeans-shared
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library NAMELINK_COMPONENT development
    INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(EXPORT omnimeans-shared NAMESPACE omnimeans:: DESTINATION "${package_dir}" COMPONENT development)
endif()
if(NOT BUILD_SHARED_LIBS OR NOT OMNIMEANS_BUILD_SHARED)
  set(OMNIMEANS_INSTALL_STATIC ON)
  set_target_properties(omnimeans PROPERTIES EXPORT_NAME omnimeans_static)
  install(TARGETS omnimeans EXPORT omnimeans-static
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development
    INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(EXPORT omnimeans-static NAMESPACE omnimeans:: DESTINATION "${package_dir}" COMPONENT development)
endif()

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/omnimeans" "${PROJECT_BINARY_DIR}/include/omnimeans"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h")

set(compatibility SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatibility SameMinorVersion)
endif()
configure_package_config_file(cmake/omnimeans-config.cmake.in "${PROJECT_BINARY_DIR}/omnimeans-config.cmake"
  INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/omnimeans-config-version.cmake" COMPATIBILITY ${compatibility})
install(FILES "${PROJECT_BINARY_DIR}/omnimeans-config.cmake" "${PROJECT_BINARY_DIR}/omnimeans-config-version.cmake"
  DESTINATION "${package_dir}" COMPONENT development)

# pkg-config: paths relative to the file, so that the tree can move. What a static library needs stands with
# Libs.private, unless there is no other kind.
cmake_path(IS_ABSOLUTE CMAKE_INSTALL_LIBDIR absolute_libdir)
if(absolute_libdir)
  set(OMNIMEANS_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH OMNIMEANS_PC_PREFIX "/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/p")
  set(OMNIMEANS_PC_PREFIX "\${pcfiledir}/${OMNIMEANS_PC_PREFIX}")
endif()
foreach(kind IN ITEMS LIB INCLUDE)
  cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_${kind}DIR BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE OMNIMEANS_PC_${kind}DIR)
endforeach()
list(TRANSFORM OpenMP_CXX_LIB_NAMES PREPEND -l OUTPUT_VARIABLE needed)
list(JOIN needed " " needed)
set(OMNIMEANS_PC_PRIVATE "${needed} -lstdc++ -lm")
set(OMNIMEANS_PC_NEEDED "")
if(NOT OMNIMEANS_BUILD_SHARED)
  set(OMNIMEANS_PC_NEEDED " ${OMNIMEANS_PC_PRIVATE}")
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/omnimeans.pc.in" "${PROJECT_BINARY_DIR}/omnimeans.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/omnimeans.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
