# What `cmake --install` puts where: tool, library, headers, pkg-config and CMake package files,
# SDK, man page, completion.
include(CMakePackageConfigHelpers)

install(TARGETS bulkhead_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET bulkhead)
    install(TARGETS bulkhead RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/bulkhead DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/sdk/c DESTINATION ${CMAKE_INSTALL_DATADIR}/bulkhead/sdk
    USE_SOURCE_PERMISSIONS)
install(FILES ${CMAKE_SOURCE_DIR}/docs/man/bulkhead.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
    OPTIONAL)

configure_file(${CMAKE_SOURCE_DIR}/cmake/bulkhead.pc.in ${CMAKE_BINARY_DIR}/bulkhead.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/bulkhead.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/BulkheadConfig.cmake.in
    ${CMAKE_BINARY_DIR}/BulkheadConfig.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Bulkhead
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/BulkheadConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/BulkheadConfig.cmake
    ${CMAKE_BINARY_DIR}/BulkheadConfigVersion.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Bulkhead)
