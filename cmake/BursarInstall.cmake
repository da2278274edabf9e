# Installs the rooms as the package Bursar: find_package(Bursar) gives Bursar::core, Bursar::ledger, …
include(CMakePackageConfigHelpers)

get_property(rooms GLOBAL PROPERTY BURSAR_ROOMS)
set(targets bursar_options)
foreach(room ${rooms})
  list(APPEND targets bursar_${room})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/bursar/${room} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/bursar
          FILES_MATCHING PATTERN "*.h")
endforeach()
install(TARGETS ${targets} EXPORT BursarTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT BursarTargets NAMESPACE Bursar:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Bursar)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/BursarConfig.cmake.in ${CMAKE_BINARY_DIR}/BursarConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Bursar)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/BursarConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/BursarConfig.cmake ${CMAKE_BINARY_DIR}/BursarConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Bursar)
